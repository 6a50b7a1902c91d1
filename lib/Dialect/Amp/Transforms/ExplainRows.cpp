//===- ExplainRows.cpp - What the explanation says about each op
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One walk over a function makes the rows and how they depend on each other;
// phases and the cost of casts follow from the dependences.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/Explain.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Policies/Policy.h"
#include "vernier/Dialect/Amp/Transforms/Forward.h"
#include "vernier/Dialect/Train/IR/Identity.h"
#include "vernier/Target/IR/TargetDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

static std::string typeName(Type type) {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << type;
  return name;
}

/// "bf16 -> f32", or nothing where the gradient follows the op.
static std::string describeGradient(train::GradientTypesAttr types) {
  return types ? typeName(types.getOperand()) + " -> " +
                     typeName(types.getResult())
               : "";
}

/// The names that the model gives to `loc`, without that of a function's call.
static std::string getNames(Location loc) {
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return getNames(call.getCallee());
  auto fused = dyn_cast<FusedLoc>(loc);
  if (fused && !fused.getLocations().empty())
    return getNames(fused.getLocations().front());
  auto name = dyn_cast<NameLoc>(loc);
  if (!name)
    return "";
  std::string inner = getNames(name.getChildLoc());
  return name.getName().str() + (inner.empty() ? "" : " ") + inner;
}

/// The element type of the first floating tensor among `types`, or nothing.
static std::string getFloatName(TypeRange types) {
  for (Type type : types)
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      if (isa<FloatType>(tensor.getElementType()))
        return typeName(tensor.getElementType());
  return "";
}

static std::string getShape(Operation *op) {
  if (op->getNumResults() == 0)
    return "";
  auto tensor = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  return tensor ? llvm::join(llvm::map_range(tensor.getShape(),
                                             [](int64_t extent) {
                                               return std::to_string(extent);
                                             }),
                             "x")
                : "";
}

/// Loads, stores, constants and returns move values, and integers have no
/// precision: they decide nothing.
static bool hasRow(Operation *op) {
  if (op->hasTrait<OpTrait::ConstantLike>())
    return false;
  if (op->hasAttr(kPrecisionAttr))
    return true;
  bool hasFloats = !getFloatName(op->getOperandTypes()).empty() ||
                   !getFloatName(op->getResultTypes()).empty();
  return hasFloats && isa<CostOpInterface>(op);
}

/// A cast that no one wrote: autocast or reverse mode needed it.
static bool isInsertedCast(Operation *op) {
  return isa<arith::ExtFOp, arith::TruncFOp>(op) &&
         !op->hasAttr(kPrecisionAttr);
}

/// The types that `op` has, where no decision says more.
static void setTypes(DecisionRow &row, Operation *op) {
  row.result = getFloatName(op->getResultTypes());
  row.operand = getFloatName(op->getOperandTypes());
  if (row.operand.empty())
    row.operand = row.result;
  if (row.result.empty())
    row.result = row.operand;
  if (op->hasAttr("tf32"))
    row.operand = "tf32";
  bool isF64 = row.operand == "f64" || row.result == "f64";
  row.accumulate = isF64 ? "f64" : "f32";
}

namespace {

/// Rows of one function.
class RowCollector {
public:
  RowCollector(FunctionOpInterface function, Policy *policy)
      : function(function), target(findTarget(function)), policy(policy) {}

  std::vector<DecisionRow> collect();

private:
  /// What a value depends on: rows, and names of states and arguments.
  struct Sources {
    llvm::SmallSetVector<int64_t, 4> rows;
    llvm::SmallSetVector<StringAttr, 2> names;
  };

  Sources getSources(Operation *op) const;
  DecisionRow getRow(Operation *op) const;
  void explainStep(DecisionRow &row, Operation *op) const;
  void explainGradient(DecisionRow &row, Operation *op,
                       Operation *forward) const;
  std::string getCompeting(PrecisionOpInterface op,
                           PrecisionAttr precision) const;
  void setContraction(DecisionRow &row, Operation *op) const;
  void assignPhases();
  void chargeCasts();

  mutable FunctionOpInterface function; ///< Its getters are not const.
  const TargetModel *target;
  Policy *policy;
  std::vector<DecisionRow> rows;
  std::vector<Operation *> operations; ///< Of each row.
  DenseMap<Operation *, int64_t> numbers;
  /// What row-less ops pass on.
  DenseMap<Operation *, Sources> passedOn;
  /// What backward ops inherit: the first decided op at a location.
  DenseMap<Location, int64_t> decidedAt;
};

} // namespace

RowCollector::Sources RowCollector::getSources(Operation *op) const {
  Sources sources;
  for (Value operand : op->getOperands()) {
    if (auto argument = dyn_cast<BlockArgument>(operand)) {
      if (argument.getOwner()->getParentOp() != function)
        continue;
      if (auto name = function.getArgAttrOfType<StringAttr>(
              argument.getArgNumber(), "train.name"))
        sources.names.insert(name);
      continue;
    }
    Operation *definition = operand.getDefiningOp();
    if (auto load = dyn_cast<ml_program::GlobalLoadOp>(definition)) {
      sources.names.insert(load.getGlobalAttr().getLeafReference());
    } else if (auto number = numbers.find(definition);
               number != numbers.end()) {
      sources.rows.insert(number->second);
    } else if (auto passed = passedOn.find(definition);
               passed != passedOn.end()) {
      sources.rows.insert_range(passed->second.rows);
      sources.names.insert_range(passed->second.names);
    }
  }
  return sources;
}

/// The line of the policy that would have decided if the one that did were not
/// there, or the operand that lost.
std::string RowCollector::getCompeting(PrecisionOpInterface op,
                                       PrecisionAttr precision) const {
  std::optional<PrecisionClass> decided = precision.getPrecisionClass();
  if (policy) {
    std::vector<Policy::Candidate> choices = policy->getCandidates(op);
    const Policy::Candidate &first = choices.front();
    bool names = first.precisionClass == PrecisionClass::Low ||
                 first.precisionClass == PrecisionClass::Full;
    if (!decided && names)
      return first.rule;
    for (const Policy::Candidate &choice : ArrayRef(choices).drop_front())
      if (decided && (choice.precisionClass != first.precisionClass ||
                      choice.compute != first.compute))
        return choice.rule;
  }
  bool isOneType =
      decided == PrecisionClass::Widest || decided == PrecisionClass::Follow ||
      (decided == PrecisionClass::FullInside && !op.computesInFullPrecision());
  if (!isOneType)
    return "";
  for (OpOperand *operand : op.getPrecisionOperands())
    if (auto widening = operand->get().getDefiningOp<arith::ExtFOp>())
      if (isInsertedCast(widening))
        return llvm::formatv(
            "operand {0} is {1}", operand->getOperandNumber(),
            typeName(getAutocastElementType(widening.getIn().getType())));
  return "";
}

void RowCollector::setContraction(DecisionRow &row, Operation *op) const {
  auto contraction = dyn_cast<ContractionOpInterface>(op);
  if (!contraction || !target)
    return;
  ContractionDims dims = contraction.getContractionDims();
  ContractionUse use{dims.batch, dims.m, dims.n, dims.k, false, "", "", ""};
  Type type =
      row.operand == "tf32"
          ? Type(FloatTF32Type::get(op->getContext()))
          : getElementTypeOrSelf(contraction.getLhsOperand().get().getType());
  bool isWide = type.isF32() || type.isF64();
  use.isAccelerated = !isWide && target->hasNativeContraction(type);
  if (isWide)
    use.why = llvm::formatv("its operands are {0}: {1}; {2}", row.operand,
                            row.rule, row.reason);
  else if (use.isAccelerated)
    use.why =
        llvm::formatv("{0} multiplies {1}", target->getName(), row.operand);
  else
    use.why = llvm::formatv("{0} multiplies no {1}: operands are widened "
                            "and multiplied in f32",
                            target->getName(), row.operand);
  auto precision = op->getAttrOfType<PrecisionAttr>(kPrecisionAttr);
  if (precision && !op->hasAttr(train::kBackwardAttr)) {
    use.inputGradient = describeGradient(precision.getInputGradient());
    use.weightGradient = describeGradient(precision.getWeightGradient());
  }
  row.contraction = use;
}

/// "weight gradient", as policies call it, and what to them is one, of a bias.
static StringRef describeGradientOf(train::GradientOfAttr gradient) {
  if (!gradient)
    return "gradient";
  if (gradient.getOperand() == train::GradientOperand::Bias)
    return "bias gradient";
  return gradient.getParameter() ? "weight gradient" : "input gradient";
}

/// What is said of what computes a gradient of `forward`, and by which line of
/// the policy if it gives it types of its own.
void RowCollector::explainGradient(DecisionRow &row, Operation *op,
                                   Operation *forward) const {
  train::GradientOfAttr gradient = train::getGradientOf(op->getLoc());
  bool hasTypes = op->hasAttr(train::kGradientTypesAttr);
  row.reason = (describeGradientOf(gradient) + " of " +
                forward->getName().getStringRef() +
                (hasTypes ? ": the policy gives it types of its own"
                          : ": follows its forward op"))
                   .str();
  if (!gradient || !hasTypes)
    return;
  bool isOfWeight = gradient.getParameter() != nullptr;
  auto precisionOp = dyn_cast<PrecisionOpInterface>(forward);
  if (!policy || !precisionOp)
    return;
  Policy::Choice choice = policy->choose(precisionOp);
  row.competing = row.rule;
  row.rule = (isOfWeight ? choice.weightGradient : choice.inputGradient)->rule;
}

/// What is said of an op that no policy decided.
void RowCollector::explainStep(DecisionRow &row, Operation *op) const {
  if (op->hasAttr(train::kBackwardAttr)) {
    row.phase = Phase::Backward;
    auto at = decidedAt.find(train::getForwardLocation(op->getLoc()));
    row.rule = row.isCast ? "cast" : "backward";
    row.reason = row.isCast ? row.operand + " to " + row.result
                            : "gradient: follows its forward op";
    if (at == decidedAt.end())
      return;
    const DecisionRow &decided = rows[at->second];
    row.forward = at->second;
    row.rule = decided.rule;
    explainGradient(row, op, operations[at->second]);
  } else if (row.isCast) {
    row.rule = "cast";
    row.reason = row.operand + " to " + row.result;
  } else {
    row.phase = Phase::Update;
    row.rule = "step";
    if (isa<AllFiniteOp, GateOp>(op))
      row.reason = "skips a step that is not finite";
    else
      row.reason = isa<AmpDialect>(op->getDialect())
                       ? "loss scaling computes in f32"
                       : "the state of training is f32";
  }
}

DecisionRow RowCollector::getRow(Operation *op) const {
  DecisionRow row;
  row.function = function.getName().str();
  row.op = op->getName().getStringRef().str();
  row.name = getNames(op->getLoc());
  row.identity = train::getIdentity(op->getLoc());
  row.place = train::getPlace(op->getLoc());
  row.shape = getShape(op);
  row.isCast = isInsertedCast(op);
  if (auto cost = dyn_cast<CostOpInterface>(op)) {
    row.flops = cost.getFlops();
    row.bytes = cost.getBytes();
  } else {
    row.bytes = ::vernier::detail::countOperandAndResultBytes(op);
  }

  auto precision = op->getAttrOfType<PrecisionAttr>(kPrecisionAttr);
  if (precision && !op->hasAttr(train::kBackwardAttr)) {
    row.operand = typeName(precision.getOperand());
    row.accumulate = typeName(precision.getAccumulate());
    row.result = typeName(precision.getResult());
    row.rule = precision.getRule().str();
    row.reason = precision.getReason().str();
    if (auto precisionOp = dyn_cast<PrecisionOpInterface>(op))
      row.competing = getCompeting(precisionOp, precision);
  } else {
    setTypes(row, op);
    explainStep(row, op);
  }
  setContraction(row, op);
  return row;
}

/// Reverse mode and autocast mark what is theirs. Of the rest, what gradients
/// need of the seed is backward, and what only the update reads is update.
void RowCollector::assignPhases() {
  std::vector<bool> feedsOther(rows.size()), feedsBackward(rows.size()),
      feedsUpdate(rows.size());
  for (int64_t number = rows.size(); number-- > 0;) {
    DecisionRow &row = rows[number];
    if (row.phase == Phase::Update && feedsBackward[number])
      row.phase = Phase::Backward;
    bool isUndecidedCast = row.isCast && row.phase == Phase::Forward;
    if (isUndecidedCast && feedsUpdate[number] && !feedsOther[number])
      row.phase = Phase::Update;
    for (int64_t input : row.inputs) {
      feedsBackward[input] =
          feedsBackward[input] || row.phase == Phase::Backward;
      feedsUpdate[input] = feedsUpdate[input] || row.phase == Phase::Update;
      feedsOther[input] = feedsOther[input] || row.phase != Phase::Update;
    }
  }
}

/// Each cast's bytes in equal parts to the ops that read it; a cast of a cast
/// hands on what it was charged.
void RowCollector::chargeCasts() {
  std::vector<SmallVector<int64_t, 2>> readers(rows.size());
  for (auto [number, row] : llvm::enumerate(rows))
    for (int64_t input : row.inputs)
      readers[input].push_back(number);
  for (auto [number, row] : llvm::enumerate(rows)) {
    if (!row.isCast)
      continue;
    int64_t cost = row.bytes + row.castBytes, count = readers[number].size();
    row.castBytes = 0;
    for (auto [index, reader] : llvm::enumerate(readers[number]))
      rows[reader].castBytes +=
          cost * int64_t(index + 1) / count - cost * int64_t(index) / count;
  }
}

std::vector<DecisionRow> RowCollector::collect() {
  function.walk([&](Operation *op) {
    Sources sources = getSources(op);
    if (!hasRow(op)) {
      passedOn[op] = std::move(sources);
      return;
    }
    DecisionRow row = getRow(op);
    row.inputs.assign(sources.rows.begin(), sources.rows.end());
    for (StringAttr name : sources.names)
      row.reads.push_back(name.str());
    numbers[op] = rows.size();
    if (op->hasAttr(kPrecisionAttr) && !op->hasAttr(train::kBackwardAttr))
      decidedAt.try_emplace(op->getLoc(), rows.size());
    operations.push_back(op);
    rows.push_back(std::move(row));
  });
  assignPhases();
  chargeCasts();
  return std::move(rows);
}

std::vector<DecisionRow> amp::collectDecisions(ModuleOp module,
                                               Policy *policy) {
  std::vector<DecisionRow> rows;
  bool hasStep = module.lookupSymbol("step") != nullptr;
  for (auto function : module.getOps<FunctionOpInterface>())
    if (function.isPublic() && !function.isExternal() &&
        !(hasStep && function.getName() == "loss") &&
        function.getName() != train::kAccumulateName)
      llvm::move(RowCollector(function, policy).collect(),
                 std::back_inserter(rows));
  return rows;
}
