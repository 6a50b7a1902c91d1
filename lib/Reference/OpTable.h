//===- OpTable.h - From op names to the functions that evaluate them
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_REFERENCE_OPTABLE_H
#define VERNIER_LIB_REFERENCE_OPTABLE_H

#include "vernier/Reference/Evaluator.h"

#include "llvm/ADT/StringMap.h"

#include <functional>

namespace vernier::reference {

/// One execution of an op: its operands, and its results to be written (zeros
/// of the right shapes before). The evaluator rounds the results afterwards:
/// through f32, or directly if a value of the op is f64.
struct Invocation {
  llvm::ArrayRef<const Tensor *> operands;
  llvm::MutableArrayRef<Tensor> results;
  const EvaluatorOptions &options;
  bool exact = options.exact;

  const Tensor &operand(unsigned index) const { return *operands[index]; }
  Tensor &result(unsigned index = 0) const { return results[index]; }
};

/// Whether the contraction of `in` is one of a processor's bf16 dot products.
inline bool isBf16DotProduct(const Invocation &in) {
  return in.options.bf16DotProducts && !in.exact &&
         in.operand(0).elementType.isBF16();
}

/// How each op is evaluated, by name.
class OpTable {
public:
  using Function =
      std::function<llvm::LogicalResult(mlir::Operation *, Invocation &)>;

  /// Ops of class `OpTy` are evaluated by `function(op, invocation)`.
  template <typename OpTy, typename Callable> void add(Callable function) {
    functions[OpTy::getOperationName()] = [function](mlir::Operation *op,
                                                     Invocation &in) {
      if constexpr (std::is_void_v<decltype(function(llvm::cast<OpTy>(op),
                                                     in))>) {
        function(llvm::cast<OpTy>(op), in);
        return llvm::success();
      } else {
        return function(llvm::cast<OpTy>(op), in);
      }
    };
  }

  /// The function of an op, or null.
  const Function *lookup(llvm::StringRef name) const {
    auto it = functions.find(name);
    return it == functions.end() ? nullptr : &it->second;
  }

private:
  llvm::StringMap<Function> functions;
};

// One function for each family of ops, in the file of that name.
void addFloatArithmetic(OpTable &table);
void addIntegerArithmetic(OpTable &table);
void addCasts(OpTable &table);
void addShapes(OpTable &table);
void addReductions(OpTable &table);
void addContractions(OpTable &table);
void addImages(OpTable &table);
void addIndices(OpTable &table);
void addChannels(OpTable &table);
void addActivations(OpTable &table);
void addNormalizations(OpTable &table);
void addLosses(OpTable &table);
void addOptimizers(OpTable &table);
void addLossScaling(OpTable &table);

} // namespace vernier::reference

#endif // VERNIER_LIB_REFERENCE_OPTABLE_H
