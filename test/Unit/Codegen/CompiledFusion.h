//===- CompiledFusion.h - A fusion that was compiled and can be run
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TEST_UNIT_CODEGEN_COMPILEDFUSION_H
#define VERNIER_TEST_UNIT_CODEGEN_COMPILEDFUSION_H

#include "vernier-c/kernel.h"
#include "vernier/Codegen/Kernel.h"
#include "vernier/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>
#include <random>

namespace vernier::test {

/// The bytes of `tensor` as kernels see them, 64-byte aligned, and back.
class Buffer {
public:
  explicit Buffer(mlir::RankedTensorType type);
  Buffer(mlir::RankedTensorType type, const reference::Tensor &tensor);

  reference::Tensor read() const;
  void *data() const { return bytes.get(); }

private:
  struct Free {
    void operator()(void *pointer) const { free(pointer); }
  };
  mlir::RankedTensorType type;
  std::unique_ptr<void, Free> bytes;
};

/// The first fusion of the function `@test` of a module, compiled and loaded.
class CompiledFusion {
public:
  /// Emitted for `target` and run on `machine`, which may have narrower
  /// vectors.
  CompiledFusion(mlir::MLIRContext &context, llvm::StringRef source,
                 llvm::StringRef target = "cpu:native",
                 llvm::StringRef machine = "cpu:native");
  ~CompiledFusion();
  CompiledFusion(const CompiledFusion &) = delete;

  /// Whether everything succeeded; what failed has been printed.
  explicit operator bool() const { return kernel; }

  /// Run over [0, grid) in ranges of about `rangeLength` points, last first.
  void run(llvm::ArrayRef<void *> arguments, int64_t rangeLength) const;
  llvm::SmallVector<reference::Tensor>
  run(llvm::ArrayRef<reference::Tensor> inputs, int64_t rangeLength) const;
  /// The function on the evaluator.
  llvm::SmallVector<reference::Tensor>
  evaluate(llvm::ArrayRef<reference::Tensor> inputs) const;

  mlir::func::FuncOp getFunction() const { return function; }
  mlir::RankedTensorType inputType(unsigned index) const;
  mlir::RankedTensorType resultType(unsigned index) const;
  KernelGrid grid = {0, 1};

private:
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mutable mlir::func::FuncOp function;
  void *library = nullptr;
  vernier_kernel_t kernel = nullptr;
};

/// A context with everything that the compiler knows.
std::unique_ptr<mlir::MLIRContext> createContext();

/// Normal floats, labels from 0 to 9, flags: values that memory can hold.
reference::Tensor randomTensor(mlir::RankedTensorType type,
                               std::mt19937 &random);

/// Fail where an element is further than `tolerance` of itself and of the
/// largest from what is expected; a 16-bit result may also be rounded to the
/// other side.
void expectNear(const reference::Tensor &actual,
                const reference::Tensor &expected, double tolerance);

} // namespace vernier::test

#endif // VERNIER_TEST_UNIT_CODEGEN_COMPILEDFUSION_H
