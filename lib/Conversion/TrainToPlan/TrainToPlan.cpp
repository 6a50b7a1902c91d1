//===- TrainToPlan.cpp - Entry functions to the calls of a plan
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bufferization for value-semantic, straight-line entries: each SSA tensor gets
// one buffer, states are updated in place where that is safe, and every op
// turns into one runtime call. Precondition: the `codegen` stage.
//
//===----------------------------------------------------------------------===//

#include "KernelTable.h"
#include "StateHazards.h"

#include "vernier/Conversion/Passes.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Target/IR/TargetDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

namespace vernier {
#define GEN_PASS_DEF_CONVERTTRAINTOPLANPASS
#include "vernier/Conversion/Passes.h.inc"
} // namespace vernier

using namespace mlir;
using namespace vernier;

static plan::BufferType bufferType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return plan::BufferType::get(type.getContext(), tensor.getShape(),
                               tensor.getElementType());
}

/// Whether a buffer can hold values of this type.
static bool isBuffer(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() &&
         tensor.getElementType().isIntOrFloat();
}

/// An entry is one list of calls on buffers. Constants are checked where they
/// are converted: the value of a padding is a scalar.
static LogicalResult checkEntry(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return function.emitError("'@")
           << function.getSymName() << "' has " << function.getBlocks().size()
           << " blocks; expected one, without branches";
  auto check = [](Location loc, ValueRange values) -> LogicalResult {
    for (Type type : values.getTypes())
      if (!isBuffer(type))
        return emitError(loc, "a buffer cannot hold ")
               << type << "; expected a tensor of static shape";
    return success();
  };
  if (failed(check(function.getLoc(), function.getArguments())))
    return failure();
  for (Operation &op : function.getBody().front())
    if (!isa<arith::ConstantOp>(op) &&
        failed(check(op.getLoc(), op.getResults())))
      return failure();
  return success();
}

/// Whether oneDNN 2.6 packs the operands of an m x n product on AVX2; if not it
/// reads them in place, which takes up to 2.5 times as long
/// (Runtime/Host/Matmul.cpp).
static bool packsOperands(int64_t m, int64_t n) {
  return 1.0 / m + 1.0 / n < 0.0038;
}

/// Tiles of the result that a contraction is cut into: about eight, so that a
/// few threads balance, but large enough that the library works at full speed.
/// Depends on the extents alone, and so do the bits of the result. A square is
/// cut into rows, which are contiguous.
static std::pair<int64_t, int64_t> chooseTile(int64_t m, int64_t n, int64_t k) {
  constexpr int64_t kSmallWork = int64_t(1) << 20; // multiply-adds
  if (m * n * k <= kSmallWork)
    return {m, n};
  int64_t whole = std::min(m, n), extent = std::max(m, n);
  int64_t tile = std::max<int64_t>((extent + 7) / 8, 32);
  tile = std::min(extent, (tile + 15) / 16 * 16); // whole vectors
  while (tile < extent && packsOperands(whole, extent) &&
         !packsOperands(whole, tile))
    tile = std::min(extent, tile + 16);
  return n > m ? std::make_pair(m, tile) : std::make_pair(tile, n);
}

/// The number of classes if `argument` holds class indices (it feeds a
/// one-hot or chooses rows). Padding notes how many there were before.
static std::optional<int64_t> findClassCount(BlockArgument argument) {
  auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
  if (auto classes = function.getArgAttrOfType<IntegerAttr>(
          argument.getArgNumber(), train::kClassesAttr))
    return classes.getInt();
  for (OpOperand &use : argument.getUses()) {
    auto gather = dyn_cast<train::GatherOp>(use.getOwner());
    if (gather && argument == gather.getIndices())
      return cast<RankedTensorType>(gather.getTable().getType()).getDimSize(0);
    auto fusion = dyn_cast<train::FusionOp>(use.getOwner());
    if (!fusion)
      continue;
    Value inner = fusion.getBody().getArgument(use.getOperandNumber());
    for (Operation *user : inner.getUsers())
      if (auto oneHot = dyn_cast<train::OneHotOp>(user))
        return cast<RankedTensorType>(oneHot.getType()).getDimSize(1);
  }
  return std::nullopt;
}

/// What data and messages call a result: the loss so, if nothing else says so.
static std::string getResultName(func::FuncOp function, unsigned index) {
  auto getName = [&](unsigned i) {
    return function.getResultAttrOfType<StringAttr>(i, train::kNameAttr);
  };
  if (StringAttr name = getName(index))
    return name.str();
  auto isLoss = [&](unsigned i) { return getName(i) && getName(i) == "loss"; };
  bool hasLoss = llvm::is_contained({"loss", "step", "accumulate"},
                                    function.getSymName()) &&
                 llvm::none_of(llvm::seq(function.getNumResults()), isLoss);
  return index == 0 && hasLoss ? "loss" : "result" + std::to_string(index);
}

/// Images for each call of the library: about eight tiles, so that a few
/// threads balance. Depends on the extents alone, and so do the bits of the
/// result.
static int64_t chooseImageTile(int64_t images) { return (images + 7) / 8; }

/// Where the elements of the result of a pad with zeros or of a slice without
/// strides come from: element i is that of the source at i + offset.
static std::optional<SmallVector<int64_t>> getResizeOffset(Operation *op) {
  auto isDynamic = [](int64_t value) { return ShapedType::isDynamic(value); };
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    Value padding = pad.getConstantPaddingValue();
    bool isZero = padding && (matchPattern(padding, m_AnyZeroFloat()) ||
                              matchPattern(padding, m_Zero()));
    if (!isZero || llvm::any_of(pad.getStaticLow(), isDynamic))
      return std::nullopt;
    return llvm::map_to_vector(pad.getStaticLow(),
                               [](int64_t low) { return -low; });
  }
  auto slice = cast<tensor::ExtractSliceOp>(op);
  bool hasStrides = llvm::any_of(slice.getStaticStrides(),
                                 [](int64_t stride) { return stride != 1; });
  if (slice.getSourceType().getRank() != slice.getType().getRank() ||
      hasStrides || llvm::any_of(slice.getStaticOffsets(), isDynamic))
    return std::nullopt;
  return llvm::to_vector(slice.getStaticOffsets());
}

/// The slice that defines `operand` of a contraction if that can read the real
/// rows where they are, by a leading dimension: the first elements of rows, and
/// the first rows of a single matrix.
static tensor::ExtractSliceOp getStridedOperand(OpOperand &operand) {
  auto slice = operand.get().getDefiningOp<tensor::ExtractSliceOp>();
  auto contraction = dyn_cast<ContractionOpInterface>(operand.getOwner());
  if (!slice || !contraction || !contraction.isMatrixProduct() ||
      !slice.hasZeroOffset() || !slice.hasUnitStride() ||
      slice.getSourceType().getRank() != slice.getType().getRank())
    return {};
  ArrayRef<int64_t> source = slice.getSourceType().getShape(),
                    result = slice.getType().getShape();
  if (source.drop_back() == result.drop_back())
    return slice;
  bool isMatrix = llvm::all_of(source.drop_back(2),
                               [](int64_t extent) { return extent == 1; });
  return isMatrix && source.drop_back(2) == result.drop_back(2)
             ? slice
             : tensor::ExtractSliceOp();
}

/// Whether `slice` is the first elements of its source in memory: only the
/// outermost dim that is not 1 is cut.
static bool isPrefix(tensor::ExtractSliceOp slice) {
  if (!slice.hasZeroOffset() || !slice.hasUnitStride() ||
      slice.getSourceType().getRank() != slice.getType().getRank())
    return false;
  ArrayRef<int64_t> source = slice.getSourceType().getShape(),
                    result = slice.getType().getShape();
  while (!source.empty() && source.front() == 1) {
    source = source.drop_front();
    result = result.drop_front();
  }
  return source.empty() || source.drop_front() == result.drop_front();
}

/// Whether `op` belongs to the backward part: it or, for a fusion, something in
/// it was built by reverse mode.
static bool isBackward(Operation *op) {
  if (op->hasAttr(train::kBackwardAttr))
    return true;
  auto fusion = dyn_cast<train::FusionOp>(op);
  return fusion && llvm::any_of(fusion.getBody().front(), [](Operation &inner) {
           return inner.hasAttr(train::kBackwardAttr);
         });
}

/// Whether the backward part reads `value`, also under another shape.
static bool isReadByBackward(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(user))
      return isReadByBackward(user->getResult(0));
    return isBackward(user);
  });
}

namespace {

/// Converts one function into one entry.
class EntryConverter {
public:
  EntryConverter(func::FuncOp function, KernelTable &kernels,
                 const TargetModel &target)
      : function(function), kernels(kernels), target(target), hazards(function),
        builder(function.getContext()) {}

  LogicalResult convert() {
    builder.setInsertionPoint(function);
    auto entry = plan::EntryOp::create(builder, function.getLoc(),
                                       function.getNameAttr(),
                                       builder.getI64IntegerAttr(-1));
    builder.setInsertionPointToStart(&entry.getBody().emplaceBlock());
    convertArguments();
    for (Operation &op : function.getBody().front())
      if (failed(convertOp(&op)))
        return failure();
    return success();
  }

private:
  void convertArguments() {
    for (BlockArgument argument : function.getArguments()) {
      unsigned index = argument.getArgNumber();
      auto name =
          function.getArgAttrOfType<StringAttr>(index, train::kNameAttr);
      std::string fallback = "arg" + std::to_string(index);
      auto input = plan::InputOp::create(
          builder, argument.getLoc(), bufferType(argument.getType()),
          name ? name : builder.getStringAttr(fallback), IntegerAttr(),
          builder.getI64IntegerAttr(-1), UnitAttr());
      input.setSaved(isReadByBackward(argument));
      if (std::optional<int64_t> classes = findClassCount(argument))
        input.setClasses(*classes);
      buffers.map(argument, input.getBuffer());
    }
  }

  LogicalResult convertOp(Operation *op) {
    if (auto load = dyn_cast<ml_program::GlobalLoadOp>(op))
      return convertLoad(load);
    if (auto store = dyn_cast<ml_program::GlobalStoreOp>(op))
      return convertStore(store);
    if (auto fusion = dyn_cast<train::FusionOp>(op))
      return convertFusion(fusion);
    if (auto conv = dyn_cast<train::Conv2dOp>(op))
      return convertConvolution(conv, "output");
    if (auto conv = dyn_cast<train::Conv2dInputGradientOp>(op))
      return convertConvolution(conv, "image");
    if (auto conv = dyn_cast<train::Conv2dWeightGradientOp>(op))
      return convertConvolution(conv, "weight");
    if (auto pool = dyn_cast<train::Pool2dOp>(op))
      return convertPool(pool, pool.getInput(), Value());
    if (auto pool = dyn_cast<train::Pool2dGradientOp>(op))
      return convertPool(pool, pool.getGradient(), pool.getInput());
    if (auto gather = dyn_cast<train::GatherOp>(op))
      return convertGather(gather, gather.getTable(), gather.getTable());
    if (auto scatter = dyn_cast<train::ScatterAddOp>(op))
      return convertGather(scatter, scatter.getUpdates(), scatter.getResult());
    if (auto concat = dyn_cast<tensor::ConcatOp>(op))
      return convertConcat(concat);
    if (auto contraction = dyn_cast<ContractionOpInterface>(op))
      return convertContraction(contraction);
    if (auto transpose = dyn_cast<train::TransposeOp>(op))
      return convertTranspose(transpose);
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
      return convertReshape(op);
    if (isa<tensor::PadOp, tensor::ExtractSliceOp>(op))
      return convertResize(op);
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      return convertConstant(constant);
    if (auto ret = dyn_cast<func::ReturnOp>(op))
      return convertReturn(ret);
    return op->emitError("no runtime call for '")
           << op->getName() << "'; run --train-form-fusions first";
  }

  /// The buffer that `value` is computed into: the state it is stored to where
  /// that is safe, else a new range of the arena.
  Value getResultBuffer(Value value) {
    if (FlatSymbolRefAttr state = hazards.getInPlaceState(value)) {
      Value buffer = getStateBuffer(state, value.getType(), value.getLoc());
      buffers.map(value, buffer);
      return buffer;
    }
    auto alloc = plan::AllocOp::create(
        builder, value.getLoc(), bufferType(value.getType()),
        builder.getI64IntegerAttr(-1), UnitAttr());
    alloc.setSaved(!isBackward(value.getDefiningOp()) &&
                   isReadByBackward(value));
    buffers.map(value, alloc.getBuffer());
    return alloc.getBuffer();
  }

  Value getStateBuffer(FlatSymbolRefAttr state, Type type, Location loc) {
    return plan::StateBufferOp::create(builder, loc, bufferType(type), state);
  }

  /// `call` carries whether it belongs to the backward part.
  LogicalResult finish(Operation *call, Operation *source) {
    if (isBackward(source))
      call->setAttr("backward", builder.getUnitAttr());
    return success();
  }

  LogicalResult convertLoad(ml_program::GlobalLoadOp load) {
    auto symbol =
        FlatSymbolRefAttr::get(load.getGlobalAttr().getLeafReference());
    Value state = getStateBuffer(symbol, load.getType(), load.getLoc());
    if (!hazards.needsSnapshot(load)) {
      buffers.map(load.getResult(), state);
      return success();
    }
    auto alloc = plan::AllocOp::create(
        builder, load.getLoc(), bufferType(load.getType()),
        builder.getI64IntegerAttr(-1), UnitAttr());
    plan::CopyOp::create(builder, load.getLoc(), state, alloc.getBuffer(),
                         ArrayRef<int64_t>(), /*keep=*/false);
    buffers.map(load.getResult(), alloc.getBuffer());
    return success();
  }

  LogicalResult convertStore(ml_program::GlobalStoreOp store) {
    if (hazards.isInPlace(store))
      return success();
    auto symbol =
        FlatSymbolRefAttr::get(store.getGlobalAttr().getLeafReference());
    Value state =
        getStateBuffer(symbol, store.getValue().getType(), store.getLoc());
    plan::CopyOp::create(builder, store.getLoc(),
                         buffers.lookup(store.getValue()), state,
                         ArrayRef<int64_t>(), /*keep=*/false);
    return success();
  }

  LogicalResult convertFusion(train::FusionOp fusion) {
    KernelTable::Kernel kernel =
        kernels.add(fusion, function.getSymName(), target);
    SmallVector<Value> inputs, outputs;
    for (Value input : fusion.getInputs())
      inputs.push_back(buffers.lookup(input));
    for (Value output : fusion.getOutputs())
      outputs.push_back(getResultBuffer(output));
    auto launch = plan::LaunchOp::create(
        builder, fusion.getLoc(), builder.getStringAttr(kernel.name), inputs,
        outputs, builder.getI64IntegerAttr(kernel.grid),
        builder.getI64IntegerAttr(kernel.grain));
    return finish(launch, fusion);
  }

  LogicalResult convertContraction(ContractionOpInterface op) {
    ContractionDims dims = op.getContractionDims();
    int64_t lhsLd = dims.transposeLhs ? dims.m : dims.k;
    int64_t rhsLd = dims.transposeRhs ? dims.k : dims.n;
    Value lhs = readMatrix(op.getLhsOperand(), lhsLd);
    Value rhs = readMatrix(op.getRhsOperand(), rhsLd);
    Value bias;
    if (op.getContractionBias()) {
      int64_t unused = 0;
      bias = readMatrix(op->getOpOperands().back(), unused);
    }
    Value result = getResultBuffer(op->getResult(0));
    auto [tileM, tileN] = chooseTile(dims.m, dims.n, dims.k);
    auto epilogue = op->getAttrOfType<train::EpilogueAttr>("epilogue");
    bool relu = epilogue && epilogue.getValue() == train::Epilogue::Relu;
    auto matmul = plan::MatmulOp::create(
        builder, op->getLoc(), lhs, rhs, bias, result, dims.batch, dims.m,
        dims.n, dims.k, dims.transposeLhs, dims.transposeRhs, dims.sharedRhs,
        lhsLd, rhsLd, /*result_ld=*/dims.n, tileM, tileN, relu);
    return finish(matmul, op);
  }

  /// The buffer of an operand, whose rows are `ld` elements apart; that of what
  /// it is a slice of, where the slice is no copy.
  Value readMatrix(OpOperand &operand, int64_t &ld) {
    tensor::ExtractSliceOp slice = getStridedOperand(operand);
    if (!slice)
      return buffers.lookup(operand.get());
    ld = slice.getSourceType().getShape().back();
    return buffers.lookup(slice.getSource());
  }

  LogicalResult convertTranspose(train::TransposeOp transpose) {
    Value source = buffers.lookup(transpose.getInput());
    Value result = getResultBuffer(transpose.getResult());
    auto call = plan::TransposeOp::create(builder, transpose.getLoc(), source,
                                          result, transpose.getPermutation());
    return finish(call, transpose);
  }

  LogicalResult convertReshape(Operation *op) {
    Value source = buffers.lookup(op->getOperand(0));
    auto view = plan::ViewOp::create(
        builder, op->getLoc(), bufferType(op->getResult(0).getType()), source);
    buffers.map(op->getResult(0), view.getBuffer());
    return success();
  }

  /// `kind` is the one of image, weight and output that `op` computes.
  template <typename OpTy>
  LogicalResult convertConvolution(OpTy op, StringRef kind) {
    train::Convolution c = op.getConvolution();
    Value lhs = buffers.lookup(op->getOperand(0)),
          rhs = buffers.lookup(op->getOperand(1)),
          result = getResultBuffer(op.getResult());
    Value image = kind == "image" ? result : lhs,
          output = kind == "output"  ? result
                   : kind == "image" ? lhs
                                     : rhs,
          weight = kind == "weight" ? result : rhs;
    auto call = plan::ConvolutionOp::create(
        builder, op.getLoc(), kind, image, weight, output, c.strides, c.padding,
        c.dilation, c.groups, chooseImageTile(c.image.getDimSize(0)));
    return finish(call, op);
  }

  template <typename OpTy>
  LogicalResult convertPool(OpTy op, Value source, Value image) {
    SmallVector<int64_t> window;
    if (!op.getAdaptive())
      window.assign(op.getWindow().begin(), op.getWindow().end());
    auto call = plan::PoolOp::create(
        builder, op.getLoc(), train::stringifyPoolKind(op.getKind()),
        buffers.lookup(source), image ? buffers.lookup(image) : Value(),
        getResultBuffer(op.getResult()), window, op.getStrides(),
        op.getPadding(), std::is_same_v<OpTy, train::Pool2dGradientOp>);
    return finish(call, op);
  }

  /// `table` is the operand or result whose rows are chosen.
  template <typename OpTy>
  LogicalResult convertGather(OpTy op, Value source, Value table) {
    auto call = plan::GatherOp::create(
        builder, op.getLoc(), buffers.lookup(source),
        buffers.lookup(op.getIndices()), getResultBuffer(op.getResult()),
        cast<RankedTensorType>(table.getType()).getDimSize(0),
        std::is_same_v<OpTy, train::ScatterAddOp>);
    return finish(call, op);
  }

  /// Padding with zeros and slices are copies into another size.
  LogicalResult convertResize(Operation *op) {
    bool isRead = llvm::any_of(
        op->getUses(), [](OpOperand &use) { return !getStridedOperand(use); });
    if (!isRead && !op->use_empty())
      return success();
    auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
    if (slice && isPrefix(slice))
      return convertReshape(op);
    std::optional<SmallVector<int64_t>> offset = getResizeOffset(op);
    if (!offset)
      return op->emitError("expects padding by static extents of zeros, or a "
                           "static slice of the same rank without strides");
    if (llvm::all_of(*offset, [](int64_t value) { return value == 0; }))
      offset->clear();
    auto copy = plan::CopyOp::create(
        builder, op->getLoc(), buffers.lookup(op->getOperand(0)),
        getResultBuffer(op->getResult(0)), *offset, /*keep=*/false);
    return finish(copy, op);
  }

  /// Each operand is copied to its place.
  LogicalResult convertConcat(tensor::ConcatOp op) {
    Value result = getResultBuffer(op.getResult());
    SmallVector<int64_t> offset(op.getResultType().getRank(), 0);
    for (Value operand : op.getInputs()) {
      auto copy =
          plan::CopyOp::create(builder, op.getLoc(), buffers.lookup(operand),
                               result, offset, /*keep=*/true);
      if (failed(finish(copy, op)))
        return failure();
      offset[op.getDim()] -=
          cast<RankedTensorType>(operand.getType()).getDimSize(op.getDim());
    }
    return success();
  }

  LogicalResult convertConstant(arith::ConstantOp constant) {
    bool isPadding = llvm::all_of(constant->getUsers(), [](Operation *user) {
      return isa<tensor::YieldOp>(user);
    });
    auto elements = dyn_cast<ElementsAttr>(constant.getValue());
    if (!elements && isPadding && !constant->use_empty())
      return success(); // the value of a pad, checked there
    if (!elements)
      return constant.emitError("expects a tensor constant in an entry, got ")
             << constant.getType();
    auto op = plan::ConstantOp::create(
        builder, constant.getLoc(), bufferType(constant.getType()), elements);
    buffers.map(constant.getResult(), op.getBuffer());
    return success();
  }

  LogicalResult convertReturn(func::ReturnOp ret) {
    for (OpOperand &operand : ret->getOpOperands()) {
      unsigned index = operand.getOperandNumber();
      plan::OutputOp::create(
          builder, ret.getLoc(),
          builder.getStringAttr(getResultName(function, index)),
          buffers.lookup(operand.get()));
    }
    return success();
  }

  func::FuncOp function;
  KernelTable &kernels;
  const TargetModel &target;
  StateHazards hazards;
  OpBuilder builder;
  IRMapping buffers;
};

struct ConvertTrainToPlanPass
    : vernier::impl::ConvertTrainToPlanPassBase<ConvertTrainToPlanPass> {
  using ConvertTrainToPlanPassBase::ConvertTrainToPlanPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<const TargetModel *> target = getDeviceTarget(module);
    if (failed(target))
      return signalPassFailure();
    for (auto global : module.getOps<ml_program::GlobalOp>())
      if (!isBuffer(global.getType())) {
        global.emitError("a state cannot hold ")
            << global.getType() << "; expected a tensor of static shape";
        return signalPassFailure();
      }
    for (auto function : module.getOps<func::FuncOp>())
      if (failed(checkEntry(function)))
        return signalPassFailure();
    convertGlobals(module);
    KernelTable kernels(module);
    for (auto function :
         llvm::make_early_inc_range(module.getOps<func::FuncOp>())) {
      if (failed(EntryConverter(function, kernels, **target).convert()))
        return signalPassFailure();
      function.erase();
    }
    for (auto global :
         llvm::make_early_inc_range(module.getOps<ml_program::GlobalOp>()))
      global.erase();
  }

  /// plan.state for each global, before it and under its name.
  void convertGlobals(ModuleOp module) {
    for (auto global : module.getOps<ml_program::GlobalOp>()) {
      OpBuilder builder(global);
      auto role = global->getAttrOfType<StringAttr>(train::kRoleAttr);
      plan::StateOp::create(
          builder, global.getLoc(), global.getSymNameAttr(),
          role ? role : builder.getStringAttr(train::kFrozenRole),
          TypeAttr::get(bufferType(global.getType())), global.getValueAttr(),
          global->getAttrOfType<FlatSymbolRefAttr>(train::kCopyOfAttr),
          builder.getI64IntegerAttr(-1),
          global->getAttrOfType<DenseI64ArrayAttr>(train::kLogicalShapeAttr),
          global->getAttrOfType<ArrayAttr>(train::kLabelsAttr));
    }
  }
};

} // namespace
