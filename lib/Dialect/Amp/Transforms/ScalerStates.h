//===- ScalerStates.h - The states that loss scaling adds to a module
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_SCALERSTATES_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_SCALERSTATES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

namespace vernier::amp {

/// Creates, loads and stores the scaler's globals around one `@step`.
class ScalerStates {
public:
  ScalerStates(mlir::ModuleOp module, mlir::func::FuncOp step)
      : symbols(module), step(step), builder(module.getContext()) {}

  /// A new global before `@step`. The first name that is taken is reported,
  /// once, and `isValid` is false from then on.
  mlir::ml_program::GlobalOp create(llvm::StringRef name,
                                    mlir::RankedTensorType type,
                                    mlir::Attribute initial,
                                    llvm::StringRef role);
  /// The same for a scalar of i32 with this first value.
  mlir::ml_program::GlobalOp
  createCounter(llvm::StringRef name, int64_t initial, llvm::StringRef role);
  /// Report that the state `global` cannot be what it is; returns null.
  mlir::ml_program::GlobalOp report(mlir::ml_program::GlobalOp global,
                                    llvm::StringRef why);
  bool isValid() const { return valid; }

  mlir::ml_program::GlobalOp lookup(mlir::StringAttr name) const {
    return symbols.lookup<mlir::ml_program::GlobalOp>(name);
  }

private:
  mlir::SymbolTable symbols;
  mlir::func::FuncOp step;
  mlir::OpBuilder builder;
  bool valid = true;
};

mlir::Value createLoad(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::ml_program::GlobalOp global);
void createStore(mlir::OpBuilder &builder, mlir::Location loc,
                 mlir::ml_program::GlobalOp global, mlir::Value value);

/// A further result of `step` under `name`, unless another has it.
llvm::LogicalResult addResult(mlir::func::FuncOp step, llvm::StringRef name,
                              mlir::Value value);

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_SCALERSTATES_H
