//===- AmpOps.td - The amp dialect: precision decisions and loss scaling
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_AMP_IR_AMPOPS_TD
#define VERNIER_DIALECT_AMP_IR_AMPOPS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "vernier/Interfaces/CostOpInterface.td"
include "vernier/Interfaces/FusionOpInterface.td"

def Amp_Dialect : Dialect {
  let name = "amp";
  let cppNamespace = "::vernier::amp";
  let summary = "In which precision a training step is computed";
  let description = [{
    The decisions of autocast, as attributes, and the ops of loss scaling: scale,
    unscale, the finite check, the gate that makes a skipped step a no-op, and
    the update of the scale.

    Attributes on other dialects' ops:

    | attribute | on | meaning |
    |---|---|---|
    | `amp.precision` | an op of `@loss` or `@predict` | its decision, `#amp.precision`; arguments and globals keep their types, and nothing is decided of them |
    | `amp.policy` | the module | the policy `auto` as the text of its file, by `--amp-assign-by-profile` |
    | `amp.cannot_underflow` | `@step` | no gradient can underflow in f16, by `--amp-analyze-ranges` |
    | `amp.cannot_overflow` | `@step` | no gradient can overflow in f16, by `--amp-analyze-ranges`: with the other, a loss scaler has nothing to do |
    | `amp.safe_scale` | `@step` | a loss scale that cannot overflow, by `--amp-analyze-ranges` |
    | `amp.range` | a result of a function | what `--amp-analyze-ranges=annotate=true` knows of it: bounds, the smallest magnitude, a grid, whether it may be NaN |
    | `amp.alignment` | a contraction | what its leading dimensions are to be multiples of, in elements, by `--amp-pad-for-tensor-cores` |
    | `amp.unaligned` | a contraction | why they are not |
    | `amp.skipped_roundings` | the module | how many roundings its kernels skip, by `--amp-relax-casts` |
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

def Amp_PrecisionAttr : AttrDef<Amp_Dialect, "Precision"> {
  let mnemonic = "precision";
  let summary = "The decided precision of one op, and why";
  let description = [{
    `operand` is the element type that the op's floating operands are cast to
    (tf32 keeps f32 storage and rounds inside the contraction), `accumulate` the
    type it computes in, `result` that of its floating results. `rule` names the
    line of the policy that decided and ends in the class of PrecisionOpInterface
    that it gave (`vernier/train.linear: low`), or in `untouched` for an op that
    keeps the types of the model, which may then be f64 or integers. `reason`
    says why in a sentence. A full-inside op reads its operands as they come:
    `operand` is then the type of its first. On a contraction, `input_gradient`
    and `weight_gradient` are the types of its gradients where a policy asks for
    others than the op's own: the weight gradient is that of operands made from
    a parameter alone, the input gradient that of all others.

    Constraints:
    - (P1) the rule ends in ": " and a class, or ": untouched".

    Example: `#amp.precision<operand = bf16, accumulate = f32, result = bf16,
    rule = "vernier/train.linear: low", reason = "contraction">`
  }];
  let parameters = (ins "::mlir::Type":$operand, "::mlir::Type":$accumulate,
                        "::mlir::Type":$result, StringRefParameter<>:$rule,
                        StringRefParameter<>:$reason,
                        OptionalParameter<"::vernier::train::GradientTypesAttr">:$inputGradient,
                        OptionalParameter<"::vernier::train::GradientTypesAttr">:$weightGradient);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The class at the end of the rule; none for an untouched op.
    std::optional<::vernier::PrecisionClass> getPrecisionClass() const;
  }];
}

def Amp_HysteresisRefill : I32EnumAttr<"HysteresisRefill",
    "When the count of overflows that leave the scale alone is refilled", [
      I32EnumAttrCase<"Apex", 0, "apex">,
      I32EnumAttrCase<"Megatron", 1, "megatron">,
      I32EnumAttrCase<"DeepSpeed", 2, "deepspeed">,
      I32EnumAttrCase<"DeepSpeedConsecutive", 3, "deepspeed_consecutive">]> {
  let cppNamespace = "::vernier::amp";
  let genSpecializedAttr = 0;
}
def Amp_HysteresisRefillAttr
    : EnumAttr<Amp_Dialect, Amp_HysteresisRefill, "hysteresis_refill">;

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

def Amp_FloatTensor : StaticShapeTensorOf<[F32, BF16, F16]>;
def Amp_AnyTensor : StaticShapeTensorOf<[AnyType]>;
def Amp_Scale : 0DTensorOf<[F32]>;
def Amp_Flag : 0DTensorOf<[I1]>;
def Amp_Counter : 0DTensorOf<[I32]>;

class Amp_Op<string mnemonic, list<Trait> traits = []>
    : Op<Amp_Dialect, mnemonic, traits # [Pure, CostOpInterface, FusionOpInterface]> {
  let extraClassDeclaration = [{
    ::vernier::FusionKind getFusionKind() { return ::vernier::FusionKind::Composite; }
    ::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>>
    expand(::mlir::OpBuilder &builder);
  }];
}

def Amp_ScaleOp : Amp_Op<"scale", [AllTypesMatch<["input", "result"]>]> {
  let summary = "Multiplies the loss gradient by the loss scale";
  let description = [{
    input * scale, computed in f32 and rounded once to the input's type. A step
    has one, on the seed of reverse mode (Micikevicius et al. 2018).

    Example:
    ```mlir
    %r = amp.scale %seed, %scale : tensor<f32>, tensor<f32>
    ```
  }];
  let arguments = (ins Amp_FloatTensor:$input, Amp_Scale:$scale);
  let results = (outs Amp_FloatTensor:$result);
  let assemblyFormat = "$input `,` $scale attr-dict `:` type($input) `,` type($scale)";
}

def Amp_UnscaleOp : Amp_Op<"unscale"> {
  let summary = "Divides a gradient by the loss scale";
  let description = [{
    f32(gradient) * inverse, with inverse = 1 / scale rounded to f32: what
    GradScaler computes. For a scale of exactly 1 this is the identity. Each
    gradient path has exactly one.

    Constraints:
    - (A1) the result has the gradient's shape and element type f32.

    Example:
    ```mlir
    %u = amp.unscale %g, %scale : (tensor<4x4xbf16>, tensor<f32>) -> tensor<4x4xf32>
    ```
  }];
  let arguments = (ins Amp_FloatTensor:$gradient, Amp_Scale:$scale);
  let results = (outs StaticShapeTensorOf<[F32]>:$result);
  let assemblyFormat = "$gradient `,` $scale attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def Amp_AllFiniteOp : Amp_Op<"all_finite"> {
  let summary = "Whether no element of any gradient is an inf or a NaN";
  let description = [{
    Tests the *scaled* gradients, before they are unscaled, as GradScaler does.
    The result is the complement of its `found_inf`. `first`, if asked for, is
    the index of the first gradient with such an element, -1 if there is none.

    Examples:
    ```mlir
    %ok = amp.all_finite %g0, %g1 : (tensor<4x4xf16>, tensor<4xf16>) -> tensor<i1>
    %ok2, %first = amp.all_finite %g0, %g1 : (tensor<4x4xf16>, tensor<4xf16>) -> (tensor<i1>, tensor<i32>)
    ```
  }];
  let arguments = (ins Variadic<Amp_FloatTensor>:$gradients);
  let results = (outs Amp_Flag:$result, Optional<Amp_Counter>:$first);
  let assemblyFormat = "$gradients attr-dict `:` functional-type($gradients, results)";
}

def Amp_GateOp : Amp_Op<"gate", [AllTypesMatch<["old_value", "new_value", "result"]>]> {
  let summary = "The new state of a step, or the old one if the step is skipped";
  let description = [{
    `new_value` if `all_finite`, else `old_value`, bit for bit. Every state change of
    a step passes through one.

    Constraints:
    - (A2) old value, new value and result have one type.

    Example:
    ```mlir
    %p = amp.gate %ok, %old, %new : tensor<i1>, tensor<4x4xf32>
    ```
  }];
  let arguments = (ins Amp_Flag:$all_finite, Amp_AnyTensor:$old_value,
                       Amp_AnyTensor:$new_value);
  let results = (outs Amp_AnyTensor:$result);
  let assemblyFormat = "$all_finite `,` $old_value `,` $new_value attr-dict `:` type($all_finite) `,` type($result)";
}

def Amp_UpdateScaleOp : Amp_Op<"update_scale", [
    AllTypesMatch<["scale", "new_scale"]>, AllTypesMatch<["tracker", "new_tracker"]>]> {
  let summary = "The loss scale and its growth tracker after a step";
  let description = [{
    GradScaler's update. Not finite: scale * backoff_factor (not below
    `min_scale`), tracker 0. Finite: tracker + 1, and when that reaches
    `growth_interval`, scale * growth_factor unless that is not finite in f32 or
    above `max_scale`, and tracker 0.

    With hysteresis, each step that is not finite takes one from the
    `hysteresis_tracker`, which starts at `hysteresis`, and the scale backs off
    only when none is left, as after every further such step. What refills it:

    | `refill` | back to `hysteresis` after | lowest |
    |---|---|---|
    | `apex` | any finite step | none |
    | `megatron` | `growth_interval` finite steps in a row | none |
    | `deepspeed` | `growth_interval` finite steps in a row | 1 |
    | `deepspeed_consecutive` | any finite step | 1 |

    The last column is where the tracker stops falling; scales do not depend on
    it, but states that are compared or converted do.

    Constraints:
    - (A3) growth_factor > 1, 0 < backoff_factor < 1, growth_interval >= 1,
      0 <= min_scale <= max_scale, hysteresis >= 1.
    - (A4) a new hysteresis tracker exactly if there is an old one.

    Examples:
    ```mlir
    %s1, %t1 = amp.update_scale %s, %t, %ok : tensor<f32>, tensor<i32>, tensor<i1>
    %s2, %t2, %h2 = amp.update_scale %s, %t, %ok hysteresis(%h : tensor<i32>)
      {hysteresis = 2 : i64, refill = #amp<hysteresis_refill megatron>}
      : tensor<f32>, tensor<i32>, tensor<i1> -> tensor<i32>
    ```
  }];
  let arguments = (ins Amp_Scale:$scale, Amp_Counter:$tracker, Amp_Flag:$all_finite,
                       Optional<Amp_Counter>:$hysteresis_tracker,
                       DefaultValuedAttr<F64Attr, "2.0">:$growth_factor,
                       DefaultValuedAttr<F64Attr, "0.5">:$backoff_factor,
                       DefaultValuedAttr<I64Attr, "2000">:$growth_interval,
                       DefaultValuedAttr<F64Attr, "0.0">:$min_scale,
                       OptionalAttr<F64Attr>:$max_scale,
                       DefaultValuedAttr<I64Attr, "1">:$hysteresis,
                       DefaultValuedAttr<Amp_HysteresisRefillAttr, "HysteresisRefill::Apex">:$refill);
  let results = (outs Amp_Scale:$new_scale, Amp_Counter:$new_tracker,
                      Optional<Amp_Counter>:$new_hysteresis_tracker);
  let assemblyFormat = [{
    $scale `,` $tracker `,` $all_finite
    (`hysteresis` `(` $hysteresis_tracker^ `:` type($hysteresis_tracker) `)`)? attr-dict
    `:` type($scale) `,` type($tracker) `,` type($all_finite)
    (`->` type($new_hysteresis_tracker)^)?
  }];
  let extraClassDeclaration = [{
    ::vernier::FusionKind getFusionKind() { return ::vernier::FusionKind::Composite; }
    ::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>>
    expand(::mlir::OpBuilder &builder);
    /// Whether any finite step refills the hysteresis, not only growth.
    bool isRefilledByAnyFiniteStep() {
      return getRefill() == HysteresisRefill::Apex ||
             getRefill() == HysteresisRefill::DeepSpeedConsecutive;
    }
    /// Whether the hysteresis tracker falls below 1.
    bool isTrackerUnbounded() {
      return getRefill() == HysteresisRefill::Apex ||
             getRefill() == HysteresisRefill::Megatron;
    }
  }];
  let hasVerifier = 1;
}

#endif // VERNIER_DIALECT_AMP_IR_AMPOPS_TD
