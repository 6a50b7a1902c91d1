//===- Autocast.cpp - Decides the precision of every op, and says why
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The policy gives each op of a forward function its class; where that leaves a
// choice, the strategy makes it: one op after the other (lists, Decider), by
// painting the graph (propagate), or at least cost (min-cut). Decisions are
// attributes; --amp-materialize-casts makes them true.
//
//===----------------------------------------------------------------------===//

#include "FunctionGraph.h"
#include "Hazards.h"
#include "ProfileMatch.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Policies/Policy.h"
#include "vernier/Dialect/Amp/Transforms/Forward.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Target/IR/TargetDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"

namespace vernier::amp {
#define GEN_PASS_DEF_AMPAUTOCASTPASS
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"
} // namespace vernier::amp

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

//===----------------------------------------------------------------------===//
// Strategies
//===----------------------------------------------------------------------===//

using Assignment = PrecisionGraph::Assignment;

/// What a strategy decides for the ops of a function that leave a choice.
struct Plan {
  Assignment assignment;
  /// Why, for each op of the graph.
  std::vector<std::string> reasons;
};

/// TensorFlow's painting (paintOps), as widths.
static Plan planByPainting(const FunctionGraph &function, FloatType compute) {
  const PrecisionGraph &graph = function.getGraph();
  std::string narrow = getTypeName(compute);
  const std::string narrowReasons[] = {
      "",
      "",
      "",
      "painted " + narrow + ": between ops of the class low",
      "painted " + narrow + ": reads the results of " + narrow + " ops",
      "painted " + narrow + ": beside " + narrow + " ops, and does not mind"};
  std::vector<PaintedOp> painted = paintOps(graph, compute.isBF16());
  Plan plan{graph.getAllWide(), {}};
  for (auto [index, op] : llvm::enumerate(graph.getOps())) {
    bool isNarrow = painted[index].isNarrow;
    if (isNarrow && op.operands != PrecisionGraph::kAsItComes &&
        op.operands != PrecisionGraph::kWide)
      plan.assignment[op.operands] = Width::Narrow;
    if (isNarrow && op.results != PrecisionGraph::kWide)
      plan.assignment[op.results] = Width::Narrow;
    plan.reasons.push_back(isNarrow ? narrowReasons[painted[index].step]
                           : painted[index].step == 2
                               ? "downstream of an op of the class full"
                               : "not painted: no path between " + narrow +
                                     " ops goes through it");
  }
  return plan;
}

/// The assignment that moves the fewest bytes.
static Plan planByMinimumCut(const FunctionGraph &function, FloatType compute) {
  const PrecisionGraph &graph = function.getGraph();
  std::string narrow = getTypeName(compute);
  Plan plan{graph.cutMinimally(), {}};
  for (auto [index, op] : llvm::enumerate(graph.getOps())) {
    std::string saved = std::to_string(graph.getBytesSaved(index));
    plan.reasons.push_back(
        plan.assignment[op.results] == Width::Narrow
            ? "minimum cut: " + narrow + " moves " + saved + " bytes fewer"
            : "minimum cut: casts would cost more than the " + saved +
                  " bytes that " + narrow + " saves");
  }
  return plan;
}

/// What the decisions on a function cost, for who compares strategies.
static void reportCost(remark::detail::InFlightRemark &remark,
                       const FunctionGraph &graph) {
  PrecisionGraph::Cost cost = graph.getGraph().getCost(graph.readDecisions());
  remark << remark::metric("Bytes", cost.getTotal())
         << remark::metric("CastBytes", cost.cast)
         << remark::metric("Casts", cost.casts);
}

/// Warn of each override that has done nothing; those after the fifth by name.
static void warnOfIdleOverrides(const Policy &policy) {
  constexpr size_t mostWarnings = 5;
  std::vector<Policy::IdleOverride> idle = policy.getIdleOverrides();
  for (const Policy::IdleOverride &line :
       ArrayRef(idle).take_front(mostWarnings))
    emitWarning(line.place) << line.label << " " << line.problem;
  if (idle.size() <= mostWarnings)
    return;
  InFlightDiagnostic rest = emitWarning(idle[mostWarnings].place);
  rest << "and " << idle.size() - mostWarnings << " more:";
  for (const Policy::IdleOverride &line :
       ArrayRef(idle).drop_front(mostWarnings))
    rest << " " << line.label;
}

/// Warn of what the policy computes in 16 bits although it may be ruined there,
/// once for each reason.
static void warnOfUnsafe(ArrayRef<Unsafe> unsafe) {
  llvm::MapVector<StringRef, SmallVector<Operation *>> byReason;
  for (const Unsafe &entry : unsafe)
    byReason[entry.reason].push_back(entry.op);
  for (auto &[reason, ops] : byReason) {
    auto precision = ops.front()->getAttrOfType<PrecisionAttr>(kPrecisionAttr);
    InFlightDiagnostic warning = emitWarning(ops.front()->getLoc());
    warning << "'" << ops.front()->getName() << "' is decided "
            << getTypeName(precision.getOperand()) << " -> "
            << getTypeName(precision.getResult()) << " by '"
            << precision.getRule()
            << "', which may ruin its values: " << reason;
    if (ops.size() > 1)
      warning << "; so are " << ops.size() - 1 << " ops more";
    warning << "; a policy with 'unsafe: f32' keeps them in f32";
  }
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {

struct AutocastPass : amp::impl::AmpAutocastPassBase<AutocastPass> {
  using AmpAutocastPassBase::AmpAutocastPassBase;

  void runOnOperation() override {
    FailureOr<Policy> loaded = Policy::load(policy, getOperation());
    if (failed(loaded) || failed(overrideCompute(*loaded)) ||
        failed(loadProfile()))
      return signalPassFailure();
    checkTarget(*loaded);
    if (!strategy.empty() && !symbolizeStrategy(strategy)) {
      getOperation().emitError("unknown strategy '")
          << strategy << "': expected lists, propagate or min-cut";
      return signalPassFailure();
    }
    for (FunctionOpInterface function : getForwardFunctions(getOperation()))
      if (failed(decide(function, *loaded)))
        return signalPassFailure();
    warnOfIdleOverrides(*loaded);
    warnOfDroppedStrategy(*loaded);
  }

  /// Decide all ops of a function.
  LogicalResult decide(FunctionOpInterface function, Policy &loaded) {
    Strategy chosen =
        strategy.empty() ? loaded.getStrategy() : *symbolizeStrategy(strategy);
    FloatType type = loaded.getComputeType();
    std::vector<Subject> subjects = collectSubjects(function, loaded);
    findHazards(subjects, loaded);
    std::optional<RangeHazards> found = findRanges(function, subjects);
    const RangeHazards *ranges = found ? &*found : nullptr;
    // With one width there is nothing to choose.
    if (!isNarrow(type))
      return decideInOrder(subjects, nullptr, nullptr, ranges);
    auto options = remark::RemarkOpts::name(stringifyStrategy(chosen))
                       .category("amp-strategy")
                       .function(function.getName());
    auto costRemark = remark::analysis(function.getLoc(), options);
    if (chosen == Strategy::Lists && !costRemark)
      return decideInOrder(subjects, nullptr, nullptr, ranges);

    FunctionGraph graph(function, subjects, type, ranges);
    if (!graph.isExact()) {
      costRemark << remark::add("decided by lists, cost unknown: the function "
                                "holds both 16-bit types");
      if (chosen != Strategy::Lists)
        decidedByLists.push_back(function);
      return decideInOrder(subjects, nullptr, nullptr, ranges);
    }
    Plan plan;
    if (chosen == Strategy::Propagate)
      plan = planByPainting(graph, type);
    if (chosen == Strategy::MinCut)
      plan = planByMinimumCut(graph, type);
    if (failed(decideInOrder(subjects, &graph,
                             chosen == Strategy::Lists ? nullptr : &plan,
                             ranges)))
      return failure();
    if (costRemark)
      reportCost(costRemark, graph);
    return success();
  }

  /// Widths cannot be weighed where narrow means two types.
  void warnOfDroppedStrategy(const Policy &loaded) {
    if (decidedByLists.empty())
      return;
    Strategy asked =
        strategy.empty() ? loaded.getStrategy() : *symbolizeStrategy(strategy);
    InFlightDiagnostic warning =
        emitWarning(decidedByLists.front().getLoc())
        << "the strategy " << stringifyStrategy(asked)
        << " is not used, for bf16 and f16 meet here: ops that the policy "
           "leaves open follow their operands, as with the strategy lists, in";
    for (FunctionOpInterface function : decidedByLists)
      warning << " @" << function.getName();
    decidedByLists.clear();
  }

  /// What is known of the values of `function`, where any may be rounded.
  std::optional<RangeHazards> findRanges(FunctionOpInterface function,
                                         ArrayRef<Subject> subjects) {
    if (llvm::none_of(subjects, [](const Subject &subject) {
          return subject.isDecided() && isNarrow(subject.choice.compute);
        }))
      return std::nullopt;
    return std::optional<RangeHazards>(std::in_place, function,
                                       profile ? &*profile : nullptr);
  }

  LogicalResult loadProfile() {
    if (profilePath.empty())
      return success();
    FailureOr<Profile> loaded = Profile::load(profilePath, &getContext());
    if (failed(loaded) || failed(loaded->checkModel(getOperation())))
      return failure();
    profile = std::move(*loaded);
    if (auto loss = getOperation().lookupSymbol<FunctionOpInterface>("loss"))
      warnOfUnknownProducts(*profile, profilePath, loss);
    return success();
  }

  LogicalResult decideInOrder(ArrayRef<Subject> subjects,
                              const FunctionGraph *graph, const Plan *plan,
                              const RangeHazards *ranges) {
    Decider decider(&getContext(), ranges);
    for (auto [index, subject] : llvm::enumerate(subjects)) {
      std::optional<Decision> assigned;
      if (plan && subject.isDecided()) {
        assigned = graph->getDecision(index, plan->assignment);
        assigned->reason = plan->reasons[graph->getOp(index)];
      }
      if (failed(decider.decide(subject, assigned ? &*assigned : nullptr)))
        return failure();
    }
    warnOfUnsafe(decider.getUnsafe());
    return success();
  }

  LogicalResult overrideCompute(Policy &loaded) {
    if (compute.empty())
      return success();
    FloatType type = symbolizeComputeType(compute, &getContext());
    if (!type)
      return getOperation().emitError("unknown compute type '")
             << compute << "': expected f32, tf32, bf16 or f16";
    loaded.setComputeType(type);
    return success();
  }

  /// A type that the device cannot multiply is not refused: the device computes
  /// in f32 with the roundings of the IR, so the results are those of a device
  /// that can. It only saves no time, which a remark says; a device that has
  /// the other 16-bit type is worth a warning.
  void checkTarget(const Policy &loaded) {
    const TargetModel *model = findTarget(getOperation());
    if (!model)
      return;
    FloatType type = loaded.getComputeType();
    if (model->hasNativeContraction(type))
      return;
    Builder builder(&getContext());
    FloatType other = type.isBF16() ? FloatType(builder.getF16Type())
                                    : FloatType(builder.getBF16Type());
    if (isNarrow(type) && model->hasNativeContraction(other))
      emitWarning(getOperation().getLoc())
          << model->getName() << " has no " << getTypeName(type)
          << " contractions: they are computed in f32 with the roundings of "
          << getTypeName(type) << ", which saves no time; it has those of "
          << getTypeName(other) << ", which a policy of that type uses";
    else
      remark::analysis(
          getOperation().getLoc(),
          remark::RemarkOpts::name("target").category("amp-autocast"))
          << remark::add(
                 "{0} has no {1} contractions: they are computed in f32 "
                 "with the roundings of {1}",
                 model->getName().str(), getTypeName(type));
  }

  std::optional<Profile> profile;
  /// Functions whose strategy could not be used.
  SmallVector<FunctionOpInterface> decidedByLists;
};

} // namespace
