//===- PadForTensorCores.cpp - Aligns the leading dimensions of contractions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensor cores want rows that begin at multiples of 16 bytes, so it is the last
// dim of each operand and of the result that counts (its leading dimension): K
// and N, or M where the left operand is stored transposed. Zeros are padded
// behind those dims and cut off again; a zero adds nothing to a sum, so the
// real rows keep their values. PaddingPropagation then removes the pads and
// slices that can be removed. Precondition: decided and materialised types.
//
//===----------------------------------------------------------------------===//

#include "PaddedShapes.h"
#include "PaddingCost.h"
#include "PaddingPropagation.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Dialect/Train/IR/Convolution.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Target/IR/TargetDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Utils/Utils.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

namespace vernier::amp {
#define GEN_PASS_DEF_AMPPADFORTENSORCORESPASS
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"
} // namespace vernier::amp

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

namespace {

/// One extent of a contraction: what it is, what it shall be.
struct Extent {
  char name;
  int64_t size;
  /// Whether it is the last dim of an operand or of the result.
  bool isLeadingDimension = false;
  int64_t padded = 0;
};

/// The extents of one contraction.
struct Extents {
  Extent m, n, k;

  explicit Extents(const ContractionDims &dims)
      : m{'M', dims.m}, n{'N', dims.n}, k{'K', dims.k} {
    n.isLeadingDimension = true; // of the result
    (dims.transposeLhs ? m : k).isLeadingDimension = true;
    (dims.transposeRhs ? k : n).isLeadingDimension = true;
  }
  std::array<Extent *, 3> all() { return {&m, &n, &k}; }
};

struct ChannelProblem;

/// Pads the contractions of one module.
class Padder {
public:
  /// `multiple` of 0: what the target asks for. `always`: whatever it costs.
  Padder(const TargetModel &target, int64_t multiple, bool always,
         PaddingPropagation &padding)
      : target(target), multiple(multiple), always(always), padding(padding) {}

  void pad(ContractionOpInterface op);

private:
  int64_t getMultiple(ContractionOpInterface op) const;
  bool choose(ContractionOpInterface op, Extents &extents, int64_t multiple);
  void padChannels(ContractionOpInterface op);
  double estimateChannels(ContractionOpInterface op,
                          const ChannelProblem &problem, int64_t in,
                          int64_t out) const;
  Value createPadded(ContractionOpInterface op, Extents &extents);

  const TargetModel &target;
  int64_t multiple;
  bool always;
  PaddingPropagation &padding;
};

} // namespace

/// What is multiplied: f32 operands that the op rounds first are tf32.
static FloatType getOperandType(ContractionOpInterface op) {
  if (op->hasAttr("tf32"))
    return FloatTF32Type::get(op->getContext());
  return getAutocastElementType(op.getLhsOperand().get().getType());
}

static remark::RemarkOpts remarkOptions(Operation *op) {
  auto function = op->getParentOfType<FunctionOpInterface>();
  return remark::RemarkOpts::name(op->getName().getStringRef())
      .category("amp-pad-for-tensor-cores")
      .function(function ? function.getName() : "");
}

/// 1 where alignment has nothing to give.
int64_t Padder::getMultiple(ContractionOpInterface op) const {
  FloatType type = getOperandType(op);
  if (!type || type.isF32())
    return 1;
  return multiple > 0 ? multiple : target.getLeadingDimensionMultiple(type);
}

/// The shape of a matrix (batch..., rows, columns) with its last dims padded.
static SmallVector<int64_t> padLastDims(Value matrix, const Extent &row,
                                        const Extent &column) {
  auto shape =
      llvm::to_vector(cast<RankedTensorType>(matrix.getType()).getShape());
  shape.back() = column.padded;
  // The rows of a linear's input are several dims, which are never padded.
  if (row.padded != row.size)
    shape[shape.size() - 2] = row.padded;
  return shape;
}

/// The contraction on padded operands, cut back to the real rows and columns.
Value Padder::createPadded(ContractionOpInterface op, Extents &extents) {
  ContractionDims dims = op.getContractionDims();
  auto &[m, n, k] = extents;
  OpOperand &lhs = op.getLhsOperand(), &rhs = op.getRhsOperand();
  OpBuilder builder(op);
  Operation *padded = builder.clone(*op);
  auto setOperand = [&](OpOperand &operand, ArrayRef<int64_t> shape) {
    padded->setOperand(operand.getOperandNumber(),
                       padding.createPad(operand.get(), shape));
  };
  setOperand(lhs, dims.transposeLhs ? padLastDims(lhs.get(), k, m)
                                    : padLastDims(lhs.get(), m, k));
  setOperand(rhs, dims.transposeRhs ? padLastDims(rhs.get(), n, k)
                                    : padLastDims(rhs.get(), k, n));
  if (op.getContractionBias())
    setOperand(op->getOpOperands().back(), {n.padded});

  Value result = op->getResult(0);
  auto type = cast<RankedTensorType>(result.getType());
  padded->getResult(0).setType(type.clone(padLastDims(result, m, n)));
  if (padded->getResult(0).getType() == type)
    return padded->getResult(0);
  // Zeros times zeros; a bias reaches rows that padding added, too.
  bool isZero = !op.getContractionBias() || m.padded == m.size;
  return padding.createSlice(padded->getResult(0), type,
                             isZero ? PaddedLanes::zero(type.getElementType())
                                    : PaddedLanes::unknown());
}

/// Whether only a copy can pad `value`: data, and what a pool or the like
/// writes.
static bool needsCopy(Value value) {
  // What a padded contraction is cut back to: the cut is cancelled.
  if (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>())
    if (auto contraction =
            slice.getSource().getDefiningOp<ContractionOpInterface>())
      return !contraction->hasAttr(kAlignmentAttr);
  auto fusible = dyn_cast_or_null<FusionOpInterface>(value.getDefiningOp());
  if (isa_and_nonnull<ml_program::GlobalLoadOp>(value.getDefiningOp()))
    return false;
  if (!fusible)
    return true;
  return fusible.getFusionKind() == FusionKind::Opaque ||
         (fusible.getFusionKind() == FusionKind::Call &&
          !canComputePadded(value.getDefiningOp()));
}

static bool isReturned(Operation *op) {
  return llvm::any_of(op->getUsers(), [](Operation *user) {
    return user->hasTrait<OpTrait::IsTerminator>();
  });
}

static PaddingProblem describe(ContractionOpInterface op, int64_t multiple) {
  PaddingProblem problem;
  problem.dims = op.getContractionDims();
  problem.operandType = getOperandType(op);
  problem.operandBytes =
      getElementTypeOrSelf(op.getLhsOperand().get()).getIntOrFloatBitWidth() /
      8;
  problem.resultBytes =
      (getElementTypeOrSelf(op->getResult(0)).getIntOrFloatBitWidth() + 7) / 8;
  problem.copiesLhs = needsCopy(op.getLhsOperand().get());
  problem.copiesRhs = needsCopy(op.getRhsOperand().get());
  problem.copiesResult = isReturned(op);
  problem.multiple = multiple;
  return problem;
}

/// Say that `op` stays as it is, or in part, and why.
static void leave(ContractionOpInterface op, const std::string &reason) {
  op->setAttr(kUnalignedAttr, StringAttr::get(op->getContext(), reason));
  remark::missed(op->getLoc(), remarkOptions(op))
      << remark::add("not padded: {0}", reason);
}

static std::string formatMicroseconds(double seconds) {
  return llvm::formatv("{0:F2} us", seconds * 1e6).str();
}

/// Ask the cost model which dims to pad. False, with a remark, if none.
bool Padder::choose(ContractionOpInterface op, Extents &extents,
                    int64_t multiple) {
  auto &[m, n, k] = extents;
  PaddingProblem problem = describe(op, multiple);
  double seconds = estimateSeconds(target, problem, m.size, n.size, k.size);
  PaddedExtents chosen = choosePadding(target, problem);
  bool isPadded = std::tie(chosen.m, chosen.n, chosen.k) !=
                  std::tie(m.size, n.size, k.size);
  if (!isPadded) {
    double padded =
        estimateSeconds(target, problem, m.padded, n.padded, k.padded);
    leave(op, llvm::formatv("about {0} as it is, {1} with all leading "
                            "dimensions padded, on {2}",
                            formatMicroseconds(seconds),
                            formatMicroseconds(padded), target.getName()));
    return false;
  }
  m.padded = chosen.m;
  n.padded = chosen.n;
  k.padded = chosen.k;
  for (Extent *extent : extents.all())
    if (extent->isLeadingDimension && extent->padded % multiple != 0)
      op->setAttr(
          kUnalignedAttr,
          StringAttr::get(op->getContext(),
                          llvm::formatv("padding {0} does not pay on {1}",
                                        extent->name, target.getName())
                              .str()));
  remark::analysis(op->getLoc(), remarkOptions(op))
      << remark::add("padding pays: about {0} instead of {1} on {2}",
                     formatMicroseconds(chosen.seconds),
                     formatMicroseconds(seconds), target.getName().str());
  return true;
}

/// What changes, "N 10 -> 16, K 13 -> 16".
static std::string describeChanges(Extents &extents) {
  std::string changes;
  for (Extent *extent : extents.all())
    if (extent->padded != extent->size)
      changes += llvm::formatv("{0}{1} {2} -> {3}", changes.empty() ? "" : ", ",
                               extent->name, extent->size, extent->padded);
  return changes;
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

namespace {

/// A convolution, one of its gradients, and what its three tensors are.
struct ChannelProblem {
  enum Role { Image, Weight, Output };
  train::Convolution convolution;
  /// Of both operands, then of the result.
  std::array<Role, 3> roles;
  /// Channels of the image, of the output.
  int64_t in, out;

  static std::optional<ChannelProblem> get(Operation *op);
  SmallVector<int64_t> getShape(unsigned tensor, int64_t in, int64_t out) const;
};

} // namespace

std::optional<ChannelProblem> ChannelProblem::get(Operation *op) {
  auto make = [](train::Convolution c, std::array<Role, 3> roles) {
    return ChannelProblem{c, roles, c.image.getShape().back(),
                          c.output.getShape().back()};
  };
  if (auto conv = dyn_cast<train::Conv2dOp>(op))
    return make(conv.getConvolution(), {Image, Weight, Output});
  if (auto conv = dyn_cast<train::Conv2dInputGradientOp>(op))
    return make(conv.getConvolution(), {Output, Weight, Image});
  if (auto conv = dyn_cast<train::Conv2dWeightGradientOp>(op))
    return make(conv.getConvolution(), {Image, Output, Weight});
  return std::nullopt;
}

/// (N, H, W, C), (O, KH, KW, C) or (N, P, Q, O) with other channels.
SmallVector<int64_t> ChannelProblem::getShape(unsigned tensor, int64_t in,
                                              int64_t out) const {
  Role role = roles[tensor];
  RankedTensorType type = role == Image    ? convolution.image
                          : role == Weight ? convolution.weight
                                           : convolution.output;
  auto shape = llvm::to_vector(type.getShape());
  shape.back() = role == Output ? out : in;
  if (role == Weight)
    shape.front() = out;
  return shape;
}

/// The time of a convolution with `in` and `out` channels.
double Padder::estimateChannels(ContractionOpInterface op,
                                const ChannelProblem &problem, int64_t in,
                                int64_t out) const {
  Type type = getOperandType(op);
  int64_t multiple = target.getLeadingDimensionMultiple(type);
  std::array<Value, 3> values = {op->getOperand(0), op->getOperand(1),
                                 op->getResult(0)};
  std::array<TensorTraffic, 3> tensors;
  for (unsigned i = 0; i < 3; ++i) {
    double elementBytes =
        getElementTypeOrSelf(values[i]).getIntOrFloatBitWidth() / 8.0;
    SmallVector<int64_t> shape = problem.getShape(i, in, out);
    SmallVector<int64_t> real = problem.getShape(i, problem.in, problem.out);
    double bytes = elementBytes * ShapedType::getNumElements(shape);
    double realBytes = elementBytes * ShapedType::getNumElements(real);
    bool isCopied = i < 2 ? needsCopy(values[i]) : isReturned(op);
    tensors[i] = {bytes, shape.back() % multiple == 0,
                  isCopied && shape != real ? bytes + realBytes : 0};
  }
  double flops = 2.0 * problem.convolution.countProducts() / problem.in * in /
                 problem.out * out;
  return estimateSeconds(target, type, flops, tensors);
}

/// Channels are rows of images and weights (channels last): multiples of 16
/// bytes there are what cuDNN's tensor-core kernels want (NVIDIA, Convolutional
/// Layers User's Guide). Zeros in images, weights and gradients add nothing to
/// a sum and make zeros of the channels behind.
void Padder::padChannels(ContractionOpInterface op) {
  std::optional<ChannelProblem> problem = ChannelProblem::get(op);
  int64_t multiple = getMultiple(op);
  // It has no matrices in memory whose rows could be looked at.
  op->setAttr(kAlignmentAttr, Builder(op).getI64IntegerAttr(1));
  if (!problem || (problem->in % multiple == 0 && problem->out % multiple == 0))
    return;
  if (problem->convolution.groups != 1)
    return leave(op, llvm::formatv("{0} groups cut the channels",
                                   problem->convolution.groups));
  int64_t in = problem->in, out = problem->out;
  if (target.getTensorCoreRate(getOperandType(op)) == 0 || always) {
    // One channel would become eight times the bytes.
    if (problem->in > 1)
      in = llvm::alignTo(in, multiple);
    out = llvm::alignTo(out, multiple);
  } else {
    double real = estimateChannels(op, *problem, in, out), best = real;
    for (int64_t i : {problem->in, int64_t(llvm::alignTo(in, multiple))})
      for (int64_t o : {problem->out, int64_t(llvm::alignTo(out, multiple))}) {
        double seconds = estimateChannels(op, *problem, i, o);
        if (seconds < best && paysOff(seconds, real))
          std::tie(best, in, out) = std::tie(seconds, i, o);
      }
    if (in == problem->in && out == problem->out)
      return leave(op, "about " + formatMicroseconds(real) +
                           " as it is, no less with padded channels, on " +
                           target.getName().str());
  }
  if (in == problem->in && out == problem->out)
    return leave(op, "a single channel");
  remark::passed(op->getLoc(), remarkOptions(op))
      << remark::add("padded channels {0} -> {1} to {2} -> {3}", problem->in,
                     in, problem->out, out)
      << remark::reason("channels of {0} in multiples of {1}",
                        Type(getOperandType(op)), multiple);
  OpBuilder builder(op);
  Operation *padded = builder.clone(*op);
  for (unsigned i = 0; i < 2; ++i)
    padded->setOperand(
        i, padding.createPad(op->getOperand(i), problem->getShape(i, in, out)));
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Value result = padded->getResult(0);
  result.setType(type.clone(problem->getShape(2, in, out)));
  if (result.getType() != type)
    result = padding.createSlice(result, type,
                                 PaddedLanes::zero(type.getElementType()));
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

void Padder::pad(ContractionOpInterface op) {
  if (!op.isMatrixProduct())
    return padChannels(op);
  Extents extents(op.getContractionDims());
  int64_t multiple = getMultiple(op);
  op->setAttr(kAlignmentAttr, Builder(op).getI64IntegerAttr(multiple));
  for (Extent *extent : extents.all()) {
    extent->padded = extent->size;
    if (!extent->isLeadingDimension || extent->size % multiple == 0)
      continue;
    if (extent->size == 1)
      return leave(op, llvm::formatv("{0} is 1, a product with a vector, which "
                                     "is bound by memory",
                                     extent->name));
    extent->padded = llvm::alignTo(extent->size, multiple);
  }
  // Without rates there is nothing to compare: all is padded as asked for.
  bool hasRates = target.getTensorCoreRate(getOperandType(op)) > 0;
  bool isChosen = !describeChanges(extents).empty() &&
                  (always || !hasRates || choose(op, extents, multiple));
  if (!isChosen)
    return;
  int64_t multiplies = extents.m.size * extents.n.size * extents.k.size;
  int64_t paddedMultiplies =
      extents.m.padded * extents.n.padded * extents.k.padded;
  remark::passed(op->getLoc(), remarkOptions(op))
      << remark::add("padded {0}", describeChanges(extents))
      << remark::reason("leading dimensions of {0} in multiples of {1}",
                        Type(getOperandType(op)), multiple)
      << remark::metric("MoreWork",
                        (llvm::Twine(100 * (paddedMultiplies - multiplies) /
                                     std::max<int64_t>(multiplies, 1)) +
                         "%")
                            .str());
  op->getResult(0).replaceAllUsesWith(createPadded(op, extents));
  op->erase();
}

/// Devices ask for 8 or 16 elements; padded extents stay far from what 64 bits
/// count.
static constexpr int64_t kMaxMultiple = 4096;

namespace {

struct PadForTensorCoresPass
    : amp::impl::AmpPadForTensorCoresPassBase<PadForTensorCoresPass> {
  using AmpPadForTensorCoresPassBase::AmpPadForTensorCoresPassBase;

  void runOnOperation() override {
    if (multiple < 0 || multiple > kMaxMultiple) {
      getOperation().emitError("padding: option multiple is ")
          << int64_t(multiple) << ", expected 0 (ask the target) to "
          << kMaxMultiple;
      return signalPassFailure();
    }
    SmallVector<ContractionOpInterface> contractions;
    getOperation().walk(
        [&](ContractionOpInterface op) { contractions.push_back(op); });
    PaddingPropagation padding(getOperation());
    Padder padder(getTarget(getOperation()), multiple, always, padding);
    for (ContractionOpInterface op : contractions)
      padder.pad(op);
    padding.run();
  }
};

} // namespace
