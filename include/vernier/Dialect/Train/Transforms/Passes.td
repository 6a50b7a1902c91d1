//===- Passes.td - The train dialect's passes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_TRANSFORMS_PASSES_TD
#define VERNIER_DIALECT_TRAIN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def TrainIdentifyOpsPass : Pass<"train-identify-ops", "::mlir::ModuleOp"> {
  let summary = "Give every op of the model an identity";
  let description = [{
    Puts a `#train.identity` on the location of every op, by which profiles,
    policies and messages call it from then on (docs/Identities.md): the name that
    the model gives to it, else its kind and the state that it reads
    (`train.linear@wq`), counted where several ops of a function are called the
    same (`attn.q#2`). Functions must still call each other: inlining turns the
    locations of op and calls into the path between them. Ops that have an
    identity keep it. Locations are all that changes.

    Example: `test/Dialect/Train/Transforms/identify-ops.mlir`.
  }];
  let dependentDialects = ["::vernier::train::TrainDialect"];
}

def TrainAttachOptimizerPass
    : Pass<"train-attach-optimizer", "::mlir::ModuleOp"> {
  let summary = "Writes the training step around the loss";
  let description = [{
    Adds `@step`: the gradient of `@loss` with respect to every parameter, the
    learning rate of the step, clipping if asked for, one `train.update` for each
    parameter, and the stores of all new states. The optimizer's states become
    globals: `@P.m` and `@P.v` (Adam) or `@P.momentum` (SGD) beside a parameter
    `@P`, and the counter `@train.step`, the number of steps done. The results of
    `@step` are those of `@loss`, then `learning_rate`, and if gradients are
    clipped `grad_norm`, their norm before, and `clip_factor`, what they were
    multiplied by.

    A parameter with `train.optimizer = {group = "head", optimizer = "sgd", lr =
    0.1}` belongs to a group with an optimizer of its own: these options, over
    those of the pass. A group has its own step counter `@train.step.head`,
    schedule and result `learning_rate.head`; its parameters and states get
    `train.group`, by which loss scaling skips it without the others. Clipping is
    by one norm over the gradients of all groups, which must agree on it. A group
    with `clip-norm` 0 is left out, and one with the `clip-scope` `group` is
    clipped by the norm of its own gradients (`grad_norm.head`,
    `clip_factor.head`).

    A module that has a `@step` already keeps it; it is checked to update each
    parameter at most once. Defaults are PyTorch's.

    Example: `test/Dialect/Train/Transforms/attach-optimizer.mlir`.
  }];
  let options = [
    Option<"optimizer", "optimizer", "std::string", "\"adamw\"",
           "sgd, adam or adamw: how a gradient changes its parameter">,
    Option<"learningRate", "lr", "double", "1.0e-3",
           "The learning rate after warm-up; the first thing to tune">,
    Option<"beta1", "beta1", "double", "0.9",
           "Adam's decay of the mean gradient; lower it if training oscillates">,
    Option<"beta2", "beta2", "double", "0.999",
           "Adam's decay of the squared gradient; 0.95 is usual for transformers">,
    Option<"epsilon", "eps", "double", "1.0e-8",
           "Added to Adam's denominator; raise it if tiny gradients make noise">,
    Option<"weightDecay", "weight-decay", "double",
           "std::numeric_limits<double>::quiet_NaN()",
           "How fast parameters decay to zero; nan is the optimizer's default, "
           "0.01 for adamw and 0 for the others">,
    Option<"momentum", "momentum", "double", "0.0",
           "SGD's momentum; 0.9 is usual">,
    Option<"nesterov", "nesterov", "bool", "false",
           "Nesterov's form of SGD with momentum">,
    Option<"schedule", "schedule", "std::string", "\"constant\"",
           "constant, linear or cosine: how the learning rate goes from lr to "
           "final-lr after warm-up">,
    Option<"warmupSteps", "warmup-steps", "int64_t", "0",
           "Steps during which the learning rate rises to lr">,
    Option<"totalSteps", "total-steps", "int64_t", "0",
           "The step at which final-lr is reached; needed by linear and cosine">,
    Option<"finalLearningRate", "final-lr", "double", "0.0",
           "The learning rate at the end of a schedule">,
    Option<"clipNorm", "clip-norm", "double", "0.0",
           "The greatest global norm of the gradients; 0 leaves them as they are">,
    Option<"emaDecay", "ema-decay", "double", "0.0",
           "Decay of an exponential average of each parameter, `@P.ema`; 0 keeps "
           "none, 0.999 is usual">,
    Option<"clipScope", "clip-scope", "std::string", "\"all\"",
           "all or group: whether clip-norm bounds one norm over all groups of "
           "parameters, or the norm of each group; group if their gradients "
           "differ in size by nature">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::ml_program::MLProgramDialect",
                           "::vernier::train::TrainDialect"];
}

def TrainGroupParametersPass
    : Pass<"train-group-parameters", "::mlir::ModuleOp"> {
  let summary = "Gives some parameters an optimizer of their own";
  let description = [{
    Every parameter whose whole name matches the regular expression gets
    `train.optimizer`, the group and its settings, for `--train-attach-optimizer`.
    One that has it keeps it: models and earlier groups come first.

    Example: `test/Dialect/Train/Transforms/group-parameters.mlir`.
  }];
  let options = [
    Option<"group", "group", "std::string", "\"\"",
           "Name of the group, part of the names of its counter and results">,
    Option<"parameters", "parameters", "std::string", "\"\"",
           "Regular expression for the names of its parameters">,
    Option<"settings", "settings", "std::string", "\"\"",
           "Options of --train-attach-optimizer for the group, with spaces between">
  ];
}

def TrainAccumulateGradientsPass
    : Pass<"train-accumulate-gradients", "::mlir::ModuleOp"> {
  let summary = "Spreads a step over several micro-batches";
  let description = [{
    Works on the `train.gradient` of `@step`. Each parameter `@P` gets a sum
    `@P.grad` in f32. `@accumulate`, which takes the same data, adds the gradients
    of one micro-batch to the sums; `@step` adds those of the last micro-batch of
    a window, gives the sums to clipping and updates in place of its gradients,
    and clears them. The loss of each micro-batch counts by 1 / steps, so that a
    window is one step on the mean loss. `@train.micro_step` is the number of
    micro-batches that the window holds so far. Everything that happens once per
    step (unscaling, the finite check, the update of the scale, 16-bit copies)
    happens once per window.

    Example: `test/Dialect/Train/Transforms/accumulate-gradients.mlir`.
  }];
  let options = [
    Option<"steps", "steps", "int64_t", "1",
           "Micro-batches of a window; 1 leaves the step as it is">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::ml_program::MLProgramDialect",
                           "::vernier::train::TrainDialect"];
}

def TrainDifferentiatePass : Pass<"train-differentiate", "::mlir::ModuleOp"> {
  let summary = "Replaces train.gradient by reverse mode";
  let description = [{
    Puts the body of the differentiated function in place of each
    `train.gradient`, followed by its reverse mode: from `train.seed`, each op on
    a path from the globals in question to the loss builds its vjp
    (`DifferentiableOpInterface`). Other ops cost nothing. What reverse mode
    builds has the attribute `train.backward` and the location of its forward
    op. A value with several uses gets its gradient summed in f32 and rounded
    once, or, if it was rounded from f32 itself, not at all; the loads of one global share its gradient. A global that does not
    reach the loss has a zero gradient, and a warning.

    Calls must have been inlined; gradients of gradients are not supported. No
    gradient flows through a global that the function itself stores.

    Example: `test/Dialect/Train/Transforms/differentiate.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect",
                           "::vernier::train::TrainDialect"];
}

def TrainEvaluationModePass : Pass<"train-evaluation-mode", "::mlir::ModuleOp"> {
  let summary = "Make every entry but @step measure instead of train";
  let description = [{
    In `@loss`, `@predict` and every other function but `@step`, batch norm takes
    the running statistics, dropout drops nothing (`EvaluationOpInterface`), and
    no state is stored: evaluating and predicting change nothing. `@step` has its
    own copy of the body of `@loss` since `--train-differentiate`, which must have
    run. A remark says what each op and each store became.

    Example: `test/Dialect/Train/Transforms/evaluation-mode.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::vernier::train::TrainDialect"];
}

def TrainKeepLowPrecisionCopiesPass
    : Pass<"train-keep-low-precision-copies", "::mlir::ModuleOp"> {
  let summary = "Keep 16-bit copies of parameters instead of rounding them in each step";
  let description = [{
    Where a loaded parameter (or frozen value) `@P` is rounded to 16 bits, loads
    the global `@P.bf16` (`@P.f16`) instead: role `copy`, `train.copy_of = @P`.
    Wherever `@P` is stored, the rounded new value is stored beside it, and
    `@refresh` derives all copies from their masters, for the runtime to run after
    initialisation and after loading a checkpoint.

    Example: `test/Dialect/Train/Transforms/keep-low-precision-copies.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
                           "::mlir::ml_program::MLProgramDialect"];
}

def TrainLegalizeContractionsPass
    : Pass<"train-legalize-contractions", "::mlir::func::FuncOp"> {
  let summary = "Compute contractions that the target cannot in f32";
  let description = [{
    A contraction whose operand type the target does not multiply becomes: `extf`
    of its operands and bias, a contraction in f32, one `truncf` of the result.
    The numbers are the same: products of 16-bit values are exact in f32. A `tf32`
    contraction reads operands that integer arithmetic has rounded to 10 mantissa
    bits, nearest even. Devices sum in f32: a narrower `accumulate_type` becomes a
    rounding of the f32 sums before that of the result.

    Example: `test/Dialect/Train/Transforms/legalize-contractions.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def TrainShareLoadsPass : Pass<"train-share-loads", "::mlir::func::FuncOp"> {
  let summary = "Load every state once";
  let description = [{
    Replaces each `ml_program.global_load` by an earlier one of the same global,
    if no store to it lies between them: the parameters that a step differentiates
    and updates, say. One walk; `cse` after it finds no loads to compare.

    Example: `test/Dialect/Train/Transforms/share-loads.mlir`.
  }];
}

def TrainExpandCompositesPass : Pass<"train-expand-composites", "::mlir::func::FuncOp"> {
  let summary = "Replace composites by primitives";
  let description = [{
    Replaces every op that `FusionOpInterface` calls a composite (activations,
    softmax, norms, losses, optimizer updates, the ops of loss scaling) by what
    it expands into: `arith` and `math` ops, `train.broadcast`, `train.reduce`
    and `train.one_hot`. Ops of reverse mode stay marked `train.backward`.

    Example: `test/Dialect/Train/Transforms/expand-composites.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect", "::vernier::train::TrainDialect"];
}

def TrainPrepareFusionsPass : Pass<"train-prepare-fusions", "::mlir::func::FuncOp"> {
  let summary = "Simplify what fusions are formed of";
  let description = [{
    Moves transposes of the last two dims and relu into contractions, which do
    them on the way; reshapes of elementwise results to their operands, where they
    cost nothing and part no ops that could share a kernel; and brings reductions
    into the forms that fusions have: over the first or the last dims.

    Precondition: composites are expanded and equal ops shared
    (`train-expand-composites`, `canonicalize`, `cse`).

    Example: `test/Dialect/Train/Transforms/prepare-fusions.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect", "::vernier::train::TrainDialect"];
}

def TrainFormFusionsPass : Pass<"train-form-fusions", "::mlir::func::FuncOp"> {
  let summary = "Group primitives into fusions, the kernels of the step";
  let description = [{
    Groups the primitives of a function into `train.fusion` ops so that few bytes
    go through memory: a chain joins its consumer, one fusion may have several
    results, and a cheap op (a cast, a broadcast, a comparison, an addition) is
    computed again in each consumer where reading its result would cost more.
    Reductions and transcendental functions are computed once. Values that the
    forward and the backward part both compute in one fusion are in it twice, for
    `cse` to share.

    Precondition: `train-prepare-fusions`.

    A remark for each fusion says how many ops it holds and how many bytes it
    keeps out of memory.

    Example: `test/Dialect/Train/Transforms/form-fusions.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect", "::vernier::train::TrainDialect"];
}

def TrainFusePaddingPass : Pass<"train-fuse-padding", "::mlir::func::FuncOp"> {
  let summary = "Let kernels read and write padded rows";
  let description = [{
    Moves a `tensor.extract_slice` of the first columns that a fusion reads, and a
    `tensor.pad` of zeros behind the columns that a fusion writes, into the fusion:
    the kernel then walks over the real columns of longer rows instead of a copy
    being made of them. A flat fusion becomes one of rows. Columns fusions only read
    padded rows. What remains outside is a copy.

    Example: `test/Dialect/Train/Transforms/fuse-padding.mlir`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

#endif // VERNIER_DIALECT_TRAIN_TRANSFORMS_PASSES_TD
