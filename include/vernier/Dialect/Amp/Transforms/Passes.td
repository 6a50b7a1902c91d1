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
                           "::mlir::tensor::TensorDialect",
                           "::vernier::train::TrainDialect",
                           "::vernier::amp::AmpDialect"];
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

    Example: [autocast.mlir](test/Dialect/Amp/Transforms/autocast.mlir)
  }];
  let options = [
    Option<"policy", "policy", "std::string", /*default=*/"\"vernier\"",
           "A preset (f32, tf32, bf16, f16, vernier, torch-cuda, torch-cpu) or "
           "the path of a policy file">,
    Option<"compute", "compute", "std::string", /*default=*/"\"\"",
           "Compute type (f32, tf32, bf16, f16) instead of the policy's own">,
    Option<"target", "target", "std::string", /*default=*/"\"\"",
           "Device to check the compute type against (cpu, cpu:native, "
           "cpu:NAME); without it nothing is checked">,
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

#endif // VERNIER_DIALECT_AMP_TRANSFORMS_PASSES_TD
