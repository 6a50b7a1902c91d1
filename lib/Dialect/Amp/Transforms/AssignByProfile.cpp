//===- AssignByProfile.cpp - Chooses precisions from measured numbers
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For each contraction of the model, every combination of types has an error
// that the profile tells and a time that it saves; the error budget is spent
// where it saves most. What comes out is a policy, which --amp-autocast reads
// as any other: one override for each op, by its identity, with the numbers as
// reason.
//
//===----------------------------------------------------------------------===//

#include "Decider.h"
#include "ProfileMatch.h"
#include "ProfiledContraction.h"
#include "RangeHazards.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Policies/Policy.h"
#include "vernier/Dialect/Amp/Transforms/ErrorBudget.h"
#include "vernier/Dialect/Amp/Transforms/Forward.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Dialect/Amp/Transforms/PrecisionGraph.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/ContractionOpInterface.h"
#include "vernier/Target/IR/TargetDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Regex.h"

#include <cmath>
#include <map>
#include <set>

namespace vernier::amp {
#define GEN_PASS_DEF_AMPASSIGNBYPROFILEPASS
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"
} // namespace vernier::amp

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

namespace {

/// The contractions of one identity: one op, but where a formula was rewritten
/// into several.
struct AssignedOp {
  ProfileKey key; ///< "train.linear", "classify/attn.q"
  SmallVector<ContractionOpInterface, 1> ops;
  /// None if the profile does not know it: then it stays in f32.
  std::optional<ProfiledContraction> profiled;

  /// What can be chosen, and what it means; the wide one is not among them.
  SmallVector<Alternative> alternatives;
  SmallVector<ContractionTypes> types;
  ContractionTypes chosen;
};

} // namespace

static std::vector<AssignedOp> collectOps(FunctionOpInterface loss,
                                          const Profile &profile) {
  std::vector<AssignedOp> assignedOps;
  std::map<ProfileKey, size_t> known;
  loss.walk([&](ContractionOpInterface op) {
    Type element = getElementTypeOrSelf(op.getLhsOperand().get().getType());
    if (!element.isF32()) // the model has decided
      return;
    ProfileKey key = getKey(op);
    auto [entry, isNew] = known.try_emplace(key, assignedOps.size());
    if (isNew)
      assignedOps.push_back(
          {key,
           {},
           ProfiledContraction::find(profile, key.first, key.second),
           {},
           {},
           {}});
    assignedOps[entry->second].ops.push_back(op);
  });
  return assignedOps;
}

//===----------------------------------------------------------------------===//
// Alternatives
//===----------------------------------------------------------------------===//

/// Bytes that are not moved, FLOPs included at their price, for one contraction
/// of operands and result that all are (forward: are read) in 16 bits.
namespace {
struct Savings {
  int64_t flops = 0, operands = 0, result = 0;
};
} // namespace

static Savings getSavings(const AssignedOp &assigned) {
  Savings savings;
  auto countElements = [](Type type) {
    return cast<RankedTensorType>(type).getNumElements();
  };
  for (ContractionOpInterface op : assigned.ops) {
    // A product takes half the time.
    savings.flops += cast<CostOpInterface>(op.getOperation()).getFlops() /
                     (2 * PrecisionGraph::kFlopsPerByte);
    savings.operands += 2 * (countElements(op.getLhsOperand().get().getType()) +
                             countElements(op.getRhsOperand().get().getType()));
    savings.result += 2 * countElements(op->getResult(0).getType());
  }
  return savings;
}

static int64_t getSaved(const ContractionTypes &types, const Savings &savings) {
  int64_t saved = 0;
  for (StringRef type : {types.compute, types.lhsGradient, types.rhsGradient})
    if (type != "f32")
      saved += savings.flops;
  auto isNarrow = [](StringRef type) {
    return type != "f32" && type != "tf32";
  };
  if (isNarrow(types.compute))
    saved += savings.operands;
  if (isNarrow(types.result))
    saved += savings.result;
  for (StringRef type : {types.lhsGradient, types.rhsGradient})
    if (isNarrow(type))
      saved += savings.operands + savings.result;
  return saved;
}

/// The forward op and the gradients that the profile has seen.
static unsigned countProducts(const AssignedOp &assigned) {
  const auto &profiled = assigned.profiled;
  return profiled ? 1 + profiled->hasLhsGradient() + profiled->hasRhsGradient()
                  : 1;
}

/// Whether the policy has one line for both gradients.
static bool shareTypes(const AssignedOp &assigned) {
  ContractionOpInterface op = assigned.ops.front();
  return isWeight(op.getLhsOperand().get()) ==
         isWeight(op.getRhsOperand().get());
}

/// All combinations of f32 and `narrow`, and of tf32 if the target has it.
static void addAlternatives(AssignedOp &assigned, StringRef narrow,
                            bool hasTf32) {
  assigned.alternatives.clear();
  assigned.types.clear();
  if (!assigned.profiled)
    return;
  Savings savings = getSavings(assigned);
  SmallVector<std::pair<StringRef, StringRef>> forwards = {
      {"f32", "f32"}, {narrow, "f32"}, {narrow, narrow}};
  SmallVector<StringRef> gradients = {"f32", narrow};
  if (hasTf32) {
    forwards.push_back({"tf32", "f32"});
    gradients.push_back("tf32");
  }
  const ProfiledContraction &profiled = *assigned.profiled;
  bool areShared = shareTypes(assigned) && profiled.hasLhsGradient() &&
                   profiled.hasRhsGradient();
  for (auto [compute, result] : forwards)
    for (StringRef lhs : gradients)
      for (StringRef rhs : gradients) {
        ContractionTypes types{compute, result, lhs, rhs};
        bool isThere = (lhs == "f32" || profiled.hasLhsGradient()) &&
                       (rhs == "f32" || profiled.hasRhsGradient());
        if (!isThere || (areShared && lhs != rhs))
          continue;
        assigned.types.push_back(types);
        assigned.alternatives.push_back(
            {profiled.getError(types).getTotal(), getSaved(types, savings)});
      }
}

//===----------------------------------------------------------------------===//
// Reasons
//===----------------------------------------------------------------------===//

static std::string percent(double squaredError) {
  if (!std::isfinite(squaredError))
    return "an overflow";
  double value = 100 * std::sqrt(squaredError);
  std::string text;
  llvm::raw_string_ostream(text)
      << llvm::format(value < 100 ? "%.2g %%" : "%.0f %%", value);
  return text;
}

/// Says of each part of the choice what it costs, or what it would.
static std::string describeChoice(const AssignedOp &assigned, StringRef narrow,
                                  double squaredBudget) {
  if (!assigned.profiled)
    return "forward f32: the profile has no numbers of it";
  const ContractionTypes &chosen = assigned.chosen;
  ContractionError error = assigned.profiled->getError(chosen);
  ContractionTypes low{narrow, narrow, narrow, narrow};
  ContractionError would = assigned.profiled->getError(low);
  std::string text = ("forward " + chosen.compute).str();
  if (chosen.compute == "f32") {
    // What the gradients would lose by operands that were rounded already.
    ContractionTypes rounded = chosen;
    rounded.compute = narrow;
    double lost =
        assigned.profiled->getError(rounded).getTotal() - error.getTotal();
    std::string obstacle = assigned.profiled->getObstacle(narrow);
    if (obstacle.empty() && would.forward < lost / 2)
      obstacle = "the gradients read what it reads";
    else if (obstacle.empty())
      obstacle =
          narrow.str() + " would change the loss by " + percent(would.forward);
    text += ": " + obstacle;
  } else {
    text += " (" + percent(error.forward) + " of the loss)";
    if (chosen.result == "f32" && chosen.compute != "tf32")
      text += ", result f32: " + narrow.str() + " would make that " +
              percent(would.forward);
  }
  if (double amplification = assigned.profiled->getAmplification();
      amplification > 2)
    text += llvm::formatv(", terms cancel {0:F0} times", amplification);
  auto addGradient = [&](StringRef name, StringRef type, double is,
                         double wouldBe) {
    text += ("; " + name + " gradient " + type + " ").str();
    text += type == "f32"
                ? "for " + narrow.str() + " would lose " + percent(wouldBe)
                : "(" + percent(is) + ")";
  };
  if (assigned.profiled->hasLhsGradient())
    addGradient("lhs", chosen.lhsGradient, error.lhsGradient,
                would.lhsGradient);
  if (assigned.profiled->hasRhsGradient())
    addGradient("rhs", chosen.rhsGradient, error.rhsGradient,
                would.rhsGradient);
  std::string share;
  llvm::raw_string_ostream(share)
      << llvm::format("%.2g %%", 100 * error.getTotal() / squaredBudget);
  return text + "; " + share + " of the budget";
}

//===----------------------------------------------------------------------===//
// The policy
//===----------------------------------------------------------------------===//

/// A YAML string: single quotes, within which only they are doubled.
static std::string quote(StringRef text) {
  std::string quoted = "'";
  for (char c : text)
    quoted += c == '\'' ? "''" : std::string(1, c);
  return quoted + "'";
}

/// The lines about gradients that do not follow the op.
static std::string getGradientLines(const AssignedOp &assigned) {
  if (!assigned.profiled)
    return "";
  const ContractionTypes &types = assigned.chosen;
  ContractionOpInterface op = assigned.ops.front();
  std::string lines;
  auto add = [&](OpOperand &operand, StringRef type) {
    StringRef key = isWeight(operand.get()) ? "weight" : "input";
    std::string line =
        ("    " + key + "_gradient: {compute: " + type + "}\n").str();
    if (type != types.compute && !StringRef(lines).contains(line))
      lines += line;
  };
  if (assigned.profiled->hasLhsGradient())
    add(op.getLhsOperand(), types.lhsGradient);
  if (assigned.profiled->hasRhsGradient())
    add(op.getRhsOperand(), types.rhsGradient);
  return lines;
}

namespace {

/// An op other than a contraction that a 16-bit type would ruin.
struct KeptOp {
  ProfileKey key;
  std::string reason;
};

} // namespace

/// The conditions of an override for one op.
static std::string writeConditions(const ProfileKey &key) {
  const auto &[op, identity] = key;
  return "  - identity: " + quote(identity) +
         "\n    op: " + quote(llvm::Regex::escape(op)) + "\n";
}

/// What lies between the contractions, and `narrow` does not hold by the ranges
/// that follow from the profile. A profile of f32 has no such values
/// themselves.
static std::vector<KeptOp> findKept(FunctionOpInterface loss,
                                    const Profile &profile, StringRef narrow) {
  RangeHazards hazards(loss, &profile);
  FloatType type = symbolizeComputeType(narrow, loss.getContext());
  std::vector<KeptOp> kept;
  std::set<ProfileKey> known;
  loss.walk([&](PrecisionOpInterface op) {
    PrecisionClass own = op.getPrecisionClass();
    if (own == PrecisionClass::Low || own == PrecisionClass::Full ||
        op->hasTrait<OpTrait::ConstantLike>() || makesScalars(op) ||
        op.keepsFullPrecisionResult())
      return;
    for (OpResult result : op.getPrecisionResults()) {
      std::string hazard = hazards.getHazard(result, type);
      ProfileKey key = getKey(op);
      if (hazard.empty() || key.second.empty() || !known.insert(key).second)
        continue;
      kept.push_back({key, "its result " + hazard});
    }
  });
  return kept;
}

static std::string writePolicy(ArrayRef<AssignedOp> assignedOps,
                               ArrayRef<KeptOp> kept, StringRef narrow,
                               ArrayRef<std::string> reasons) {
  std::string text =
      ("name: auto\nbase: vernier\ncompute: " + narrow + "\noverrides:\n")
          .str();
  for (auto [assigned, reason] : llvm::zip(assignedOps, reasons)) {
    text += writeConditions(assigned.key) +
            "    compute: " + assigned.chosen.compute.str() + "\n";
    if (assigned.chosen.result == "f32" && assigned.chosen.compute == narrow)
      text += "    result: f32\n";
    text += getGradientLines(assigned) + "    reason: " + quote(reason) + "\n";
  }
  for (const KeptOp &assigned : kept)
    text += writeConditions(assigned.key) +
            "    class: full\n    reason: " + quote(assigned.reason) + "\n";
  bool isEmpty = assignedOps.empty() && kept.empty();
  return isEmpty ? StringRef(text).drop_back(11).str() : text;
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {

struct AssignByProfilePass
    : amp::impl::AmpAssignByProfilePassBase<AssignByProfilePass> {
  using AmpAssignByProfilePassBase::AmpAssignByProfilePassBase;

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

  LogicalResult run() {
    ModuleOp module = getOperation();
    if (!(errorBudget > 0) || !std::isfinite(errorBudget))
      return module.emitError("the error budget is ")
             << double(errorBudget) << ": expected a positive number";
    if (compute != "bf16" && compute != "f16")
      return module.emitError("unknown 16-bit type '")
             << compute << "': expected bf16 or f16";
    auto loss = module.lookupSymbol<FunctionOpInterface>("loss");
    if (!loss)
      return module.emitError("a profile is of training, but the model has no "
                              "@loss: choose a policy other than auto");
    FailureOr<Profile> profile = Profile::load(profilePath, &getContext());
    if (failed(profile) || failed(profile->checkModel(module)))
      return failure();
    std::vector<AssignedOp> assignedOps = collectOps(loss, *profile);
    decide(assignedOps, findKept(loss, *profile, compute), compute,
           targetHasTf32());
    return success();
  }

  bool targetHasTf32() {
    return getTarget(getOperation())
        .hasNativeContraction(FloatTF32Type::get(&getContext()));
  }

  /// Spend the budget with one 16-bit type; how many contractions get it.
  unsigned choose(std::vector<AssignedOp> &assignedOps, StringRef narrow,
                  bool hasTf32) {
    ErrorBudget budget;
    for (AssignedOp &assigned : assignedOps) {
      addAlternatives(assigned, narrow, hasTf32);
      budget.add(assigned.alternatives);
    }
    ErrorBudget::Solution solution = budget.solve(errorBudget * errorBudget);
    unsigned numNarrow = 0;
    for (auto [assigned, choice] : llvm::zip(assignedOps, solution.choices)) {
      assigned.chosen =
          choice == ~0u ? ContractionTypes() : assigned.types[choice];
      for (StringRef type :
           {assigned.chosen.compute, assigned.chosen.lhsGradient,
            assigned.chosen.rhsGradient})
        numNarrow += type == narrow;
    }
    estimatedError = std::sqrt(solution.squaredError);
    return numNarrow;
  }

  /// Decide, and say so: a remark for each op, a summary, the policy.
  void decide(std::vector<AssignedOp> &assignedOps, ArrayRef<KeptOp> kept,
              StringRef narrow, bool hasTf32) {
    StringRef other = narrow == "bf16" ? "f16" : "bf16";
    unsigned numOther = choose(assignedOps, other, hasTf32);
    unsigned numNarrow = choose(assignedOps, narrow, hasTf32), numProducts = 0;
    std::vector<std::string> reasons;
    for (const AssignedOp &assigned : assignedOps) {
      reasons.push_back(
          describeChoice(assigned, narrow, errorBudget * errorBudget));
      numProducts += countProducts(assigned);
      for (ContractionOpInterface op : assigned.ops)
        remark::passed(op.getLoc(), remark::RemarkOpts::name(assigned.key.first)
                                        .category("amp-assign-by-profile")
                                        .function("loss"))
            << remark::add("{0}", reasons.back());
    }
    std::string summary = llvm::formatv(
        "{0} of {1} contractions in {2}, gradients included; estimated error "
        "{3} of a budget of {4}",
        numNarrow, numProducts, narrow, shorten(estimatedError),
        shorten(errorBudget));
    if (!kept.empty())
      summary += llvm::formatv("; {0} other ops stay in f32 for their range",
                               kept.size());
    if (numOther > numNarrow)
      summary += llvm::formatv("; {0} would do for {1}", other, numOther);
    remark::analysis(
        getOperation().getLoc(),
        remark::RemarkOpts::name("summary").category("amp-assign-by-profile"))
        << remark::add("{0}", summary);
    Builder builder(&getContext());
    getOperation()->setAttr(
        kPolicyAttr,
        builder.getStringAttr("# " + summary + "\n" +
                              writePolicy(assignedOps, kept, narrow, reasons)));
  }

  static std::string shorten(double value) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%.3g", value);
    return text;
  }

  double estimatedError = 0;
};

} // namespace
