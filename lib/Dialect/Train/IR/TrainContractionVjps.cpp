//===- TrainContractionVjps.cpp - The vjps of matmul and linear
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A gradient contraction reads 16-bit operands where the forward op did, sums
// in the forward op's accumulate type and rounds once to its operand's type,
// unless train.operand_gradients asks for other types.
// Operands are never transposed in memory: the transpose flags do it.
//
//===----------------------------------------------------------------------===//

#include "TrainExprs.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

namespace {

/// How a gradient is contracted.
struct ContractionSettings {
  TypeAttr accumulateType;
  GradientTypes types;
};

/// Whether an operand is stored with its last two dims swapped.
struct Transposes {
  bool lhs = false, rhs = false;
};

} // namespace

/// lhs . rhs, both in the type that the gradient multiplies.
static TensorExpr contract(TensorExpr lhs, TensorExpr rhs,
                           Transposes transposes, Type resultElement,
                           ContractionSettings settings) {
  lhs = lhs.castTo(settings.types.operand);
  rhs = rhs.castTo(settings.types.operand);
  ArrayRef<int64_t> lhsShape = lhs.getType().getShape();
  ArrayRef<int64_t> rhsShape = rhs.getType().getShape();
  SmallVector<int64_t> shape(lhsShape.drop_back(2));
  shape.push_back(lhsShape[lhsShape.size() - (transposes.lhs ? 1 : 2)]);
  shape.push_back(rhsShape[rhsShape.size() - (transposes.rhs ? 2 : 1)]);
  return lhs.with(MatmulOp::create(lhs.getBuilder(), lhs.getLoc(),
                                   RankedTensorType::get(shape, resultElement),
                                   lhs, rhs, transposes.lhs, transposes.rhs,
                                   settings.accumulateType,
                                   settings.types.isTf32, Epilogue::None));
}

/// The gradient of the sums: what comes through the epilogue.
static TensorExpr throughEpilogue(TensorExpr g, Epilogue epilogue,
                                  Value result) {
  if (epilogue == Epilogue::None)
    return g;
  return select(isAtLeast(g.splat(0.0), g.with(result)), g.splat(0.0), g);
}

//===----------------------------------------------------------------------===//
// Matmul
//===----------------------------------------------------------------------===//

/// d lhs = g . rhs^T, stored as lhs is: if lhs is stored transposed, the
/// gradient is the transposed product, rhs . g^T.
static TensorExpr buildLhsGradient(MatmulOp op, TensorExpr g, TensorExpr rhs,
                                   ContractionSettings settings) {
  Type element = settings.types.result;
  bool transposeRhs = op.getTransposeRhs();
  if (!op.getTransposeLhs())
    return contract(g, rhs, {false, !transposeRhs}, element, settings);
  // A shared rhs comes first here, where only a batch can stand.
  ArrayRef<int64_t> batch = g.getType().getShape().drop_back(2);
  if (rhs.getType().getRank() == 2 && !batch.empty()) {
    SmallVector<int64_t> shape(batch);
    llvm::append_range(shape, rhs.getType().getShape());
    int64_t rank = shape.size();
    rhs = broadcast(rhs, shape, {rank - 2, rank - 1});
  }
  return contract(rhs, g, {transposeRhs, true}, element, settings);
}

/// d rhs = lhs^T . g, or its transpose g^T . lhs if rhs is stored transposed.
static TensorExpr contractForRhs(MatmulOp op, TensorExpr lhs, TensorExpr g,
                                 Type element, ContractionSettings settings) {
  bool transposeLhs = op.getTransposeLhs();
  if (op.getTransposeRhs())
    return contract(g, lhs, {true, transposeLhs}, element, settings);
  return contract(lhs, g, {!transposeLhs, false}, element, settings);
}

/// The gradient of a shared rhs sums over the batch. With the batch in front of
/// M that is one longer contraction: (B, M, K) is read as (B M, K).
static TensorExpr buildRhsGradient(MatmulOp op, TensorExpr lhs, TensorExpr g,
                                   ContractionSettings settings) {
  Type element = settings.types.result;
  bool isShared =
      op.getContractionDims().sharedRhs && lhs.getType().getRank() > 2;
  if (!isShared)
    return contractForRhs(op, lhs, g, element, settings);
  if (!op.getTransposeLhs())
    return contractForRhs(op, collapseToMatrix(lhs), collapseToMatrix(g),
                          element, settings);
  // Stored (B, K, M) the batch cannot join M: one product for each index of the
  // batch, then a sum over them, rounded once at its end.
  Type wide = element.isF64() ? element : Type(g.getBuilder().getF32Type());
  TensorExpr each = contractForRhs(op, lhs, g, wide, settings);
  int64_t batchRank = each.getType().getRank() - 2;
  return reduce(ReduceKind::Sum, each,
                llvm::to_vector(llvm::seq<int64_t>(0, batchRank)), element);
}

/// The settings of the gradient of operand `number`.
template <typename OpTy>
static ContractionSettings getSettings(OpTy op, unsigned number) {
  return {op.getAccumulateTypeAttr(),
          getGradientTypes(op, number, op.getTf32())};
}

LogicalResult MatmulOp::buildVjp(OpBuilder &builder,
                                 ArrayRef<Value> resultGradients,
                                 ArrayRef<bool> needed,
                                 MutableArrayRef<Value> operandGradients) {
  TensorExpr result(builder, getLoc(), resultGradients.front());
  TensorExpr g = throughEpilogue(result, getEpilogue(), getResult());
  ContractionSettings lhs = getSettings(*this, 0), rhs = getSettings(*this, 1);
  auto [gForLhs, gForRhs] = castForOperands(g, lhs.types, rhs.types);
  if (needed[0])
    operandGradients[0] =
        buildLhsGradient(*this, gForLhs, g.with(getRhs()), lhs);
  if (needed[1])
    operandGradients[1] =
        buildRhsGradient(*this, g.with(getLhs()), gForRhs, rhs);
  return success();
}

bool MatmulOp::takesAnyGradientType() { return true; }

//===----------------------------------------------------------------------===//
// Linear
//===----------------------------------------------------------------------===//

/// With g (..., N) read as (M, N): d input = g . weight, d weight = g^T .
/// input, and d bias sums g over the rows.
LogicalResult LinearOp::buildVjp(OpBuilder &builder,
                                 ArrayRef<Value> resultGradients,
                                 ArrayRef<bool> needed,
                                 MutableArrayRef<Value> operandGradients) {
  TensorExpr result(builder, getLoc(), resultGradients.front());
  TensorExpr sums = throughEpilogue(result, getEpilogue(), getResult());
  TensorExpr input = sums.with(getInput()), weight = sums.with(getWeight());
  if (getBias() && needed[2])
    operandGradients[2] = sumOfRows(sums, getSettings(*this, 2).types.result);
  if (!needed[0] && !needed[1])
    return success();
  ContractionSettings toInput = getSettings(*this, 0),
                      toWeight = getSettings(*this, 1);
  auto [wholeForInput, wholeForWeight] =
      castForOperands(sums, toInput.types, toWeight.types);
  TensorExpr gForInput = collapseToMatrix(wholeForInput);
  TensorExpr gForWeight = Value(wholeForWeight) == Value(wholeForInput)
                              ? gForInput
                              : collapseToMatrix(wholeForWeight);
  if (needed[0])
    operandGradients[0] = expandFromMatrix(
        contract(gForInput, weight, {}, toInput.types.result, toInput),
        input.getType().getShape());
  if (needed[1])
    operandGradients[1] =
        contract(gForWeight, collapseToMatrix(input), {/*lhs=*/true, false},
                 toWeight.types.result, toWeight);
  return success();
}

bool LinearOp::takesAnyGradientType() { return true; }
