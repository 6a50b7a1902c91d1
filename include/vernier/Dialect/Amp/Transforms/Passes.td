//===- Passes.td - The amp dialect's passes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_AMP_TRANSFORMS_PASSES_TD
#define VERNIER_DIALECT_AMP_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

class AmpPass<string flag> : Pass<flag, "::mlir::ModuleOp"> {
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::ml_program::MLProgramDialect",
                           "::mlir::tensor::TensorDialect",
                           "::vernier::train::TrainDialect",
                           "::vernier::amp::AmpDialect"];
}

def AmpRepairUnsafePatternsPass : AmpPass<"amp-repair-unsafe-patterns"> {
  let summary = "Replaces formulas that 16 bits would break by equal ones";
  let description = [{
    Rewrites what overflows, or rounds to 0 or 1, on the way to a harmless result,
    before autocast decides types. Each repair is a remark of the category
    `amp-repair-unsafe-patterns` that says what was unsafe.

    | formula | becomes |
    |---|---|
    | -mean(t log p + (1 - t) log(1 - p)), p = sigmoid(x) | `train.bce_with_logits_loss` |
    | log(sigmoid(x)), log(1 - sigmoid(x)) | -softplus(-x), -softplus(x) |
    | log(1 + exp(x)), log1p(exp(x)) | softplus: max(x, 0) + log1p(exp(-\|x\|)) |
    | 1 / (1 + exp(-x)) | `train.sigmoid` |
    | log(softmax(x)) | `train.log_softmax` |
    | log(p + e), log(max(p, e)), p one of the above, 0 < e <= 2^-8 | max(l, log(e)) + log1p(exp(-\|l - log(e)\|)), max(l, log(e)), l the stable log(p) |
    | exp(x) / sum(exp(x)), over the last dim | `train.softmax` |
    | log(sum(exp(x))) | m + log(sum(exp(x - m))), m the maximum |
    | sqrt(sum(x^2)), where f16 is computed in | max\|x\| sqrt(sum((x / max\|x\|)^2)) |

    Formulas that are stable as they stand, such as exp(x - max), are left alone,
    and so is a sum of squares that something else reads. Binary cross entropy of
    a probability that no sigmoid makes cannot be repaired: a warning, or an error
    under a policy that refuses it, as PyTorch does. An epsilon that guards a
    logarithm is kept, here and in cross entropy: without it the formula would be
    another one where the probability saturates.

    Example: [repair-unsafe-patterns.mlir](test/Dialect/Amp/Transforms/repair-unsafe-patterns.mlir)
  }];
  let options = [
    Option<"policy", "policy", "std::string", /*default=*/"\"vernier\"",
           "The preset or policy file that will decide: which types are computed "
           "in, and what is refused">,
  ];
}

def AmpAssignByProfilePass : AmpPass<"amp-assign-by-profile"> {
  let summary = "Chooses precisions from measured numbers";
  let description = [{
    Chooses for each contraction of `@loss` in which type it multiplies, which type
    it writes, and in which types its two gradients are computed, so that the error
    that the profile tells (docs/Profiles.md) stays within a budget and the most
    time is saved. What would overflow, or vanish altogether, and what loses more
    than the budget has, stays in f32; so do other ops whose results would, by the
    ranges that follow from the profile. The choice is a policy, the text of whose
    file becomes the attribute `amp.policy` of the module;
    `--amp-autocast=policy=auto` reads it. Nothing else is changed.

    [ErrorBudgets](Rationale/ErrorBudgets.md) gives the model of the error and of
    the time. Each choice is a remark of the category `amp-assign-by-profile`, with
    the numbers that led to it; the last says what was spent.

    Example: [assign-by-profile.mlir](test/Dialect/Amp/Transforms/assign-by-profile.mlir)
  }];
  let options = [
    Option<"profilePath", "profile", "std::string", /*default=*/"\"\"",
           "A file of vernier-run train --profile-numerics, of this model in f32">,
    Option<"errorBudget", "error-budget", "double", /*default=*/"0.1",
           "The relative error of the loss and of the gradients that rounding may "
           "make, all together; less keeps more in f32">,
    Option<"compute", "compute", "std::string", /*default=*/"\"bf16\"",
           "The 16-bit type, bf16 or f16: two in one model do not mix, and f16 "
           "needs loss scaling; the summary says if the other would cover more">,
  ];
}

def AmpAutocastPass : AmpPass<"amp-autocast"> {
  let summary = "Decides the precision of every op, and says why";
  let description = [{
    Records on every op of the forward functions (all but `@step` and `@refresh`)
    an `amp.precision`: the types of its operands, of its sums and of its results,
    the line of the policy that decided, and the reason. Nothing is cast yet; types
    flow forward from decision to decision. Arguments, globals, f64 and integer
    values keep their types. Each decision is a remark of the category
    `amp-autocast`.

    | class | operands | result |
    |---|---|---|
    | `low` | compute type | compute type, summed in f32 |
    | `full` | f32 | f32 |
    | `full-inside` | as they come | 16 bits if the first operand is, computed in f32 |
    | `widest` | the widest of them | the same |
    | `follow` | 16 bits if all of them are, constants aside; else the widest | the same |

    What a 16-bit type does not hold stays in f32: an op whose operand or result
    overflows or vanishes there, by declared ranges (`train.range`), initial values
    or a profile, reads or writes f32 instead, with a remark of the category
    `amp-keep-range`; where the policy or one of its overrides insists on 16 bits,
    with a warning. [Ranges](Rationale/Ranges.md) says when that is claimed.

    What full-inside, widest and follow leave open, the strategy decides:

    | strategy | an op that is left open gets |
    |---|---|
    | `lists` | what the table says of its operands, one op after the other (PyTorch) |
    | `propagate` | 16 bits between and near ops of the class low (TensorFlow's auto_mixed_precision) |
    | `min-cut` | what moves the fewest bytes in the whole function, casts included |

    Whatever the strategy, an op that leaves its types open is kept in f32 where 16
    bits may ruin its values (docs/Policies.md, "Unsafe values"), unless the policy
    says `unsafe: warn`; then it is a warning.

    [Policies](Rationale/Policies.md) gives the cost model. What an assignment costs
    is a remark of the category `amp-strategy`.

    Examples: [autocast.mlir](test/Dialect/Amp/Transforms/autocast.mlir),
    [autocast-strategies.mlir](test/Dialect/Amp/Transforms/autocast-strategies.mlir),
    [autocast-unsafe.mlir](test/Dialect/Amp/Transforms/autocast-unsafe.mlir),
    [autocast-ranges.mlir](test/Dialect/Amp/Transforms/autocast-ranges.mlir)
  }];
  let options = [
    Option<"policy", "policy", "std::string", /*default=*/"\"vernier\"",
           "A preset (docs/Policies.md lists them) or the path of a policy file">,
    Option<"compute", "compute", "std::string", /*default=*/"\"\"",
           "Compute type (f32, tf32, bf16, f16) instead of the policy's own">,
    Option<"strategy", "strategy", "std::string", /*default=*/"\"\"",
           "How ops that their class leaves open are decided (lists, propagate, "
           "min-cut) instead of the policy's own way">,
    Option<"profilePath", "profile", "std::string", /*default=*/"\"\"",
           "A file of vernier-run train --profile-numerics, of this model in f32: "
           "ranges as measured, in place of the initial values">,
  ];
}

def AmpMaterializeCastsPass : AmpPass<"amp-materialize-casts"> {
  let summary = "Inserts the casts that the decisions ask for";
  let description = [{
    Gives every op the types of its `amp.precision`: operands are cast by
    `arith.extf` and `arith.truncf`, results change type. A value is cast to a type
    once, right behind its definition, and a global once however often it is
    loaded. `truncf(extf(x))` to the type of x is x; `extf(truncf(x))` rounds and is
    kept. Functions keep their signatures: results are cast back where they are
    returned. A contraction decided as tf32 gets its `tf32` flag.

    Example: [materialize-casts.mlir](test/Dialect/Amp/Transforms/materialize-casts.mlir)
  }];
}

def AmpVerifyPrecisionPass : AmpPass<"amp-verify-precision"> {
  let summary = "Checks that every op has the types of its decision";
  let description = [{
    Fails where an op has no `amp.precision` or other types than it says, where a
    class got a type that it forbids, where the loss is in 16 bits, and where a
    parameter or a moment is kept in 16 bits. Changes nothing.

    Example: [verify-precision.mlir](test/Dialect/Amp/Transforms/verify-precision.mlir)
  }];
}

def AmpLossScalingPass : AmpPass<"amp-loss-scaling"> {
  let summary = "Scales the loss of a step, and skips the step on overflow";
  let description = [{
    Works on `@step` after differentiation. The seed of reverse mode is multiplied
    by the loss scale; each gradient is unscaled where a `train.update`, or the
    `train.clip_by_global_norm` before it, takes it; one `amp.all_finite` of the
    scaled gradients gates every `ml_program.global_store`, so that a step with an
    inf or a NaN changes nothing but the scaler. Defaults are those of
    torch.amp.GradScaler.

    Adds the globals `@amp.scale`, `@amp.growth_tracker` (dynamic only),
    `@amp.hysteresis_tracker` (dynamic, if hysteresis is above 1) and
    `@amp.skipped_steps`, and the results `loss_scale` (used by this step) and
    `all_finite` of `@step`.

    Example: [loss-scaling.mlir](test/Dialect/Amp/Transforms/loss-scaling.mlir)
  }];
  let options = [
    Option<"mode", "mode", "std::string", /*default=*/"\"dynamic\"",
           "dynamic: the scale follows overflows; static: it stays at "
           "init-scale; gate: no scaler, but a step with an inf or a NaN is "
           "skipped all the same; none: nothing; auto: dynamic if the step "
           "computes anything in f16, unless --amp-analyze-ranges has proved "
           "that no gradient can underflow or overflow, and from its scale if that "
           "is larger than init-scale, or if none can underflow; otherwise gate">,
    Option<"initScale", "init-scale", "double", /*default=*/"65536.0",
           "Loss scale of the first step, or of all steps in static mode">,
    Option<"growthFactor", "growth-factor", "double", /*default=*/"2.0",
           "What the scale is multiplied by after growth-interval finite steps">,
    Option<"backoffFactor", "backoff-factor", "double", /*default=*/"0.5",
           "What the scale is multiplied by after an overflow">,
    Option<"growthInterval", "growth-interval", "int64_t", /*default=*/"2000",
           "Finite steps in a row before the scale grows; fewer for short runs">,
    Option<"minScale", "min-scale", "double", /*default=*/"0x1p-126",
           "The scale never falls below this, for gradients are divided by it: by "
           "default the least with a finite reciprocal; 1 keeps gradients from "
           "shrinking, 0 is what GradScaler has">,
    Option<"maxScale", "max-scale", "double",
           /*default=*/"std::numeric_limits<double>::infinity()",
           "The scale never grows above this">,
    Option<"hysteresis", "hysteresis", "int64_t", /*default=*/"1",
           "The scale backs off at this overflow, counted since the last refill; "
           "2 forgives a lone overflow">,
    Option<"hysteresisRefill", "hysteresis-refill", "std::string",
           /*default=*/"\"apex\"",
           "What refills the count: apex (any finite step), megatron (growth-"
           "interval finite steps in a row), deepspeed (as megatron), or "
           "deepspeed_consecutive (as apex); see amp.update_scale">,
  ];
}

def AmpAnalyzeRangesPass : AmpPass<"amp-analyze-ranges"> {
  let summary = "Says where f16 can overflow, and where it cannot";
  let description = [{
    Bounds every value from the declared ranges of arguments and globals
    (`train.range = [low, high]`) and from the initial values of parameters, by
    interval arithmetic that holds for every rounding and order of summation. For
    each f16 value, a remark of the category `amp-analyze-ranges` says that it
    cannot overflow, or that nothing is known and who is to be asked; a warning
    says that it can, with the chain of values that leads to it. A bound that rests
    on initial values holds in the first step alone, and says so. With a profile of
    `vernier-run train --profile-numerics`, inputs and states without a declared
    range have the largest magnitude that was measured instead, and bounds hold
    while they keep it; such a bound proposes a loss scale, but never drops the
    scaler.

    On `@step` after differentiation, attributes are set for
    `--amp-loss-scaling=mode=auto`: `amp.cannot_underflow` where every f16 gradient
    provably is zero, normal or a multiple of the smallest f16 number, and
    `amp.cannot_overflow` where every one provably is finite, too, so that no scaler
    is needed; without both `amp.safe_scale`, the largest power of two (at most
    2^24) with which no gradient can overflow, where there is a bound.

    Bounds through several contractions grow with the product of their lengths,
    though values hardly do: read them as proofs where they succeed, and as hints
    where they do not.

    Example: [analyze-ranges.mlir](test/Dialect/Amp/Transforms/analyze-ranges.mlir)
  }];
  let options = [
    Option<"warn", "warn", "bool", /*default=*/"true",
           "Warn where f16 can overflow; false makes these remarks, too">,
    Option<"annotate", "annotate", "bool", /*default=*/"false",
           "Put the bounds of each function's results on them, as `amp.range`">,
    Option<"atInitialValues", "at-initial-values", "bool", /*default=*/"true",
           "Annotate the bounds of a first step (with a profile: the measured "
           "ones); false for those of every step">,
    Option<"profilePath", "profile", "std::string", /*default=*/"\"\"",
           "A file of vernier-run train --profile-numerics, of this model in "
           "f32, in place of the initial values">,
  ];
}

def AmpPadForTensorCoresPass : AmpPass<"amp-pad-for-tensor-cores"> {
  let summary = "Aligns the leading dimensions of contractions";
  let description = [{
    Pads with zeros (`tensor.pad`) the dims of a contraction's operands that are
    leading dimensions of a matrix in memory: K and N, or M where the left operand
    is stored transposed; and cuts its result back (`tensor.extract_slice`). Then
    removes the copies that can be removed: parameters and moments are stored
    padded (`train.logical_shape`), elementwise ops compute the padded shape, and
    what is not proven to be zero there is masked ([Padding](Rationale/Padding.md)).
    The real rows and columns keep their values.
    Convolutions have their channels padded. For a GPU (`cuda:sm_80`) a roofline
    of each contraction decides which dims are padded, if any: the products with and
    without slowly read rows, the bytes, and the copies that would remain. A CPU has no
    tensor cores, and all is padded as asked for.
    16-bit and tf32 contractions alone run on tensor cores. Remarks say what was
    padded from what to what, and why something was not. Each contraction gets
    `amp.alignment`, what its leading dimensions are to be multiples of (1 where
    that has nothing to give), and `amp.unaligned`, why they are not.

    Example: [pad-for-tensor-cores.mlir](test/Dialect/Amp/Transforms/pad-for-tensor-cores.mlir)
  }];
  let options = [
    Option<"multiple", "multiple", "int64_t", /*default=*/"0",
           "Elements to align to instead of what the target asks for; 0 asks it">,
    Option<"always", "always", "bool", /*default=*/"false",
           "Pad whatever the cost model says; for comparing both">,
  ];
}

def AmpRelaxCastsPass : AmpPass<"amp-relax-casts"> {
  let summary = "Skips roundings to 16 bits inside kernels";
  let description = [{
    Inside a `train.fusion`, `extf(truncf(x))` becomes x: the value is used as it
    was before it was rounded. Faster, and no longer what the IR said before:
    results agree with the evaluator within the roundings that were skipped, not
    to the bit. What a kernel writes to memory keeps its type, and roundings stay
    that comparisons for equality or with infinity depend on. Each skipped
    rounding is a remark of the category `amp-relax-casts`; their number is
    `amp.skipped_roundings` of the module. To be run after fusions are formed.

    Example: [relax-casts.mlir](test/Dialect/Amp/Transforms/relax-casts.mlir)
  }];
}

def AmpExplainPass : AmpPass<"amp-explain"> {
  let summary = "Prints what runs in which precision, and why";
  let description = [{
    Prints a table of all ops to the standard error: types, FLOPs, bytes, location,
    rule and reason, and the totals by operand type. To be run before fusions are
    formed. Changes nothing; `vernier-compile --explain` prints the same.

    Example: [explain.mlir](test/Dialect/Amp/Transforms/explain.mlir)
  }];
}

#endif // VERNIER_DIALECT_AMP_TRANSFORMS_PASSES_TD
