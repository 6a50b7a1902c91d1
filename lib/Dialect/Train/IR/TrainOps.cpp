//===- TrainOps.cpp - Verifiers, folders and syntax of the train ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShapeChecks.h"
#include "TrainSettings.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

//===----------------------------------------------------------------------===//
// Custom syntax
//===----------------------------------------------------------------------===//

/// Parse an enum as a bare keyword.
template <typename EnumAttrT, typename Symbolize>
static ParseResult parseKeywordEnum(OpAsmParser &parser, EnumAttrT &attr,
                                    Symbolize symbolize, StringRef what) {
  StringRef keyword;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&keyword))
    return failure();
  auto value = symbolize(keyword);
  if (!value)
    return parser.emitError(loc)
           << "unknown " << what << " '" << keyword << "'";
  attr = EnumAttrT::get(parser.getContext(), *value);
  return success();
}

static ParseResult parseReduceKind(OpAsmParser &parser, ReduceKindAttr &kind) {
  return parseKeywordEnum(
      parser, kind, [](StringRef s) { return symbolizeReduceKind(s); },
      "reduce kind");
}

static void printReduceKind(OpAsmPrinter &printer, Operation *,
                            ReduceKindAttr kind) {
  printer << stringifyReduceKind(kind.getValue());
}

static ParseResult parsePoolKind(OpAsmParser &parser, PoolKindAttr &kind) {
  return parseKeywordEnum(
      parser, kind, [](StringRef s) { return symbolizePoolKind(s); },
      "pool kind");
}

static void printPoolKind(OpAsmPrinter &printer, Operation *,
                          PoolKindAttr kind) {
  printer << stringifyPoolKind(kind.getValue());
}

static ParseResult parseFusionSchedule(OpAsmParser &parser,
                                       FusionScheduleAttr &schedule) {
  return parseKeywordEnum(
      parser, schedule, [](StringRef s) { return symbolizeFusionSchedule(s); },
      "fusion schedule");
}

static void printFusionSchedule(OpAsmPrinter &printer, Operation *,
                                FusionScheduleAttr schedule) {
  printer << stringifyFusionSchedule(schedule.getValue());
}

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

#define GET_OP_CLASSES
#include "vernier/Dialect/Train/IR/TrainOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Shape helpers
//===----------------------------------------------------------------------===//

std::string train::shapeText(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "(";
  llvm::interleaveComma(shape, os);
  os << ")";
  return text;
}

LogicalResult train::checkShape(Operation *op, StringRef label, StringRef what,
                                ArrayRef<int64_t> expected, Value value) {
  ArrayRef<int64_t> shape = tensorType(value).getShape();
  if (shape == expected)
    return success();
  return op->emitOpError() << "(" << label << ") expects " << what
                           << " of shape " << shapeText(expected) << ", got "
                           << shapeText(shape);
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

ContractionDims MatmulOp::getContractionDims() {
  ContractionDims dims;
  ArrayRef<int64_t> lhs = tensorType(getLhs()).getShape();
  ArrayRef<int64_t> rhs = tensorType(getRhs()).getShape();
  for (int64_t extent : lhs.drop_back(2))
    dims.batch *= extent;
  dims.transposeLhs = getTransposeLhs();
  dims.transposeRhs = getTransposeRhs();
  dims.sharedRhs = rhs.size() == 2;
  dims.m = lhs[lhs.size() - (dims.transposeLhs ? 1 : 2)];
  dims.k = lhs[lhs.size() - (dims.transposeLhs ? 2 : 1)];
  dims.n = rhs[rhs.size() - (dims.transposeRhs ? 2 : 1)];
  return dims;
}

OpOperand &MatmulOp::getLhsOperand() { return getLhsMutable(); }
OpOperand &MatmulOp::getRhsOperand() { return getRhsMutable(); }
Value MatmulOp::getContractionBias() { return {}; }

/// 2 M N K multiply-adds, and the bias if there is one.
static int64_t countContractionFlops(ContractionDims dims, bool hasBias) {
  return dims.batch * dims.m * dims.n * (2 * dims.k + (hasBias ? 1 : 0));
}

int64_t MatmulOp::getFlops() {
  return countContractionFlops(getContractionDims(), false);
}

LogicalResult MatmulOp::verify() {
  RankedTensorType lhs = tensorType(getLhs()), rhs = tensorType(getRhs());
  if (lhs.getElementType() != rhs.getElementType() || lhs.getRank() < 2 ||
      rhs.getRank() < 2)
    return emitOpError("(M1) expects operands of one element type and rank 2 "
                       "or more, got ")
           << lhs << " and " << rhs;
  if (rhs.getRank() != 2 &&
      lhs.getShape().drop_back(2) != rhs.getShape().drop_back(2))
    return emitOpError("(M2) expects equal batch dims or a right operand of "
                       "rank 2, got ")
           << lhs << " and " << rhs;
  ContractionDims dims = getContractionDims();
  int64_t rhsK = rhs.getShape()[rhs.getRank() - (dims.transposeRhs ? 1 : 2)];
  if (dims.k != rhsK)
    return emitOpError("(M3) contracts extents ")
           << dims.k << " and " << rhsK << ", which must be equal";
  SmallVector<int64_t> expected(lhs.getShape().drop_back(2));
  expected.append({dims.m, dims.n});
  if (failed(checkShape(*this, "M4", "a result", expected, getResult())))
    return failure();
  if (getTf32() && !lhs.getElementType().isF32())
    return emitOpError("(M5) expects f32 operands with tf32, got ") << lhs;
  return success();
}

ContractionDims LinearOp::getContractionDims() {
  ContractionDims dims;
  RankedTensorType weight = tensorType(getWeight());
  dims.n = weight.getDimSize(0);
  dims.k = weight.getDimSize(1);
  for (int64_t extent : tensorType(getInput()).getShape().drop_back())
    dims.m *= extent;
  dims.transposeRhs = true;
  dims.sharedRhs = true;
  return dims;
}

OpOperand &LinearOp::getLhsOperand() { return getInputMutable(); }
OpOperand &LinearOp::getRhsOperand() { return getWeightMutable(); }
Value LinearOp::getContractionBias() { return getBias(); }

int64_t LinearOp::getFlops() {
  return countContractionFlops(getContractionDims(), bool(getBias()));
}

LogicalResult LinearOp::verify() {
  RankedTensorType input = tensorType(getInput());
  RankedTensorType weight = tensorType(getWeight());
  Type element = input.getElementType();
  if (element != weight.getElementType())
    return emitOpError(
               "(L1) expects input and weight of one element type, got ")
           << input << " and " << weight;
  if (getBias()) {
    Type biasElement = tensorType(getBias()).getElementType();
    if (biasElement != element && !biasElement.isF32())
      return emitOpError("(L1) expects a bias of f32 or the input's element "
                         "type, got ")
             << getBias().getType();
  }
  if (weight.getRank() != 2 || input.getRank() < 1 ||
      input.getShape().back() != weight.getDimSize(1))
    return emitOpError(
               "(L2) expects an input (..., K) and a weight (N, K), got ")
           << input << " and " << weight;
  if (getBias() && failed(checkShape(*this, "L2", "a bias",
                                     {weight.getDimSize(0)}, getBias())))
    return failure();
  SmallVector<int64_t> expected(input.getShape().drop_back());
  expected.push_back(weight.getDimSize(0));
  if (failed(checkShape(*this, "L3", "a result", expected, getResult())))
    return failure();
  if (getTf32() && !element.isF32())
    return emitOpError("(L4) expects f32 operands with tf32, got ") << input;
  return success();
}

//===----------------------------------------------------------------------===//
// Softmax, normalisations
//===----------------------------------------------------------------------===//

static LogicalResult verifySoftmaxLike(Operation *op) {
  if (tensorType(op->getOperand(0)).getRank() < 1)
    return op->emitOpError("(S1) expects an input of rank 1 or more, got ")
           << op->getOperand(0).getType();
  return success();
}

LogicalResult SoftmaxOp::verify() { return verifySoftmaxLike(*this); }
LogicalResult LogSoftmaxOp::verify() { return verifySoftmaxLike(*this); }

static LogicalResult verifyNorm(Operation *op, ValueRange affine,
                                Value result) {
  RankedTensorType input = tensorType(op->getOperand(0));
  if (input.getRank() < 1)
    return op->emitOpError("(N1) expects an input of rank 1 or more, got ")
           << input;
  for (Value value : affine)
    if (failed(checkShape(op, "N1", "scale and bias", {input.getShape().back()},
                          value)))
      return failure();
  auto isF64 = [](Type type) { return getElementTypeOrSelf(type).isF64(); };
  SmallVector<Type> types(op->getOperandTypes());
  llvm::append_range(types, op->getResultTypes());
  if (llvm::any_of(types, isF64) && !llvm::all_of(types, isF64))
    return op->emitOpError("(N3) expects f64 everywhere or nowhere, got ")
           << op->getOperandTypes() << " and " << result.getType();
  return checkShape(op, "N2", "a result", input.getShape(), result);
}

LogicalResult LayerNormOp::verify() {
  if (failed(verifyEpsilon(*this, getEpsilon())))
    return failure();
  return verifyNorm(*this, {getScale(), getBias()}, getResult());
}
LogicalResult RmsNormOp::verify() {
  if (failed(verifyEpsilon(*this, getEpsilon())))
    return failure();
  return verifyNorm(*this, {getScale()}, getResult());
}

/// About this many operations for each element: two reductions, the
/// transcendental function or the affine map, and the arithmetic between.
static int64_t countRowFlops(Value input, int64_t each) {
  return tensorType(input).getNumElements() * each;
}

int64_t SoftmaxOp::getFlops() { return countRowFlops(getInput(), 5); }
int64_t LogSoftmaxOp::getFlops() { return countRowFlops(getInput(), 5); }
int64_t LayerNormOp::getFlops() { return countRowFlops(getInput(), 7); }
int64_t RmsNormOp::getFlops() { return countRowFlops(getInput(), 4); }

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

static LogicalResult verifyLossType(Operation *op) {
  Type element = tensorType(op->getResult(0)).getElementType();
  if (!element.isF32() && !element.isF64())
    return op->emitOpError("(E3) expects a loss of type tensor<f32>, got ")
           << op->getResult(0).getType();
  return success();
}

LogicalResult CrossEntropyOp::verify() {
  RankedTensorType logits = tensorType(getLogits());
  RankedTensorType labels = tensorType(getLabels());
  if (logits.getRank() != 2 || labels.getRank() != 1 ||
      logits.getDimSize(0) != labels.getDimSize(0))
    return emitOpError("(E1) expects logits (N, C) and labels (N), got ")
           << logits << " and " << labels;
  double smoothing = getLabelSmoothing().convertToDouble();
  if (!(smoothing >= 0.0 && smoothing < 1.0))
    return emitOpError("(E2) expects 0 <= label_smoothing < 1, got ")
           << smoothing;
  return verifyLossType(*this);
}

static LogicalResult verifyPairLoss(Operation *op) {
  if (tensorType(op->getOperand(0)).getShape() !=
      tensorType(op->getOperand(1)).getShape())
    return op->emitOpError("(E4) expects input and target of one shape, got ")
           << op->getOperand(0).getType() << " and "
           << op->getOperand(1).getType();
  return verifyLossType(op);
}

LogicalResult MseLossOp::verify() { return verifyPairLoss(*this); }
LogicalResult BceWithLogitsLossOp::verify() { return verifyPairLoss(*this); }

int64_t CrossEntropyOp::getFlops() { return countRowFlops(getLogits(), 6); }
int64_t MseLossOp::getFlops() { return countRowFlops(getInput(), 3); }
int64_t BceWithLogitsLossOp::getFlops() { return countRowFlops(getInput(), 6); }

//===----------------------------------------------------------------------===//
// Shape ops
//===----------------------------------------------------------------------===//

/// Whether `dims` is strictly increasing and within [0, rank).
static bool areValidDims(ArrayRef<int64_t> dims, int64_t rank) {
  int64_t previous = -1;
  for (int64_t dim : dims) {
    if (dim <= previous || dim >= rank)
      return false;
    previous = dim;
  }
  return true;
}

LogicalResult BroadcastOp::verify() {
  RankedTensorType input = tensorType(getInput()),
                   result = tensorType(getResult());
  if (int64_t(getDims().size()) != input.getRank() ||
      !areValidDims(getDims(), result.getRank()))
    return emitOpError("(B1) expects one strictly increasing result dim for "
                       "each input dim, got [")
           << getDims() << "] for " << input << " to " << result;
  for (auto [inputDim, resultDim] : llvm::enumerate(getDims())) {
    int64_t extent = input.getDimSize(inputDim);
    if (extent != 1 && extent != result.getDimSize(resultDim))
      return emitOpError("(B2) cannot repeat dim ")
             << inputDim << " of extent " << extent << " to extent "
             << result.getDimSize(resultDim);
  }
  if (input.getElementType() != result.getElementType())
    return emitOpError("(B3) expects one element type, got ")
           << input << " and " << result;
  return success();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType())
    return getInput();
  if (auto splat = dyn_cast_or_null<SplatElementsAttr>(adaptor.getInput()))
    return SplatElementsAttr::get(cast<ShapedType>(getType()),
                                  splat.getSplatValue<Attribute>());
  return {};
}

LogicalResult ReduceOp::verify() {
  RankedTensorType input = tensorType(getInput());
  if (!areValidDims(getDims(), input.getRank()))
    return emitOpError("(R1) expects strictly increasing dims within the "
                       "input's rank, got [")
           << getDims() << "] for " << input;
  SmallVector<int64_t> expected;
  for (int64_t dim = 0; dim < input.getRank(); ++dim)
    if (!llvm::is_contained(getDims(), dim))
      expected.push_back(input.getDimSize(dim));
  return checkShape(*this, "R2", "a result", expected, getResult());
}

int64_t ReduceOp::getFlops() { return tensorType(getInput()).getNumElements(); }

LogicalResult TransposeOp::verify() {
  RankedTensorType input = tensorType(getInput()),
                   result = tensorType(getResult());
  SmallVector<int64_t> sorted(getPermutation());
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, input.getRank())))
    return emitOpError("(T1) expects a permutation of the input's dims, got [")
           << getPermutation() << "] for " << input;
  if (input.getElementType() != result.getElementType())
    return emitOpError("(T2) expects one element type, got ")
           << input << " and " << result;
  SmallVector<int64_t> expected;
  for (int64_t dim : getPermutation())
    expected.push_back(input.getDimSize(dim));
  return checkShape(*this, "T2", "a result", expected, getResult());
}

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  if (llvm::equal(getPermutation(),
                  llvm::seq<int64_t>(0, getPermutation().size())))
    return getInput();
  return {};
}

LogicalResult OneHotOp::verify() {
  RankedTensorType labels = tensorType(getLabels());
  RankedTensorType result = tensorType(getResult());
  if (labels.getRank() != 1 || result.getRank() != 2 ||
      labels.getDimSize(0) != result.getDimSize(0))
    return emitOpError("(H1) expects labels (N) and a result (N, C), got ")
           << labels << " and " << result;
  return success();
}

//===----------------------------------------------------------------------===//
// Gradient and optimizer
//===----------------------------------------------------------------------===//

LogicalResult GradientOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto callee = symbolTable.lookupNearestSymbolFrom<FunctionOpInterface>(
      *this, getCalleeAttr());
  if (!callee ||
      !llvm::equal(callee.getArgumentTypes(), getInputs().getTypes()))
    return emitOpError("(G1) expects '")
           << getCallee() << "' to be a function of the operands' types";
  SmallVector<Type> expected(callee.getResultTypes());
  auto loss = expected.empty() ? RankedTensorType()
                               : dyn_cast<RankedTensorType>(expected.front());
  if (!loss || loss.getRank() != 0 || !isa<FloatType>(loss.getElementType()))
    return emitOpError("(G2) expects the first result of '")
           << getCallee() << "', the loss, to be a rank-0 floating tensor";
  for (auto symbol : getWrt().getAsRange<FlatSymbolRefAttr>()) {
    auto global = symbolTable.lookupNearestSymbolFrom<ml_program::GlobalOp>(
        *this, symbol);
    auto type = global ? dyn_cast<RankedTensorType>(global.getType())
                       : RankedTensorType();
    if (!type || !global.getIsMutable() ||
        !isa<FloatType>(type.getElementType()))
      return emitOpError("(G3) expects '")
             << symbol.getValue()
             << "' to be a mutable global of floating type";
    expected.push_back(type);
  }
  if (!llvm::equal(expected, getResultTypes()))
    return emitOpError("(G4) expects ")
           << expected.size() << " results: those of '" << getCallee()
           << "', then one gradient for each global, of its type";
  if (int64_t(getMicroBatches()) < 1)
    return emitOpError("(G5) expects micro_batches of 1 or more, got ")
           << int64_t(getMicroBatches());
  return success();
}

LogicalResult ClipByGlobalNormOp::verify() {
  if (getGradients().empty() || !isPositive(getMaxNorm().convertToDouble()))
    return emitOpError("(C1) expects at least one gradient and a max_norm "
                       "above 0, a normal number of f32, got ")
           << getGradients().size() << " and "
           << getMaxNorm().convertToDouble();
  if (getClipped().size() != getGradients().size())
    return emitOpError("(C2) expects a clipped value for each gradient");
  for (auto [gradient, clipped] : llvm::zip(getGradients(), getClipped()))
    if (tensorType(gradient).getShape() != tensorType(clipped).getShape() ||
        !tensorType(clipped).getElementType().isF32())
      return emitOpError(
                 "(C2) expects an f32 value of its gradient's shape, got ")
             << clipped.getType() << " for " << gradient.getType();
  return success();
}

LogicalResult LearningRateOp::verify() {
  int64_t warmup = getWarmupSteps(), total = getTotalSteps();
  if (warmup < 0 || (getSchedule() != Schedule::Constant && total <= warmup))
    return emitOpError("(S2) expects 0 <= warmup_steps < total_steps, got ")
           << warmup << " and " << total;
  double base = getBase().convertToDouble();
  double final = getFinal().convertToDouble();
  if (!isRate(base) || !isRate(final))
    return emitOpError("(S3) expects rates of 0 or more, finite in f32, got "
                       "base ")
           << base << " and final " << final;
  return success();
}

unsigned UpdateOp::getStateCount(Attribute optimizer) {
  if (auto sgd = dyn_cast<SgdAttr>(optimizer))
    return sgd.getMomentum() == 0.0 ? 0 : 1;
  return 2;
}

LogicalResult UpdateOp::verify() {
  ArrayRef<int64_t> shape = tensorType(getParameter()).getShape();
  SmallVector<Value> values{getGradient(), getNewParameter()};
  llvm::append_range(values, getStates());
  llvm::append_range(values, getNewStates());
  for (Value value : values)
    if (failed(checkShape(*this, "U1", "gradient and states", shape, value)))
      return failure();
  unsigned count = getStateCount(getOptimizer());
  if (getStates().size() != count || getNewStates().size() != count)
    return emitOpError("(U2) expects ")
           << count << " states for this optimizer, got " << getStates().size()
           << " and " << getNewStates().size() << " results";
  return verifyOptimizer(*this, getOptimizer());
}

//===----------------------------------------------------------------------===//
// Fusion
//===----------------------------------------------------------------------===//

LogicalResult FusionOp::verify() {
  Block &body = getBody().front();
  auto yield = dyn_cast<YieldOp>(body.back());
  if (!yield || !llvm::equal(body.getArgumentTypes(), getInputs().getTypes()) ||
      !llvm::equal(yield.getOperandTypes(), getResultTypes()))
    return emitOpError("(F1) expects block arguments of the inputs' types and "
                       "yielded values of the results' types");
  for (Operation &op : body.without_terminator()) {
    StringRef dialect = op.getName().getDialectNamespace();
    bool isPrimitive = isa<BroadcastOp, ReduceOp, OneHotOp, IotaOp>(op) ||
                       dialect == "arith" || dialect == "math" ||
                       dialect == "tensor";
    if (!isPrimitive)
      return emitOpError("(F2) cannot hold '") << op.getName() << "'";
    auto reduce = dyn_cast<ReduceOp>(op);
    if (reduce && getSchedule() == FusionSchedule::Flat)
      return emitOpError("(F3) a flat fusion cannot hold a reduction");
  }
  return success();
}
