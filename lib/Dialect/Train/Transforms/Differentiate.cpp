//===- Differentiate.cpp - Replaces train.gradient by reverse mode
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Puts the callee's body in place of a `train.gradient`, walks it backwards and
// lets each op on a path from the wanted globals to the loss build its vjp.
// Calls must have been inlined. Linear in the number of ops.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/Transforms/Passes.h"

#include "vernier/Dialect/Train/IR/Identity.h"
#include "vernier/Dialect/Train/IR/States.h"
#include "vernier/Interfaces/ContractionOpInterface.h"
#include "vernier/Interfaces/TensorExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace vernier::train {
#define GEN_PASS_DEF_TRAINDIFFERENTIATEPASS
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"
} // namespace vernier::train

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

namespace {

/// Marks every op that is inserted as built for `forward`, and keeps the order.
struct BackwardListener : OpBuilder::Listener {
  void notifyOperationInserted(Operation *op, OpBuilder::InsertPoint) override {
    op->setAttr(kBackwardAttr, UnitAttr::get(op->getContext()));
    op->setLoc(location);
    built.push_back(op);
  }
  Location location;
  SmallVector<Operation *> built;

  explicit BackwardListener(Location location) : location(location) {}
};

/// Reverse mode over ops in one block.
class ReverseMode {
public:
  /// `ops` in order; gradients are built at `anchor`, behind all of them.
  ReverseMode(ArrayRef<Operation *> ops, Operation *anchor)
      : ops(ops), listener(anchor->getLoc()), builder(anchor, &listener) {}

  /// The gradients of loss / microBatches with respect to the loads of each of
  /// `globals`; null where no path leads to the loss.
  FailureOr<SmallVector<Value>> run(Value loss, int64_t microBatches,
                                    ArrayRef<FlatSymbolRefAttr> globals);
  /// A vjp may build what its formula then does not read.
  void eraseUnused();

private:
  void markActive();
  Value createSeed(Value loss, int64_t microBatches);
  LogicalResult runBackwards();
  LogicalResult buildVjp(Operation *op);
  LogicalResult buildVjp(DifferentiableOpInterface op,
                         ArrayRef<Value> resultGradients);
  void markGradientOf(ContractionOpInterface op, unsigned number,
                      Value gradient, size_t firstBuilt);
  Value getGradient(Value value);
  Value sum(ArrayRef<Value> values, Type ownType);

  ArrayRef<Operation *> ops;
  BackwardListener listener;
  OpBuilder builder;
  /// Values that depend on a wanted global.
  llvm::DenseSet<Value> active;
  /// What the uses of a value that were met so far contribute to its gradient.
  llvm::DenseMap<Value, SmallVector<Value, 1>> contributions;
  llvm::MapVector<Attribute, SmallVector<Value, 1>> globalContributions;
};

} // namespace

static bool isFloatTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

/// Forwards: a floating result depends on a wanted global if the op loads one
/// or reads a value that does, be it from inside a region.
void ReverseMode::markActive() {
  for (Operation *op : ops) {
    auto load = dyn_cast<ml_program::GlobalLoadOp>(op);
    bool isActive = load && globalContributions.contains(load.getGlobal());
    op->walk([&](Operation *nested) {
      isActive |= llvm::any_of(nested->getOperands(), [&](Value operand) {
        return active.contains(operand);
      });
    });
    if (!isActive)
      continue;
    for (Value result : op->getResults())
      if (isFloatTensor(result.getType()))
        active.insert(result);
  }
}

/// What computes in f32 need not round its result to 16 bits before that joins
/// a sum in f32: a weight that serves twice gets the sum of two f32 gradients.
static void keepFullPrecision(Value value) {
  auto op = value.getDefiningOp<PrecisionOpInterface>();
  FloatType type = getAutocastElementType(value.getType());
  bool isOurs = op && op->hasAttr(kBackwardAttr) && value.use_empty();
  if (isOurs && type && !type.isF32() && op.computesInFullPrecision())
    op.setResultPrecision(Float32Type::get(value.getContext()));
}

/// Several contributions are summed in f32 and rounded once to the value's own
/// type; a contribution that was to be kept in f32 keeps the sum in f32.
Value ReverseMode::sum(ArrayRef<Value> values, Type ownType) {
  if (values.size() == 1)
    return values.front();
  Type element = getElementTypeOrSelf(ownType);
  for (Value value : values)
    if (getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth() >
        element.getIntOrFloatBitWidth())
      element = getElementTypeOrSelf(value.getType());
  for (Value value : values)
    keepFullPrecision(value);
  TensorExpr first(builder, listener.location, values.front());
  TensorExpr total = first.widen();
  for (Value value : values.drop_front())
    total = total + first.with(value).widen();
  return total.castTo(element);
}

/// The type of the sum of all gradients of `value`: its own, but that of what
/// it was rounded from if it was. A weight that is rounded once and serves
/// twice gets the f32 sum, which no rounding has touched.
static Type getSumType(Value value) {
  auto op = value.getDefiningOp<DifferentiableOpInterface>();
  if (!op || !op.takesAnyGradientType() || op->getNumOperands() == 0)
    return value.getType();
  Type source = op->getOperand(0).getType();
  return getElementTypeOrSelf(source).isF32() ? source : value.getType();
}

/// The gradient of `value`, or null if none reaches it.
Value ReverseMode::getGradient(Value value) {
  auto found = contributions.find(value);
  return found == contributions.end() ? Value()
                                      : sum(found->second, getSumType(value));
}

/// Of what the gradient of operand `number` is.
static GradientOfAttr describeGradient(ContractionOpInterface op,
                                       unsigned number) {
  auto operand =
      number == op.getLhsOperand().getOperandNumber()   ? GradientOperand::Lhs
      : number == op.getRhsOperand().getOperandNumber() ? GradientOperand::Rhs
                                                        : GradientOperand::Bias;
  return GradientOfAttr::get(op->getContext(), operand,
                             getSoleState(op->getOperand(number)));
}

/// Say of the contractions and sums that compute `gradient`, that of operand
/// `number` of `op`, what they are, and in which types if some were asked for;
/// casts and reshapes may follow them.
void ReverseMode::markGradientOf(ContractionOpInterface op, unsigned number,
                                 Value gradient, size_t firstBuilt) {
  GradientOfAttr what = describeGradient(op, number);
  auto asked = op->getAttrOfType<ArrayAttr>(kOperandGradientsAttr);
  auto types =
      asked ? dyn_cast<GradientTypesAttr>(asked[number]) : GradientTypesAttr();
  ArrayRef<Operation *> built = ArrayRef(listener.built).drop_front(firstBuilt);
  llvm::SmallSetVector<Operation *, 4> sources;
  sources.insert(gradient.getDefiningOp());
  for (size_t next = 0; next < sources.size(); ++next) {
    Operation *source = sources[next];
    if (!llvm::is_contained(built, source))
      continue;
    auto precision = dyn_cast<PrecisionOpInterface>(source);
    if (precision && precision.computesInFullPrecision()) {
      source->setLoc(markGradient(getForwardLocation(source->getLoc()), what));
      if (types)
        source->setAttr(kGradientTypesAttr, types);
    }
    // What a contraction multiplies is not this gradient yet.
    if (isa<ContractionOpInterface>(source))
      continue;
    for (Value operand : source->getOperands())
      if (Operation *definition = operand.getDefiningOp())
        sources.insert(definition);
  }
}

LogicalResult ReverseMode::buildVjp(DifferentiableOpInterface op,
                                    ArrayRef<Value> resultGradients) {
  size_t firstBuilt = listener.built.size();
  SmallVector<bool> needed;
  for (Value operand : op->getOperands())
    needed.push_back(active.contains(operand));
  SmallVector<Value> operandGradients(op->getNumOperands());
  if (failed(op.buildVjp(builder, resultGradients, needed, operandGradients)))
    return failure();
  for (auto [number, gradient] : llvm::enumerate(operandGradients)) {
    if (!gradient)
      continue;
    if (auto contraction = dyn_cast<ContractionOpInterface>(*op))
      markGradientOf(contraction, number, gradient, firstBuilt);
    contributions[op->getOperand(number)].push_back(gradient);
  }
  return success();
}

LogicalResult ReverseMode::buildVjp(Operation *op) {
  auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
  bool takesAnyType = differentiable && differentiable.takesAnyGradientType();
  SmallVector<Value> resultGradients;
  for (Value result : op->getResults()) {
    Value gradient = getGradient(result);
    if (gradient && !takesAnyType)
      gradient = TensorExpr(builder, listener.location, gradient)
                     .castTo(getElementTypeOrSelf(result.getType()));
    resultGradients.push_back(gradient);
  }
  if (auto load = dyn_cast<ml_program::GlobalLoadOp>(op)) {
    globalContributions[load.getGlobal()].push_back(resultGradients.front());
    return success();
  }
  if (differentiable && succeeded(buildVjp(differentiable, resultGradients)))
    return success();
  return op->emitOpError("has no gradient, but lies between a parameter and "
                         "the loss; replace it by differentiable ops, or give "
                         "the parameters before it the role \"frozen\"");
}

/// Ops that no gradient reaches cost nothing.
LogicalResult ReverseMode::runBackwards() {
  for (Operation *op : llvm::reverse(ops)) {
    bool isReached = llvm::any_of(op->getResults(), [&](Value result) {
      return active.contains(result) && contributions.contains(result);
    });
    listener.location = op->getLoc();
    if (isReached && failed(buildVjp(op)))
      return failure();
  }
  return success();
}

void ReverseMode::eraseUnused() {
  for (Operation *op : llvm::reverse(listener.built))
    if (isOpTriviallyDead(op))
      op->erase();
}

/// 1 / microBatches as a division behind the seed: the scaled loss is divided,
/// as by loss = loss / n; scaler.scale(loss).backward() in PyTorch.
Value ReverseMode::createSeed(Value loss, int64_t microBatches) {
  Value seed = SeedOp::create(builder, loss.getLoc(), loss.getType());
  if (microBatches == 1)
    return seed;
  auto type = cast<RankedTensorType>(loss.getType());
  FloatAttr number =
      builder.getFloatAttr(type.getElementType(), double(microBatches));
  Value count = arith::ConstantOp::create(
      builder, loss.getLoc(), SplatElementsAttr::get(type, Attribute(number)));
  return arith::DivFOp::create(builder, loss.getLoc(), seed, count);
}

FailureOr<SmallVector<Value>>
ReverseMode::run(Value loss, int64_t microBatches,
                 ArrayRef<FlatSymbolRefAttr> globals) {
  for (FlatSymbolRefAttr global : globals)
    globalContributions[global];
  markActive();
  if (active.contains(loss)) {
    listener.location = loss.getLoc();
    contributions[loss].push_back(createSeed(loss, microBatches));
    if (failed(runBackwards()))
      return failure();
  }
  SmallVector<Value> gradients;
  for (FlatSymbolRefAttr global : globals) {
    ArrayRef<Value> loads = globalContributions[global];
    gradients.push_back(loads.empty() ? Value()
                                      : sum(loads, loads.front().getType()));
  }
  return gradients;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

static FunctionOpInterface lookupCallee(GradientOp gradient,
                                        SymbolTableCollection &symbols) {
  return symbols.lookupNearestSymbolFrom<FunctionOpInterface>(
      gradient, gradient.getCalleeAttr());
}

/// Whether the body of `callee` is one that reverse mode understands.
static LogicalResult checkCallee(GradientOp gradient,
                                 SymbolTableCollection &symbols) {
  FunctionOpInterface callee = lookupCallee(gradient, symbols);
  if (callee.isExternal() || !callee.getFunctionBody().hasOneBlock())
    return gradient.emitOpError("expects '")
           << gradient.getCallee()
           << "' to have a body of one block; express branches by arith.select";
  for (Operation &op : callee.getFunctionBody().front()) {
    if (isa<CallOpInterface>(op))
      return op.emitOpError("is a call inside '")
             << gradient.getCallee()
             << "', which is differentiated; run --inline before "
                "--train-differentiate";
    if (isa<GradientOp>(op))
      return op.emitOpError("is inside '")
             << gradient.getCallee()
             << "', which is itself differentiated; gradients of gradients are "
                "not supported";
    auto store = dyn_cast<ml_program::GlobalStoreOp>(op);
    if (store && llvm::is_contained(gradient.getWrt(), store.getGlobal()))
      return op.emitOpError("changes a global that '")
             << gradient.getCallee()
             << "' is differentiated with respect to; store it outside";
  }
  return success();
}

/// Put the body of `callee` before `gradient`. The values of its results come
/// back, the ops are appended to `ops`.
static SmallVector<Value> inlineBody(GradientOp gradient,
                                     FunctionOpInterface callee,
                                     SmallVectorImpl<Operation *> &ops) {
  OpBuilder builder(gradient);
  IRMapping mapping;
  Block &body = callee.getFunctionBody().front();
  mapping.map(body.getArguments(), gradient.getInputs());
  for (Operation &op : body.without_terminator())
    ops.push_back(builder.clone(op, mapping));
  return llvm::map_to_vector(
      body.getTerminator()->getOperands(),
      [&](Value value) { return mapping.lookupOrDefault(value); });
}

/// The gradient of a global that does not reach the loss.
static Value buildZero(GradientOp gradient, FlatSymbolRefAttr global,
                       RankedTensorType type) {
  gradient.emitWarning("the gradient of '@")
      << global.getValue()
      << "' is zero, no path leads from it to the loss of '@"
      << gradient.getCallee()
      << "'; give it the role \"frozen\" if that is meant";
  OpBuilder builder(gradient);
  Operation *zero = arith::ConstantOp::create(builder, gradient.getLoc(), type,
                                              builder.getZeroAttr(type));
  zero->setAttr(kBackwardAttr, builder.getUnitAttr());
  return zero->getResult(0);
}

/// Note on the function in which order the gradients of `globals` are computed,
/// seen through casts behind them: a constant zero before all.
static void noteOrder(GradientOp gradient, ArrayRef<FlatSymbolRefAttr> globals,
                      ArrayRef<Value> gradients) {
  auto getOrigin = [](Value value) {
    Operation *op = value ? value.getDefiningOp() : nullptr;
    auto widening = dyn_cast_or_null<arith::ExtFOp>(op);
    return widening ? widening.getIn().getDefiningOp() : op;
  };
  SmallVector<std::pair<Operation *, Attribute>> order;
  for (auto [global, value] : llvm::zip(globals, gradients))
    order.emplace_back(getOrigin(value), global.getAttr());
  llvm::stable_sort(order, [](const auto &a, const auto &b) {
    return a.first && b.first ? a.first->isBeforeInBlock(b.first)
                              : !a.first && b.first;
  });
  auto function = gradient->getParentOfType<FunctionOpInterface>();
  SmallVector<Attribute> names;
  if (auto before = function->getAttrOfType<ArrayAttr>(kGradientOrderAttr))
    llvm::append_range(names, before);
  llvm::append_range(names, llvm::make_second_range(order));
  function->setAttr(kGradientOrderAttr,
                    ArrayAttr::get(gradient.getContext(), names));
}

static LogicalResult differentiate(GradientOp gradient,
                                   SymbolTableCollection &symbols) {
  SmallVector<Operation *> ops;
  SmallVector<Value> replacements =
      inlineBody(gradient, lookupCallee(gradient, symbols), ops);
  auto globals =
      llvm::to_vector(gradient.getWrt().getAsRange<FlatSymbolRefAttr>());
  ReverseMode reverseMode(ops, gradient);
  auto gradients = reverseMode.run(replacements.front(),
                                   gradient.getMicroBatches(), globals);
  if (failed(gradients))
    return failure();
  noteOrder(gradient, globals, *gradients);
  for (auto [global, value] : llvm::zip(globals, *gradients)) {
    Type type = gradient.getResult(replacements.size()).getType();
    replacements.push_back(
        value ? value
              : buildZero(gradient, global, cast<RankedTensorType>(type)));
  }
  gradient.replaceAllUsesWith(replacements);
  gradient.erase();
  reverseMode.eraseUnused();
  return success();
}

namespace {

struct DifferentiatePass
    : train::impl::TrainDifferentiatePassBase<DifferentiatePass> {
  void runOnOperation() override {
    SmallVector<GradientOp> gradients;
    getOperation().walk([&](GradientOp op) { gradients.push_back(op); });
    SymbolTableCollection symbols;
    // All are looked at before the first is replaced, or its callee might be.
    for (GradientOp gradient : gradients)
      if (failed(checkCallee(gradient, symbols)))
        return signalPassFailure();
    for (GradientOp gradient : gradients)
      if (failed(differentiate(gradient, symbols)))
        return signalPassFailure();
  }
};

} // namespace
