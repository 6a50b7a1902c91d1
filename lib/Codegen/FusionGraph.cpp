//===- FusionGraph.cpp - What a fusion computes at one point of its loops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks from the results to the inputs. Each value is asked for at an access;
// a broadcast, a reshape, a slice and a reduction only change the access on the
// way, and a pad changes where a result is stored. The
// digits of the space start as (row, column) and are split wherever a shape
// cuts one in two; after a split the walk starts again.
//
//===----------------------------------------------------------------------===//

#include "FusionGraph.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
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

/// A reshape does not move elements.
static bool isReshape(Operation *op) {
  return isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op);
}

static bool isElementwise(Operation *op) {
  return op->getNumResults() == 1 &&
         OpTrait::hasElementwiseMappableTraits(op) &&
         llvm::all_of(op->getOperandTypes(), [&](Type type) {
           auto tensor = dyn_cast<RankedTensorType>(type);
           return tensor && tensor.getShape() == shapeOf(op->getResult(0));
         });
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
  /// A value that is needed at an access.
  using Request = std::pair<Value, Access>;

  bool isRows() const { return graph.schedule == FusionSchedule::Rows; }
  LogicalResult addResult(Value value);
  LogicalResult collectRequests();
  LogicalResult buildNodes();
  FailureOr<SmallVector<Request>> operandsOf(Operation *op,
                                             const Access &access);
  FailureOr<Access> inputAccess(BroadcastOp op, const Access &access);
  FailureOr<Access> inputAccess(ReduceOp op, const Access &access);
  FailureOr<Access> inputAccess(tensor::ExtractSliceOp op,
                                const Access &access);
  LogicalResult placeInPad(FusionResult &result, tensor::PadOp pad);
  FailureOr<FusionNode *> buildNode(Operation *op, const Access &access,
                                    ArrayRef<FusionNode *> operands);
  FailureOr<Access> mapAccess(Operation *op, const Access &from,
                              ArrayRef<int64_t> shape,
                              ArrayRef<int64_t> strides);
  LogicalResult request(Value value, const Access &access);
  FusionNode *lookup(const Request &request) {
    return built.lookup({request.first, accessIndex(request)});
  }
  size_t accessIndex(const Request &request) {
    auto &accesses = requested[request.first];
    return llvm::find(accesses, request.second) - accesses.begin();
  }
  FusionNode *addNode(FusionNode::Kind kind, Value value);
  void depend(FusionNode *node, const Access &access);
  Scope scopeOf(const FusionNode &node) const;

  FusionOp fusion;
  /// The accesses that each value is needed at, and the nodes made for them.
  DenseMap<Value, SmallVector<Access, 1>> requested;
  DenseMap<std::pair<Value, size_t>, FusionNode *> built;
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

/// `node` changes with the digits that `access` has strides for.
void GraphBuilder::depend(FusionNode *node, const Access &access) {
  for (size_t i = 0; i < access.size(); ++i)
    (graph.isRowDigit(i) ? node->onRow : node->onCol) |= access[i] != 0;
}

LogicalResult GraphBuilder::request(Value value, const Access &access) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !hasRegister(type.getElementType()))
    return fusion.emitOpError("cannot compute on ")
           << value.getType()
           << ": kernels take tensors of f32, bf16, f16, i1 and integers of 8 "
              "to 64 bits";
  auto &accesses = requested[value];
  if (!llvm::is_contained(accesses, access))
    accesses.push_back(access);
  return success();
}

//===----------------------------------------------------------------------===//
// From results to inputs: which values are needed at which accesses
//===----------------------------------------------------------------------===//

FailureOr<Access> GraphBuilder::inputAccess(BroadcastOp op,
                                            const Access &access) {
  ArrayRef<int64_t> shape = shapeOf(op.getInput());
  SmallVector<int64_t> inputStrides = stridesOf(shape);
  SmallVector<int64_t> strides(shapeOf(op.getResult()).size(), 0);
  for (auto [dim, resultDim] : llvm::enumerate(op.getDims()))
    strides[resultDim] = shape[dim] == 1 ? 0 : inputStrides[dim];
  return mapAccess(op, access, shapeOf(op.getResult()), strides);
}

FailureOr<Access> GraphBuilder::inputAccess(ReduceOp op, const Access &access) {
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
  return kept;
}

/// The first elements of longer rows.
FailureOr<Access> GraphBuilder::inputAccess(tensor::ExtractSliceOp op,
                                            const Access &access) {
  if (!op.hasZeroOffset() || !op.hasUnitStride() ||
      op.getSourceType().getRank() != op.getType().getRank())
    return op.emitOpError(
        "in a fusion has an offset, a stride or another rank; "
        "leave it outside");
  return mapAccess(op, access, shapeOf(op.getResult()),
                   stridesOf(shapeOf(op.getSource())));
}

/// What `op` needs so that its result can be had at `access`.
FailureOr<SmallVector<GraphBuilder::Request>>
GraphBuilder::operandsOf(Operation *op, const Access &access) {
  FailureOr<Access> input = access;
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    input = inputAccess(broadcast, access);
  else if (auto reduce = dyn_cast<ReduceOp>(op))
    input = inputAccess(reduce, access);
  else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    input = inputAccess(slice, access);
  else if (auto oneHot = dyn_cast<OneHotOp>(op))
    input = mapAccess(op, access, shapeOf(oneHot.getResult()), {1, 0});
  else if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (!isa<SplatElementsAttr>(constant.getValue()))
      return op->emitOpError("in a fusion has several values; pass it as an "
                             "input");
  } else if (!isReshape(op) && !isElementwise(op) && !isa<IotaOp>(op)) {
    return op->emitOpError("cannot be computed in a fusion: expected an "
                           "elementwise op on tensors of one shape, "
                           "train.broadcast, train.reduce, train.one_hot, "
                           "train.iota, a slice or a reshape");
  }
  if (failed(input))
    return failure();
  SmallVector<Request> requests;
  // The other operands of a reshape would be dynamic extents: there are none.
  for (Value operand : op->getOperands())
    requests.push_back({operand, *input});
  return requests;
}

/// Ask for all that the results need. Users come behind an op, so that going
/// backwards all accesses to its result are known when it is reached.
LogicalResult GraphBuilder::collectRequests() {
  for (Value value : fusion.getBody().front().getTerminator()->getOperands())
    if (failed(addResult(value)))
      return failure();
  for (Operation &op :
       llvm::reverse(fusion.getBody().front().without_terminator())) {
    SmallVector<Access, 1> accesses;
    for (Value result : op.getResults())
      accesses.append(requested.lookup(result));
    for (const Access &access : accesses) {
      FailureOr<SmallVector<Request>> operands = operandsOf(&op, access);
      if (failed(operands))
        return failure();
      for (auto &[operand, operandAccess] : *operands)
        if (failed(request(operand, operandAccess)))
          return failure();
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// From inputs to results: the nodes
//===----------------------------------------------------------------------===//

FailureOr<FusionNode *>
GraphBuilder::buildNode(Operation *op, const Access &access,
                        ArrayRef<FusionNode *> operands) {
  using Kind = FusionNode::Kind;
  // They only change where their operand is read.
  if (isReshape(op) || isa<BroadcastOp, tensor::ExtractSliceOp>(op))
    return operands[0];
  Value result = op->getResult(0);
  if (isa<arith::ConstantOp>(op))
    return addNode(Kind::Constant, result);
  if (isa<IotaOp>(op)) {
    FusionNode *node = addNode(Kind::Iota, result);
    node->access = access;
    depend(node, access);
    node->scope = scopeOf(*node);
    return node;
  }
  Kind kind = isa<OneHotOp>(op)   ? Kind::OneHot
              : isa<ReduceOp>(op) ? Kind::Reduce
                                  : Kind::Elementwise;
  FusionNode *node = addNode(kind, result);
  node->operands.assign(operands.begin(), operands.end());
  for (FusionNode *operand : operands) {
    node->onRow |= operand->onRow;
    node->onCol |= operand->onCol;
    node->level = std::max(node->level, operand->level);
  }
  if (kind == Kind::OneHot) {
    FailureOr<Access> classAccess =
        mapAccess(op, access, shapeOf(result), {0, 1});
    if (failed(classAccess))
      return failure();
    node->access = *classAccess;
    depend(node, node->access);
  }
  node->scope = scopeOf(*node);
  if (kind == Kind::Reduce) {
    (isRows() ? node->onCol : node->onRow) = false;
    ++node->level;
    node->scope = Scope::Outer;
    graph.reduces.push_back(node);
    graph.levels = std::max(graph.levels, node->level);
  }
  return node;
}

LogicalResult GraphBuilder::buildNodes() {
  Block &body = fusion.getBody().front();
  for (BlockArgument argument : body.getArguments())
    for (auto [i, access] : llvm::enumerate(requested.lookup(argument))) {
      FusionNode *node = addNode(FusionNode::Kind::Load, argument);
      node->input = argument.getArgNumber();
      node->access = access;
      depend(node, access);
      node->scope = scopeOf(*node);
      built[{argument, i}] = node;
    }
  for (Operation &op : body.without_terminator()) {
    // What is asked for has one result.
    if (op.getNumResults() != 1)
      continue;
    for (auto [i, access] :
         llvm::enumerate(requested.lookup(op.getResult(0)))) {
      FailureOr<SmallVector<Request>> requests = operandsOf(&op, access);
      if (failed(requests))
        return failure();
      SmallVector<FusionNode *, 3> operands;
      for (const Request &operand : *requests)
        operands.push_back(lookup(operand));
      FailureOr<FusionNode *> node = buildNode(&op, access, operands);
      if (failed(node))
        return failure();
      built[{op.getResult(0), i}] = *node;
    }
  }
  for (FusionResult &result : graph.results) {
    result.node = lookup({result.value, result.access});
    if (result.node->scope > result.scope)
      return fusion.emitOpError("yields one value of type ")
             << result.value.getType() << ", but computes it for each "
             << (isRows() ? "row" : "block of columns");
  }
  return success();
}

/// Zeros behind the rows of `result`: the kernel writes them behind each of its
/// own rows.
LogicalResult GraphBuilder::placeInPad(FusionResult &result,
                                       tensor::PadOp pad) {
  ArrayRef<int64_t> real = shapeOf(pad.getSource()), shape = shapeOf(pad);
  Value padding = pad.getConstantPaddingValue();
  bool isZero = padding && matchPattern(padding, m_AnyZeroFloat());
  bool isRow = isRows() && result.scope == Scope::Inner && !real.empty() &&
               real.back() == graph.cols &&
               real.drop_back() == shape.drop_back();
  if (!isZero || !pad.hasZeroLowPad() || !isRow)
    return pad.emitOpError("in a fusion puts something else than zeros behind "
                           "the rows of a rows fusion; leave it outside");
  FailureOr<Access> place =
      mapAccess(pad, result.access, real, stridesOf(shape));
  if (failed(place))
    return failure();
  result.place = *place;
  result.zeros = shape.back() - real.back();
  return success();
}

/// A result has an element for each point, or one for each row or column of the
/// outer loop, or one.
LogicalResult GraphBuilder::addResult(Value yielded) {
  auto pad = yielded.getDefiningOp<tensor::PadOp>();
  Value value = pad ? pad.getSource() : yielded;
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
  // With one row there is no loop inside a block of columns.
  bool isInner = isFull && (isRows() || graph.rows > 1);
  Scope scope = isInner             ? Scope::Inner
                : isFull || isOuter ? Scope::Outer
                                    : Scope::Kernel;
  graph.results.push_back({value, /*node=*/nullptr, access, scope, access});
  if (pad && failed(placeInPad(graph.results.back(), pad)))
    return failure();
  return request(value, access);
}

LogicalResult GraphBuilder::run() {
  return success(succeeded(collectRequests()) && succeeded(buildNodes()));
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
