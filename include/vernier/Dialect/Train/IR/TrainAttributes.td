//===- TrainAttributes.td - Enums, initialisers, optimizers
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_TRAINATTRIBUTES_TD
#define VERNIER_DIALECT_TRAIN_IR_TRAINATTRIBUTES_TD

include "vernier/Dialect/Train/IR/TrainBase.td"

//===----------------------------------------------------------------------===//
// Enums
//===----------------------------------------------------------------------===//

class Train_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::vernier::train";
  let genSpecializedAttr = 0;
}

def Train_Reduction : Train_Enum<"Reduction",
    "How a loss combines its elements", [
      I32EnumAttrCase<"Mean", 0, "mean">, I32EnumAttrCase<"Sum", 1, "sum">]>;
def Train_ReductionAttr : EnumAttr<Train_Dialect, Train_Reduction, "reduction">;

def Train_ReduceKind : Train_Enum<"ReduceKind",
    "How a reduce combines the elements it meets", [
      I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Mean", 1, "mean">,
      I32EnumAttrCase<"Max", 2, "max">]>;
def Train_ReduceKindAttr : EnumAttr<Train_Dialect, Train_ReduceKind, "reduce_kind">;

def Train_PoolKind : Train_Enum<"PoolKind",
    "How pooling combines the elements of a window", [
      I32EnumAttrCase<"Max", 0, "max">,
      I32EnumAttrCase<"Average", 1, "average">]>;
def Train_PoolKindAttr : EnumAttr<Train_Dialect, Train_PoolKind, "pool_kind">;

def Train_GeluForm : Train_Enum<"GeluForm",
    "The form of GELU", [
      I32EnumAttrCase<"Erf", 0, "erf">, I32EnumAttrCase<"Tanh", 1, "tanh">]>;
def Train_GeluFormAttr : EnumAttr<Train_Dialect, Train_GeluForm, "gelu_form">;

def Train_Epilogue : Train_Enum<"Epilogue",
    "What a contraction applies to its sums before rounding them", [
      I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Relu", 1, "relu">]>;
def Train_EpilogueAttr : EnumAttr<Train_Dialect, Train_Epilogue, "epilogue">;

def Train_FusionSchedule : Train_Enum<"FusionSchedule",
    "What the loops of a fusion run over", [
      I32EnumAttrCase<"Flat", 0, "flat">, I32EnumAttrCase<"Rows", 1, "rows">,
      I32EnumAttrCase<"Columns", 2, "columns">]>;
def Train_FusionScheduleAttr
    : EnumAttr<Train_Dialect, Train_FusionSchedule, "fusion_schedule">;

def Train_Schedule : Train_Enum<"Schedule",
    "How the learning rate changes over the steps", [
      I32EnumAttrCase<"Constant", 0, "constant">,
      I32EnumAttrCase<"Linear", 1, "linear">,
      I32EnumAttrCase<"Cosine", 2, "cosine">]>;
def Train_ScheduleAttr : EnumAttr<Train_Dialect, Train_Schedule, "schedule">;

def Train_GradientOperand : Train_Enum<"GradientOperand",
    "Which operand of a contraction a gradient is of", [
      I32EnumAttrCase<"Lhs", 0, "lhs">, I32EnumAttrCase<"Rhs", 1, "rhs">,
      I32EnumAttrCase<"Bias", 2, "bias">]>;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// A double that prints as MLIR prints floats, so that it round-trips.
def Train_Double : AttrParameter<"::vernier::train::Number", "a number"> {
  let printer = "$_printer.printFloat(::llvm::APFloat(double($_self)))";
}

class Train_Attr<string name, string attrMnemonic> : AttrDef<Train_Dialect, name> {
  let mnemonic = attrMnemonic;
}

class Train_Default<string value>
    : AttrOrTypeParameter<"::vernier::train::Number", ""> {
  let defaultValue = "::vernier::train::Number(" # value # ")";
  let printer = "$_printer.printFloat(::llvm::APFloat(double($_self)))";
}

//===-- Where an op comes from, on its location ---------------------------===//

def Train_IdentityAttr : Train_Attr<"Identity", "identity"> {
  let summary = "What an op of the model is called in its function";
  let description = [{
    On the location of an op, `fused<#train.identity<...>>[...]`; of a call, what
    its path is called. `name` is unique among the ops, or the calls, of the
    function; `op` is the op's own name, or the symbol of a state. `root` comes in
    front of the path that begins here, where no call has led to the function.

    Example: `#train.identity<"attn.q", op = "train.linear", root = "block/">`
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "::mlir::StringAttr":$op,
                        "::mlir::StringAttr":$root);
  let assemblyFormat = "`<` $name `,` `op` `=` $op `,` `root` `=` $root `>`";
}

def Train_GradientOfAttr : Train_Attr<"GradientOf", "gradient_of"> {
  let summary = "Of what a contraction or sum of reverse mode is the gradient";
  let description = [{
    Around the location of the forward contraction, on the location of what
    computes the gradient of one of its operands. `parameter` is the state that
    this operand is made from, if it is made from one alone: cast, reshaped or
    transposed. Where `cse` finds two gradients equal, the first one's stays.

    Example: `#train.gradient_of<rhs, parameter = "fc2.weight">`
  }];
  let parameters = (ins EnumParameter<Train_GradientOperand>:$operand,
                        OptionalParameter<"::mlir::StringAttr">:$parameter);
  let assemblyFormat = "`<` $operand (`,` `parameter` `=` $parameter^)? `>`";
}

//===-- Reverse mode ------------------------------------------------------===//

def Train_GradientTypesAttr : Train_Attr<"GradientTypes", "gradient_types"> {
  let summary = "In which types the gradient of an operand is computed";
  let description = [{
    `operand` is the element type that the contraction which computes the
    gradient multiplies (tf32: f32 values, rounded inside), `result` the type it
    rounds its f32 sums to. An array of them, `train.operand_gradients`, says so
    for each operand of a contraction before differentiation.

    Example: `#train.gradient_types<operand = bf16, result = f32>`
  }];
  let parameters = (ins "::mlir::Type":$operand, "::mlir::Type":$result);
  let assemblyFormat = "`<` struct(params) `>`";
}

//===-- Initialisers: the value of a global before the first step ---------===//

def Train_ConstantAttr : Train_Attr<"Constant", "constant"> {
  let summary = "Every element has this value, a finite one of f32";
  let parameters = (ins Train_Double:$value);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` $value `>`";
}

def Train_NormalAttr : Train_Attr<"Normal", "normal"> {
  let summary = "Independent normal values: mean, standard deviation >= 0";
  let parameters = (ins Train_Double:$mean, Train_Double:$stddev);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` $mean `,` $stddev `>`";
}

def Train_UniformAttr : Train_Attr<"Uniform", "uniform"> {
  let summary = "Independent uniform values in [low, high), low <= high";
  let parameters = (ins Train_Double:$low, Train_Double:$high);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` $low `,` $high `>`";
}

def Train_KaimingAttr : Train_Attr<"Kaiming", "kaiming"> {
  let summary = "He et al. 2015: variance 2 / fan-in, normal or uniform";
  let description = [{
    `fan_in` counts the inputs of one output: all dims of the weight but the
    first. Normal has standard deviation sqrt(2 / fan_in); uniform covers
    [-b, b) with b = sqrt(6 / fan_in).
  }];
  let parameters = (ins DefaultValuedParameter<"bool", "false">:$uniform);
  let assemblyFormat = "(`<` `uniform` `=` $uniform^ `>`)?";
}

def Train_XavierAttr : Train_Attr<"Xavier", "xavier"> {
  let summary = "Glorot and Bengio 2010: variance 2 / (fan-in + fan-out)";
  let description = [{
    `fan_out` is the first dim of the weight. Normal has standard deviation
    sqrt(2 / (fan_in + fan_out)); uniform covers [-b, b) with
    b = sqrt(6 / (fan_in + fan_out)).
  }];
  let parameters = (ins DefaultValuedParameter<"bool", "false">:$uniform);
  let assemblyFormat = "(`<` `uniform` `=` $uniform^ `>`)?";
}

//===-- Optimizers --------------------------------------------------------===//

def Train_SgdAttr : Train_Attr<"Sgd", "sgd"> {
  let summary = "Stochastic gradient descent, as torch.optim.SGD with dampening 0";
  let description = [{
    g' = g + weight_decay * p; with momentum: b' = momentum * b + g' (b is g' on
    the first step, which b = 0 makes the same), and the direction is b', or
    g' + momentum * b' with Nesterov; p' = p - lr * direction.
    States: the buffer b if momentum is not zero, else none.
  }];
  let parameters = (ins Train_Default<"0.0">:$momentum,
                        Train_Default<"0.0">:$weightDecay,
                        DefaultValuedParameter<"bool", "false">:$nesterov);
  let assemblyFormat = "`<` struct(params) `>`";
}

class Train_AdamLike<string name, string mnemonic> : Train_Attr<name, mnemonic> {
  let parameters = (ins Train_Default<"0.9">:$beta1, Train_Default<"0.999">:$beta2,
                        Train_Default<"1e-8">:$epsilon,
                        Train_Default<"0.0">:$weightDecay);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Train_AdamAttr : Train_AdamLike<"Adam", "adam"> {
  let summary = "Kingma and Ba 2015, as torch.optim.Adam (L2 decay in the gradient)";
  let description = [{
    g' = g + weight_decay * p; m' = beta1 m + (1 - beta1) g';
    v' = beta2 v + (1 - beta2) g'^2;
    p' = p - lr / (1 - beta1^t) * m' / (sqrt(v') / sqrt(1 - beta2^t) + epsilon).
    States: m, v.
  }];
}

def Train_AdamWAttr : Train_AdamLike<"AdamW", "adamw"> {
  let summary = "Loshchilov and Hutter 2019, as torch.optim.AdamW (decoupled decay)";
  let description = [{
    First p is multiplied by (1 - lr * weight_decay), then Adam without decay.
    States: m, v.
  }];
}

def Train_OptimizerAttr : AnyAttrOf<[Train_SgdAttr, Train_AdamAttr, Train_AdamWAttr],
                                    "an optimizer">;

#endif // VERNIER_DIALECT_TRAIN_IR_TRAINATTRIBUTES_TD
