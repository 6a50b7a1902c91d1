//===- TrainBase.td - The train dialect, its types and op classes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_TRAINBASE_TD
#define VERNIER_DIALECT_TRAIN_IR_TRAINBASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "vernier/Interfaces/ContractionOpInterface.td"
include "vernier/Interfaces/CostOpInterface.td"
include "vernier/Interfaces/DifferentiableOpInterface.td"
include "vernier/Interfaces/EvaluationOpInterface.td"
include "vernier/Interfaces/FusionOpInterface.td"
include "vernier/Interfaces/PrecisionOpInterface.td"

def Train_Dialect : Dialect {
  let name = "train";
  let cppNamespace = "::vernier::train";
  let summary = "What is computed in one training step";
  let description = [{
    The ops of a training step that upstream dialects lack: contractions,
    normalisations, activations, losses, broadcast and reduce, the gradient, the
    optimizer update, and the fusion region. Elementwise arithmetic is `arith`
    and `math` on tensors; every value that outlives a step is a module-level
    `ml_program.global`. All tensors have static shapes and value semantics.

    Attributes on other dialects' ops:

    | attribute | on | meaning |
    |---|---|---|
    | `train.role` | `ml_program.global` | `"parameter"` (trained), `"frozen"`, `"moment"`, `"statistic"` (measured, not trained), `"counter"`, `"loss_scale"`, `"copy"` or `"accumulator"` (gathers over a window of micro-batches) |
    | `train.copy_of` | `ml_program.global` | the master that a `"copy"` is rounded from |
    | `train.logical_shape` | `ml_program.global` | its shape without the zeros that its type is padded with: that of its initial value |
    | `train.group` | `ml_program.global` | the optimizer that a parameter or its state belongs to, if there are several: one that finds an inf is skipped without the others |
    | `train.labels` | `ml_program.global` | an array of names, what each element counts or measures |
    | `train.name` | argument or result of an entry function | the name that data and outputs are bound by |
    | `train.backward` | any op | built by reverse mode, for the forward op at the same location |
    | `train.operand_gradients` | a contraction | for each operand `#train.gradient_types`, in which its gradient is computed, or `unit`: in those of the op |
    | `train.gradient_types` | a contraction or reduction of reverse mode | the types of its gradient that `train.operand_gradients` asked for |
    | `train.gradient_order` | `@step` | the parameters in the order in which reverse mode computes their gradients |
    | `train.classes` | argument of an entry function | how many rows or classes its indices choose from where padding added some |
    | `train.optimizer` | `ml_program.global` of a parameter | its group and the options of `--train-attach-optimizer` for it, where `--train-group-parameters` gave it an optimizer of its own |
    | `train.range` | argument of an entry function, `ml_program.global` | `[low, high]`, bounds that every element keeps in every step; `--amp-analyze-ranges` builds on them |
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// f64 is for exact references; training runs in the other three.
def Train_Float : AnyTypeOf<[F32, BF16, F16, F64]>;
def Train_FloatTensor : StaticShapeTensorOf<[Train_Float]>;
def Train_FloatScalar : 0DTensorOf<[Train_Float]>;
def Train_IndexTensor : StaticShapeTensorOf<[I32, I64]>;
def Train_StepScalar : 0DTensorOf<[I32]>;

//===----------------------------------------------------------------------===//
// Op classes
//===----------------------------------------------------------------------===//

/// An op of the dialect. `precision` is its PrecisionClass, `fullInside` says
/// that it computes in f32 whatever it reads, `fusion` is its FusionKind.
class Train_Op<string mnemonic, string precision, bit fullInside,
               string fusion, list<Trait> traits = []>
    : Op<Train_Dialect, mnemonic,
         traits # [Pure, PrecisionOpInterface, FusionOpInterface]> {
  string interfaceDeclarations =
      "::vernier::PrecisionClass getPrecisionClass() {\n"
      "  return ::vernier::PrecisionClass::" # precision # ";\n}\n"
      "bool computesInFullPrecision() { return " #
      !if(fullInside, "true", "false") # "; }\n"
      "::vernier::FusionKind getFusionKind() {\n"
      "  return ::vernier::FusionKind::" # fusion # ";\n}\n" #
      !if(!eq(fusion, "Composite"),
          "::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>>\n"
          "expand(::mlir::OpBuilder &builder);\n", "");
  let extraClassDeclaration = interfaceDeclarations;
}

/// The traits of an op with its own vjp and cost.
defvar Train_Differentiable = DeclareOpInterfaceMethods<DifferentiableOpInterface>;
/// The trait of an op that is another one outside of training.
defvar Train_Training = DeclareOpInterfaceMethods<EvaluationOpInterface>;
/// Gradients of the results may have another element type than the results.
defvar Train_DifferentiableInAnyType
    = DeclareOpInterfaceMethods<DifferentiableOpInterface, ["takesAnyGradientType"]>;
defvar Train_Costed = DeclareOpInterfaceMethods<CostOpInterface, ["getFlops"]>;

#endif // VERNIER_DIALECT_TRAIN_IR_TRAINBASE_TD
