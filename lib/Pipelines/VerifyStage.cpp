//===- VerifyStage.cpp - Checks what the IR promises after a stage
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One function for each stage of docs/Architecture.md. Each reports every
// violation it finds, so that one run shows all of them.
//
//===----------------------------------------------------------------------===//

#include "VerifyImport.h"
#include "VerifyModel.h"

#include "vernier/Pipelines/Passes.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Plan/IR/PlanDialect.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/ContractionOpInterface.h"
#include "vernier/Interfaces/EvaluationOpInterface.h"
#include "vernier/Interfaces/FusionOpInterface.h"
#include "vernier/Interfaces/PrecisionOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace vernier {
#define GEN_PASS_DEF_VERIFYSTAGEPASS
#include "vernier/Pipelines/Passes.h.inc"
} // namespace vernier

using namespace mlir;
using namespace vernier;

/// The functions that the user wrote, not those the compiler added.
static bool isModelFunction(func::FuncOp function) {
  return function.getSymName() != "step" &&
         function.getSymName() != train::kAccumulateName &&
         function.getSymName() != "refresh";
}

//===----------------------------------------------------------------------===//
// autocast
//===----------------------------------------------------------------------===//

static LogicalResult verifyAutocast(ModuleOp module) {
  LogicalResult result = success();
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!isModelFunction(function))
      continue;
    function.walk([&](PrecisionOpInterface op) {
      if (op.getPrecisionOperands().empty() || op->hasAttr(amp::kPrecisionAttr))
        return;
      op->emitError("after autocast: no precision decided for '")
          << op->getName() << "'; run --amp-autocast";
      result = failure();
    });
  }
  return result;
}

//===----------------------------------------------------------------------===//
// differentiate
//===----------------------------------------------------------------------===//

/// The global whose value `value` is, directly or through a gate, or null.
static StringAttr getLoadedGlobal(Value value) {
  if (auto load = value.getDefiningOp<ml_program::GlobalLoadOp>())
    return load.getGlobalAttr().getLeafReference();
  return {};
}

/// How often each global is updated by a train.update of `step`.
static llvm::MapVector<StringAttr, SmallVector<train::UpdateOp>>
collectUpdates(func::FuncOp step) {
  llvm::MapVector<StringAttr, SmallVector<train::UpdateOp>> updates;
  step.walk([&](train::UpdateOp update) {
    if (StringAttr global = getLoadedGlobal(update.getParameter()))
      updates[global].push_back(update);
  });
  return updates;
}

static bool isStored(train::UpdateOp update, StringAttr global) {
  auto isStoreOf = [&](Operation *user) {
    auto store = dyn_cast<ml_program::GlobalStoreOp>(user);
    return store && store.getGlobalAttr().getLeafReference() == global;
  };
  for (Operation *user : update.getNewParameter().getUsers()) {
    if (isStoreOf(user))
      return true;
    if (auto gate = dyn_cast<amp::GateOp>(user))
      if (llvm::any_of(gate->getUsers(), isStoreOf))
        return true;
  }
  return false;
}

static LogicalResult verifyDifferentiate(ModuleOp module) {
  auto step = module.lookupSymbol<func::FuncOp>("step");
  if (!step)
    return module.emitError("after differentiate: there is no @step; run "
                            "--train-attach-optimizer");
  LogicalResult result = success();
  step.walk([&](train::GradientOp gradient) {
    gradient.emitError("after differentiate: a train.gradient remains; run "
                       "--train-differentiate");
    result = failure();
  });
  auto updates = collectUpdates(step);
  for (auto global : module.getOps<ml_program::GlobalOp>()) {
    auto role = global->getAttrOfType<StringAttr>(train::kRoleAttr);
    if (!role || role.getValue() != train::kParameterRole)
      continue;
    auto found = updates.find(global.getSymNameAttr());
    size_t count = found == updates.end() ? 0 : found->second.size();
    if (count == 1 && isStored(found->second.front(), global.getSymNameAttr()))
      continue;
    InFlightDiagnostic diagnostic =
        global.emitError("after differentiate: parameter '")
        << global.getSymName() << "' has " << count
        << " updates whose result is stored; expected exactly one";
    if (found != updates.end())
      for (train::UpdateOp update : found->second)
        diagnostic.attachNote(update.getLoc()) << "an update is here";
    result = failure();
  }
  return result;
}

//===----------------------------------------------------------------------===//
// loss-scaling
//===----------------------------------------------------------------------===//

/// How many amp.unscale ops lie between a gradient operand and its origin.
static int64_t countUnscales(Value gradient) {
  int64_t count = 0;
  while (Operation *op = gradient.getDefiningOp()) {
    if (isa<amp::UnscaleOp>(op)) {
      ++count;
      gradient = op->getOperand(0);
    } else if (auto clip = dyn_cast<train::ClipByGlobalNormOp>(op)) {
      gradient =
          clip.getGradients()[cast<OpResult>(gradient).getResultNumber()];
    } else {
      break;
    }
  }
  return count;
}

/// Whether skipped steps change the global, too: the scaler's own states, and
/// what is gathered over a window of micro-batches.
static bool isUngated(ml_program::GlobalOp global, StringAttr name) {
  auto role = global ? global->getAttrOfType<StringAttr>(train::kRoleAttr)
                     : StringAttr();
  return name.getValue().starts_with("amp.") ||
         (role && (role.getValue() == train::kLossScaleRole ||
                   role.getValue() == train::kAccumulatorRole));
}

/// The finite checks whose conjunction `flag` is.
static void collectChecks(Value flag, llvm::SetVector<Operation *> &checks) {
  Operation *op = flag.getDefiningOp();
  if (isa_and_nonnull<amp::AllFiniteOp>(op))
    checks.insert(op);
  else if (auto both = dyn_cast_or_null<arith::AndIOp>(op))
    for (Value operand : both->getOperands())
      collectChecks(operand, checks);
}

/// Each seed of `function` is scaled before anything else reads it.
static LogicalResult verifySeeds(func::FuncOp function) {
  for (auto scale : function.getOps<amp::ScaleOp>())
    if (!scale.getInput().getDefiningOp<train::SeedOp>())
      return scale.emitError(
          "after loss-scaling: expected one amp.scale, on the train.seed");
  for (auto seed : function.getOps<train::SeedOp>())
    if (!seed->hasOneUse() || !isa<amp::ScaleOp>(*seed->user_begin()))
      return seed.emitError("after loss-scaling: expected one amp.scale to be "
                            "the only reader of this train.seed");
  return success();
}

/// States of a group are gated by the group's check, others by all of them.
static LogicalResult verifyGates(ModuleOp module, func::FuncOp step) {
  LogicalResult result = success();
  size_t count = llvm::range_size(step.getOps<amp::AllFiniteOp>());
  llvm::DenseMap<StringAttr, Operation *> checkOf;
  SymbolTable symbols(module);
  step.walk([&](ml_program::GlobalStoreOp store) {
    StringAttr name = store.getGlobalAttr().getLeafReference();
    auto global = symbols.lookup<ml_program::GlobalOp>(name);
    if (isUngated(global, name))
      return;
    auto group = global ? global->getAttrOfType<StringAttr>(train::kGroupAttr)
                        : StringAttr();
    auto gate = store.getValue().getDefiningOp<amp::GateOp>();
    llvm::SetVector<Operation *> checks;
    if (gate)
      collectChecks(gate.getAllFinite(), checks);
    bool isGated = !checks.empty() && checks.size() == (group ? 1 : count);
    if (isGated && group)
      isGated = checkOf.try_emplace(group, checks.front()).first->second ==
                checks.front();
    if (isGated)
      return;
    store.emitError("after loss-scaling: the state change is not gated by the "
                    "step's amp.all_finite");
    result = failure();
  });
  return result;
}

static LogicalResult verifyLossScaling(ModuleOp module) {
  auto step = module.lookupSymbol<func::FuncOp>("step");
  if (!step)
    return module.emitError("after loss-scaling: there is no @step");
  if (step.getOps<amp::ScaleOp>().empty())
    return step.getOps<amp::AllFiniteOp>().empty()
               ? success() // no scaler: nothing is promised
               : verifyGates(module, step);
  LogicalResult result = verifySeeds(step);
  if (auto accumulate =
          module.lookupSymbol<func::FuncOp>(train::kAccumulateName))
    if (failed(verifySeeds(accumulate)))
      result = failure();
  step.walk([&](train::UpdateOp update) {
    int64_t count = countUnscales(update.getGradient());
    if (count == 1)
      return;
    update.emitError("after loss-scaling: the gradient passes ")
        << count << " amp.unscale ops; expected exactly one";
    result = failure();
  });
  if (failed(verifyGates(module, step)))
    result = failure();
  return result;
}

//===----------------------------------------------------------------------===//
// evaluation
//===----------------------------------------------------------------------===//

static LogicalResult verifyEvaluation(ModuleOp module) {
  LogicalResult result = success();
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!isModelFunction(function))
      continue;
    function.walk([&](Operation *op) {
      if (!isa<ml_program::GlobalStoreOp, EvaluationOpInterface>(op))
        return;
      op->emitError("after evaluation: '")
          << op->getName() << "' in '@" << function.getSymName()
          << "' belongs to training; run --train-evaluation-mode";
      result = failure();
    });
  }
  return result;
}

//===----------------------------------------------------------------------===//
// pad
//===----------------------------------------------------------------------===//

/// The extents of `op` that are the last dim of a matrix in memory.
static llvm::SmallSetVector<int64_t, 3>
getLeadingDimensions(ContractionOpInterface op) {
  ContractionDims dims = op.getContractionDims();
  llvm::SmallSetVector<int64_t, 3> extents;
  extents.insert(dims.n); // of the result
  extents.insert(dims.transposeLhs ? dims.m : dims.k);
  extents.insert(dims.transposeRhs ? dims.k : dims.n);
  return extents;
}

static LogicalResult verifyPad(ModuleOp module) {
  LogicalResult result = success();
  module.walk([&](ContractionOpInterface op) {
    auto multiple = op->getAttrOfType<IntegerAttr>(amp::kAlignmentAttr);
    if (!multiple) {
      op->emitError("after pad: nobody has looked at the leading dimensions of "
                    "'")
          << op->getName() << "'; run --amp-pad-for-tensor-cores";
      result = failure();
      return;
    }
    if (op->hasAttr(amp::kUnalignedAttr))
      return;
    for (int64_t extent : getLeadingDimensions(op)) {
      if (extent % multiple.getInt() == 0)
        continue;
      op->emitError("after pad: a leading dimension of ")
          << extent << " is not a multiple of " << multiple.getInt()
          << ", and '" << amp::kUnalignedAttr << "' does not say why";
      result = failure();
    }
  });
  return result;
}

//===----------------------------------------------------------------------===//
// codegen
//===----------------------------------------------------------------------===//

static LogicalResult verifyCodegen(ModuleOp module) {
  LogicalResult result = success();
  for (auto function : module.getOps<func::FuncOp>()) {
    for (Operation &op : function.getBody().getOps()) {
      auto fusible = dyn_cast<FusionOpInterface>(op);
      bool isCall =
          fusible && (fusible.getFusionKind() == FusionKind::Contraction ||
                      fusible.getFusionKind() == FusionKind::Call);
      bool isAllowed =
          isCall ||
          isa<train::FusionOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
              tensor::PadOp, tensor::ExtractSliceOp, arith::ConstantOp,
              ml_program::GlobalLoadOp, ml_program::GlobalStoreOp,
              func::ReturnOp>(op);
      if (isAllowed)
        continue;
      op.emitError("after codegen: '")
          << op.getName()
          << "' is neither in a fusion nor a library call; run "
             "--train-form-fusions";
      result = failure();
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// plan
//===----------------------------------------------------------------------===//

static LogicalResult verifyPlan(ModuleOp module) {
  LogicalResult result = success();
  auto checkOffset = [&](Operation *op, int64_t offset) {
    if (offset >= 0)
      return;
    op->emitError("after plan: the buffer has no offset; run "
                  "--plan-assign-buffers");
    result = failure();
  };
  for (Operation &op : *module.getBody()) {
    if (auto state = dyn_cast<plan::StateOp>(op)) {
      checkOffset(state, state.getOffset());
    } else if (auto entry = dyn_cast<plan::EntryOp>(op)) {
      for (Operation &call : entry.getBody().front()) {
        if (auto alloc = dyn_cast<plan::AllocOp>(call))
          checkOffset(alloc, alloc.getOffset());
        if (auto input = dyn_cast<plan::InputOp>(call))
          checkOffset(input, input.getOffset());
      }
    } else if (!isa<ModuleOp>(op)) {
      op.emitError("after plan: '")
          << op.getName() << "' is not a plan op; run --convert-train-to-plan";
      result = failure();
    }
  }
  return result;
}

namespace {

struct VerifyStagePass : vernier::impl::VerifyStagePassBase<VerifyStagePass> {
  using VerifyStagePassBase::VerifyStagePassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    bool isAny = checkModel || checkImport || checkAutocast ||
                 checkDifferentiate || checkLossScaling || checkEvaluation ||
                 checkPad || checkCodegen || checkPlan;
    if (!isAny) {
      module.emitError(
          "verify-stage: name a stage: model, import, autocast, "
          "differentiate, loss-scaling, evaluation, pad, codegen or "
          "plan");
      return signalPassFailure();
    }
    if ((checkModel && failed(verifyModel(module))) ||
        (checkImport && failed(verifyImport(module))) ||
        (checkAutocast && failed(verifyAutocast(module))) ||
        (checkDifferentiate && failed(verifyDifferentiate(module))) ||
        (checkLossScaling && failed(verifyLossScaling(module))) ||
        (checkEvaluation && failed(verifyEvaluation(module))) ||
        (checkPad && failed(verifyPad(module))) ||
        (checkCodegen && failed(verifyCodegen(module))) ||
        (checkPlan && failed(verifyPlan(module))))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
