//===- FusionGraph.cpp - What a fusion computes at one point of its loops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks from the results to the inputs. Each value is asked for at an access;
// a broadcast, a reshape and a reduction only change the access on the way. The
// digits of the space start as (row, column) and are split wherever a shape
// cuts one in two; after a split the walk starts again.
//
//===----------------------------------------------------------------------===//

#include "FusionGraph.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

static int64_t product(ArrayRef<int64_t> extents) {
  int64_t result = 1;
  for (int64_t extent : extents)
    result *= extent;
  return result;
}

/// The row-major strides of `shape`.
static SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t dim = int64_t(shape.size()) - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * shape[dim + 1];
  return strides;
}

/// Element types that have registers: f32 and what is computed in f32, bools,
/// integers.
static bool hasRegister(Type element) {
  if (element.isF32() || element.isBF16() || element.isF16())
    return true;
  auto integer = dyn_cast<IntegerType>(element);
  return integer &&
         llvm::is_contained({1u, 8u, 16u, 32u, 64u}, integer.getWidth());
}

namespace {

class GraphBuilder {
public:
  GraphBuilder(FusionOp fusion, const llvm::SmallVector<int64_t> &boundaries)
      : fusion(fusion) {
    graph.schedule = fusion.getSchedule();
    graph.rows = isRows() || graph.schedule == FusionSchedule::Columns
                     ? int64_t(fusion.getRows())
                     : 1;
    graph.cols = fusion.getCols();
    for (size_t i = 0; i + 1 < boundaries.size(); ++i)
      graph.digits.push_back(
          {boundaries[i], boundaries[i + 1] / boundaries[i]});
  }

  LogicalResult run();

  FusionGraph graph;
  /// Where a digit has to be split before the walk can succeed; 0: nowhere.
  int64_t split = 0;

private:
  bool isRows() const { return graph.schedule == FusionSchedule::Rows; }
  FailureOr<FusionNode *> visit(Value value, const Access &access);
  FailureOr<FusionNode *> visitOp(Operation *op, const Access &access);
  FailureOr<FusionNode *> visitElementwise(Operation *op, const Access &access);
  FailureOr<FusionNode *> visitOneHot(OneHotOp op, const Access &access);
  FailureOr<FusionNode *> visitReduce(ReduceOp op, const Access &access);
  LogicalResult addResult(Value value);
  FailureOr<Access> mapAccess(Operation *op, const Access &from,
                              ArrayRef<int64_t> shape,
                              ArrayRef<int64_t> strides);
  FusionNode *addNode(FusionNode::Kind kind, Value value);
  Scope scopeOf(const FusionNode &node) const;

  FusionOp fusion;
  std::map<std::pair<void *, Access>, FusionNode *> visited;
};

} // namespace

/// The access to a tensor in which dim d of `shape` has stride `strides[d]`,
/// given the access `from` to a tensor of `shape` in row-major order.
FailureOr<Access> GraphBuilder::mapAccess(Operation *op, const Access &from,
                                          ArrayRef<int64_t> shape,
                                          ArrayRef<int64_t> strides) {
  Access result(from.size(), 0);
  for (size_t i = 0; i < from.size(); ++i) {
    int64_t step = from[i];
    if (step == 0)
      continue;
    // The dim that the digit counts in: `inner` elements lie inside one step of
    // it, `outer` inside all of it.
    int64_t inner = 1, outer = 1, dim = int64_t(shape.size()) - 1;
    for (; dim >= 0; --dim, inner = outer) {
      outer = inner * shape[dim];
      if (step < outer)
        break;
    }
    if (dim >= 0 && step % inner == 0 &&
        step * graph.digits[i].extent <= outer) {
      result[i] = step / inner * strides[dim];
      continue;
    }
    if (dim >= 0 && outer % step == 0 &&
        graph.digits[i].extent % (outer / step) == 0) {
      split = graph.digits[i].base * (outer / step);
      return failure();
    }
    return op->emitOpError("in a fusion of ")
           << graph.rows << " rows and " << graph.cols
           << " columns has a shape whose dims do not divide them; reshape it "
              "outside of the fusion";
  }
  return result;
}

Scope GraphBuilder::scopeOf(const FusionNode &node) const {
  bool inner = isRows() ? node.onCol : node.onRow;
  bool outer = isRows() ? node.onRow : node.onCol;
  if (inner)
    return Scope::Inner;
  return outer || node.level > 0 ? Scope::Outer : Scope::Kernel;
}

FusionNode *GraphBuilder::addNode(FusionNode::Kind kind, Value value) {
  auto node = std::make_unique<FusionNode>();
  node->kind = kind;
  node->value = value;
  node->op = value.getDefiningOp();
  graph.nodes.push_back(std::move(node));
  return graph.nodes.back().get();
}

FailureOr<FusionNode *> GraphBuilder::visit(Value value, const Access &access) {
  auto key = std::make_pair(value.getAsOpaquePointer(), access);
  if (auto it = visited.find(key); it != visited.end())
    return it->second;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !hasRegister(type.getElementType()))
    return fusion.emitOpError("cannot compute on ")
           << value.getType()
           << ": kernels take tensors of f32, bf16, f16, i1 "
              "and integers of 8 to 64 bits";
  FusionNode *node;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    node = addNode(FusionNode::Kind::Load, value);
    node->input = argument.getArgNumber();
    node->access = access;
    for (size_t i = 0; i < access.size(); ++i)
      (graph.isRowDigit(i) ? node->onRow : node->onCol) |= access[i] != 0;
    node->scope = scopeOf(*node);
  } else {
    FailureOr<FusionNode *> visitedOp = visitOp(value.getDefiningOp(), access);
    if (failed(visitedOp))
      return failure();
    node = *visitedOp;
  }
  visited[key] = node;
  return node;
}

FailureOr<FusionNode *> GraphBuilder::visitOp(Operation *op,
                                              const Access &access) {
  if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    ArrayRef<int64_t> shape = shapeOf(broadcast.getInput());
    SmallVector<int64_t> inputStrides = stridesOf(shape);
    SmallVector<int64_t> strides(shapeOf(broadcast.getResult()).size(), 0);
    for (auto [dim, resultDim] : llvm::enumerate(broadcast.getDims()))
      strides[resultDim] = shape[dim] == 1 ? 0 : inputStrides[dim];
    FailureOr<Access> inputAccess =
        mapAccess(op, access, shapeOf(broadcast.getResult()), strides);
    if (failed(inputAccess))
      return failure();
    return visit(broadcast.getInput(), *inputAccess);
  }
  // A reshape does not move elements.
  if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
    return visit(op->getOperand(0), access);
  if (auto oneHot = dyn_cast<OneHotOp>(op))
    return visitOneHot(oneHot, access);
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return visitReduce(reduce, access);
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (!isa<SplatElementsAttr>(constant.getValue()))
      return op->emitOpError("in a fusion has several values; pass it as an "
                             "input");
    return addNode(FusionNode::Kind::Constant, op->getResult(0));
  }
  return visitElementwise(op, access);
}

FailureOr<FusionNode *> GraphBuilder::visitElementwise(Operation *op,
                                                       const Access &access) {
  bool sameShapes = llvm::all_of(op->getOperandTypes(), [&](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && op->getNumResults() == 1 &&
           tensor.getShape() == shapeOf(op->getResult(0));
  });
  if (!sameShapes || !OpTrait::hasElementwiseMappableTraits(op))
    return op->emitOpError("cannot be computed in a fusion: expected an "
                           "elementwise op on tensors of one shape, "
                           "train.broadcast, train.reduce, train.one_hot or a "
                           "reshape");
  SmallVector<FusionNode *, 3> operands;
  for (Value operand : op->getOperands()) {
    FailureOr<FusionNode *> node = visit(operand, access);
    if (failed(node))
      return failure();
    operands.push_back(*node);
  }
  FusionNode *node = addNode(FusionNode::Kind::Elementwise, op->getResult(0));
  for (FusionNode *operand : operands) {
    node->onRow |= operand->onRow;
    node->onCol |= operand->onCol;
    node->level = std::max(node->level, operand->level);
  }
  node->operands = std::move(operands);
  node->scope = scopeOf(*node);
  return node;
}

FailureOr<FusionNode *> GraphBuilder::visitOneHot(OneHotOp op,
                                                  const Access &access) {
  ArrayRef<int64_t> shape = shapeOf(op.getResult());
  FailureOr<Access> labelAccess = mapAccess(op, access, shape, {1, 0});
  FailureOr<Access> classAccess = mapAccess(op, access, shape, {0, 1});
  if (failed(labelAccess) || failed(classAccess))
    return failure();
  FailureOr<FusionNode *> labels = visit(op.getLabels(), *labelAccess);
  if (failed(labels))
    return failure();
  FusionNode *node = addNode(FusionNode::Kind::OneHot, op.getResult());
  node->access = *classAccess;
  node->operands = {*labels};
  node->onRow = (*labels)->onRow;
  node->onCol = (*labels)->onCol;
  node->level = (*labels)->level;
  for (size_t i = 0; i < node->access.size(); ++i)
    (graph.isRowDigit(i) ? node->onRow : node->onCol) |= node->access[i] != 0;
  node->scope = scopeOf(*node);
  return node;
}

FailureOr<FusionNode *> GraphBuilder::visitReduce(ReduceOp op,
                                                  const Access &access) {
  ArrayRef<int64_t> shape = shapeOf(op.getInput());
  SmallVector<int64_t> strides = stridesOf(shape), keptStrides, reducedStrides,
                       reducedShape;
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    bool reduced = llvm::is_contained(op.getDims(), int64_t(dim));
    (reduced ? reducedStrides : keptStrides).push_back(strides[dim]);
    if (reduced)
      reducedShape.push_back(shape[dim]);
  }
  // The loop inside walks over the reduced dims in row-major order.
  int64_t extent = isRows() ? graph.cols : graph.rows;
  Access loop(access.size(), 0);
  bool isOuter = true;
  for (size_t i = 0; i < access.size(); ++i) {
    if (graph.isRowDigit(i) == isRows())
      continue;
    loop[i] = graph.digits[i].base / (isRows() ? 1 : graph.cols);
    isOuter &= access[i] == 0;
  }
  if (!isOuter || product(reducedShape) != extent)
    return op.emitOpError("reduces ")
           << product(reducedShape) << " elements in a fusion over "
           << (isRows() ? "rows of " : "columns of ") << extent
           << "; form a fusion of its own for it";
  FailureOr<Access> kept =
      mapAccess(op, access, shapeOf(op.getResult()), keptStrides);
  FailureOr<Access> reduced = mapAccess(op, loop, reducedShape, reducedStrides);
  if (failed(kept) || failed(reduced))
    return failure();
  for (size_t i = 0; i < access.size(); ++i)
    (*kept)[i] += (*reduced)[i];
  FailureOr<FusionNode *> input = visit(op.getInput(), *kept);
  if (failed(input))
    return failure();
  FusionNode *node = addNode(FusionNode::Kind::Reduce, op.getResult());
  node->operands = {*input};
  (isRows() ? node->onRow : node->onCol) =
      isRows() ? (*input)->onRow : (*input)->onCol;
  node->level = (*input)->level + 1;
  node->scope = Scope::Outer;
  graph.reduces.push_back(node);
  graph.levels = std::max(graph.levels, node->level);
  return node;
}

/// A result has an element for each point, or one for each row or column of the
/// outer loop, or one.
LogicalResult GraphBuilder::addResult(Value value) {
  int64_t count = product(shapeOf(value));
  int64_t outerCount = isRows() ? graph.rows : graph.cols;
  bool isFull = count == graph.rows * graph.cols;
  bool isOuter = !isFull && count == outerCount;
  if (!isFull && !isOuter && count != 1)
    return fusion.emitOpError("yields ")
           << value.getType() << ", which has neither one element for each of "
           << graph.rows << " rows and " << graph.cols
           << " columns, nor one for each of the outer loop";
  Access access(graph.digits.size(), 0);
  for (size_t i = 0; i < access.size(); ++i) {
    bool isRow = graph.isRowDigit(i);
    if (isFull || (isOuter && isRow == isRows()))
      access[i] = graph.digits[i].base / (isOuter && isRow ? graph.cols : 1);
  }
  FailureOr<FusionNode *> node = visit(value, access);
  if (failed(node))
    return failure();
  // With one row there is no loop inside a block of columns.
  bool isInner = isFull && (isRows() || graph.rows > 1);
  Scope scope = isInner             ? Scope::Inner
                : isFull || isOuter ? Scope::Outer
                                    : Scope::Kernel;
  if ((*node)->scope > scope)
    return fusion.emitOpError("yields one value of type ")
           << value.getType() << ", but computes it for each "
           << (isRows() ? "row" : "block of columns");
  graph.results.push_back({*node, std::move(access), scope});
  return success();
}

LogicalResult GraphBuilder::run() {
  for (Value value : fusion.getBody().front().getTerminator()->getOperands())
    if (failed(addResult(value)))
      return failure();
  return success();
}

FailureOr<FusionGraph> FusionGraph::build(FusionOp fusion) {
  bool isFlat = fusion.getSchedule() == FusionSchedule::Flat;
  int64_t rows = isFlat ? 1 : int64_t(fusion.getRows()),
          cols = fusion.getCols();
  SmallVector<int64_t> boundaries = {1, cols, rows * cols};
  while (true) {
    boundaries.erase(llvm::unique(boundaries), boundaries.end());
    GraphBuilder builder(fusion, boundaries);
    if (succeeded(builder.run()))
      return std::move(builder.graph);
    if (!builder.split)
      return failure();
    boundaries.push_back(builder.split);
    llvm::sort(boundaries);
  }
}
