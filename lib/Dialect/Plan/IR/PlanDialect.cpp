//===- PlanDialect.cpp - The plan dialect
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Plan/IR/PlanDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

using namespace mlir;
using namespace vernier::plan;

#include "vernier/Dialect/Plan/IR/PlanDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "vernier/Dialect/Plan/IR/PlanTypes.cpp.inc"

static ParseResult parsePlainI64(OpAsmParser &parser, IntegerAttr &attr) {
  int64_t value;
  if (parser.parseInteger(value))
    return failure();
  attr = parser.getBuilder().getI64IntegerAttr(value);
  return success();
}

static void printPlainI64(OpAsmPrinter &printer, Operation *,
                          IntegerAttr attr) {
  printer << attr.getInt();
}

#include "vernier/Dialect/Plan/IR/PlanInterfaces.cpp.inc"

#define GET_OP_CLASSES
#include "vernier/Dialect/Plan/IR/PlanOps.cpp.inc"

void PlanDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "vernier/Dialect/Plan/IR/PlanOps.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "vernier/Dialect/Plan/IR/PlanTypes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// BufferType
//===----------------------------------------------------------------------===//

Type BufferType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  if (parser.parseLess() ||
      parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(elementType) || parser.parseGreater())
    return {};
  return BufferType::get(parser.getContext(), shape, elementType);
}

void BufferType::print(AsmPrinter &printer) const {
  printer << "<";
  for (int64_t extent : getShape())
    printer << extent << "x";
  printer << getElementType() << ">";
}

int64_t BufferType::getNumElements() const {
  return std::accumulate(getShape().begin(), getShape().end(), int64_t(1),
                         std::multiplies<int64_t>());
}

int64_t BufferType::getNumBytes() const {
  return getNumElements() *
         ((getElementType().getIntOrFloatBitWidth() + 7) / 8);
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

SmallVector<Value> LaunchOp::getCallInputs() {
  return llvm::to_vector_of<Value>(getInputs());
}

SmallVector<Value> LaunchOp::getCallResults() {
  return llvm::to_vector_of<Value>(getOutputs());
}

SmallVector<Value> ConvolutionOp::getCallInputs() {
  if (getKind() == "image")
    return {getOutput(), getWeight()};
  return {getImage(), getKind() == "weight" ? getOutput() : getWeight()};
}

SmallVector<Value> ConvolutionOp::getCallResults() {
  if (getKind() == "image")
    return {getImage()};
  return {getKind() == "weight" ? getWeight() : getOutput()};
}

//===----------------------------------------------------------------------===//
// Lifetimes
//===----------------------------------------------------------------------===//

Operation *vernier::plan::getOwner(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewOp>())
    buffer = view.getSource();
  return buffer.getDefiningOp();
}

llvm::DenseMap<Operation *, int64_t> EntryOp::getLastUses() {
  llvm::DenseMap<Operation *, int64_t> lastUses;
  int64_t number = 0, end = getBody().front().getOperations().size();
  for (Operation &op : getBody().front()) {
    for (Value operand : op.getOperands())
      lastUses[getOwner(operand)] = isa<OutputOp>(op) ? end : number;
    if (isa<AllocOp, InputOp>(op))
      lastUses.try_emplace(&op, number);
    ++number;
  }
  return lastUses;
}

static int64_t getBytes(Operation *owner) {
  return cast<BufferType>(owner->getResult(0).getType()).getNumBytes();
}

int64_t EntryOp::getSavedBytes() {
  // By the number of an op: what is given back behind it.
  llvm::DenseMap<int64_t, int64_t> ending;
  for (auto [owner, lastUse] : getLastUses())
    if (owner->hasAttr("saved"))
      ending[lastUse] += getBytes(owner);
  int64_t held = 0, number = 0;
  // Inputs are filled before the first call, wherever they stand.
  for (auto input : getOps<InputOp>())
    held += input.getSaved() ? getBytes(input) : 0;
  int64_t most = held;
  for (Operation &op : getBody().front()) {
    if (isa<AllocOp>(op) && op.hasAttr("saved"))
      held += getBytes(&op);
    most = std::max(most, held);
    held -= ending.lookup(number++);
  }
  return most;
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

LogicalResult ViewOp::verify() {
  auto source = cast<BufferType>(getSource().getType());
  auto result = cast<BufferType>(getBuffer().getType());
  if (source.getNumElements() < result.getNumElements() ||
      source.getElementType() != result.getElementType())
    return emitOpError(
               "(P3) expects elements of the same type and no more than "
               "the source has, got ")
           << source << " and " << result;
  return success();
}

LogicalResult CopyOp::verify() {
  auto source = cast<BufferType>(getSource().getType());
  auto result = cast<BufferType>(getResult().getType());
  if (source.getElementType() != result.getElementType() ||
      source.getShape().size() != result.getShape().size())
    return emitOpError("(P4) expects one element type and rank, got ")
           << source << " and " << result;
  if (!getOffset().empty() && getOffset().size() != source.getShape().size())
    return emitOpError("(P4) expects an offset for each dim, got ")
           << getOffset().size() << " for " << source;
  return success();
}

/// Whether all buffers hold images or kernels: four dims.
static bool haveRank4(ValueRange buffers) {
  return llvm::all_of(buffers.getTypes(), [](Type type) {
    return cast<BufferType>(type).getShape().size() == 4;
  });
}

LogicalResult ConvolutionOp::verify() {
  if (!haveRank4(getOperands()) || getStrides().size() != 2 ||
      getPadding().size() != 4 || getDilation().size() != 2)
    return emitOpError("(P5) expects buffers of rank 4, two strides, four "
                       "paddings and two dilations");
  return success();
}

LogicalResult PoolOp::verify() {
  bool isAdaptive = getWindow().empty();
  if (!haveRank4(getOperands()) || (!isAdaptive && getWindow().size() != 2) ||
      getStrides().size() != 2 || getPadding().size() != 4)
    return emitOpError("(P6) expects buffers of rank 4, two extents of the "
                       "window, two strides and four paddings");
  return success();
}

LogicalResult GatherOp::verify() {
  auto source = cast<BufferType>(getSource().getType());
  auto indices = cast<BufferType>(getIndices().getType());
  auto result = cast<BufferType>(getResult().getType());
  BufferType table = getAdd() ? result : source,
             rows = getAdd() ? source : result;
  int64_t count = getRows();
  if (count < 1 || table.getNumElements() % count ||
      rows.getNumElements() !=
          indices.getNumElements() * (table.getNumElements() / count))
    return emitOpError("(P7) expects rows of one length and an index for each, "
                       "got ")
           << source << ", " << indices << " and " << result << " for " << count
           << " rows";
  return success();
}

/// The number of elements that `rows` rows of `cols` elements, `ld` apart,
/// span.
static int64_t spanOf(int64_t batch, int64_t rows, int64_t cols, int64_t ld) {
  return (batch * rows - 1) * ld + cols;
}

LogicalResult MatmulOp::verify() {
  int64_t batch = getBatch(), m = getM(), n = getN(), k = getK();
  auto check = [&](Value buffer, int64_t count, int64_t rows, int64_t cols,
                   int64_t ld, StringRef what) -> LogicalResult {
    auto type = cast<BufferType>(buffer.getType());
    if (ld >= cols && type.getNumElements() >= spanOf(count, rows, cols, ld))
      return success();
    return emitOpError("(P2) expects ")
           << what << " to hold " << count << " x " << rows << " x " << cols
           << " elements with leading dimension " << ld << ", got " << type;
  };
  bool transposeLhs = getTransposeLhs(), transposeRhs = getTransposeRhs();
  if (failed(check(getLhs(), batch, transposeLhs ? k : m, transposeLhs ? m : k,
                   getLhsLd(), "lhs")) ||
      failed(check(getRhs(), getSharedRhs() ? 1 : batch, transposeRhs ? n : k,
                   transposeRhs ? k : n, getRhsLd(), "rhs")) ||
      failed(check(getResult(), batch, m, n, getResultLd(), "result")))
    return failure();
  if (getBias())
    return check(getBias(), 1, 1, n, n, "bias");
  return success();
}
