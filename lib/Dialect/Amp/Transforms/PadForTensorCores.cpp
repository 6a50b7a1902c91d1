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

#include "PaddingPropagation.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Target/TargetModel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Utils/Utils.h"
#include "mlir/IR/Remarks.h"
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

/// Pads the contractions of one module.
class Padder {
public:
  /// `multiple` of 0: what the target asks for.
  Padder(const TargetModel &target, int64_t multiple,
         PaddingPropagation &padding)
      : target(target), multiple(multiple), padding(padding) {}

  void pad(ContractionOpInterface op);

private:
  int64_t getMultiple(ContractionOpInterface op) const;
  Value createPadded(ContractionOpInterface op, Extents &extents);

  const TargetModel &target;
  int64_t multiple;
  PaddingPropagation &padding;
};

} // namespace

static FloatType getOperandType(ContractionOpInterface op) {
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
  bool hasTensorCores =
      type && op.isMatrixProduct() && (!type.isF32() || op->hasAttr("tf32"));
  if (!hasTensorCores)
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

/// Say that `op` stays as it is, and why.
static void leave(ContractionOpInterface op, const std::string &reason) {
  op->setAttr(kUnalignedAttr, StringAttr::get(op->getContext(), reason));
  remark::missed(op->getLoc(), remarkOptions(op))
      << remark::add("not padded: {0}", reason);
}

void Padder::pad(ContractionOpInterface op) {
  Extents extents(op.getContractionDims());
  int64_t multiple = getMultiple(op);
  op->setAttr(kAlignmentAttr, Builder(op).getI64IntegerAttr(multiple));
  std::string changes;
  for (Extent *extent : extents.all()) {
    extent->padded = extent->size;
    if (!extent->isLeadingDimension || extent->size % multiple == 0)
      continue;
    if (extent->size == 1) {
      return leave(op, llvm::formatv("{0} is 1, a product with a vector, which "
                                     "is bound by memory",
                                     extent->name));
    }
    extent->padded = llvm::alignTo(extent->size, multiple);
    changes += llvm::formatv("{0}{1} {2} -> {3}", changes.empty() ? "" : ", ",
                             extent->name, extent->size, extent->padded);
  }
  if (changes.empty())
    return;
  Type type = getOperandType(op);
  int64_t multiplies = extents.m.size * extents.n.size * extents.k.size;
  int64_t paddedMultiplies =
      extents.m.padded * extents.n.padded * extents.k.padded;
  remark::passed(op->getLoc(), remarkOptions(op))
      << remark::add("padded {0}", changes)
      << remark::reason("leading dimensions of {0} in multiples of {1}", type,
                        multiple)
      << remark::metric("MoreWork",
                        (llvm::Twine(100 * (paddedMultiplies - multiplies) /
                                     std::max<int64_t>(multiplies, 1)) +
                         "%")
                            .str());
  op->getResult(0).replaceAllUsesWith(createPadded(op, extents));
  op->erase();
}

namespace {

struct PadForTensorCoresPass
    : amp::impl::AmpPadForTensorCoresPassBase<PadForTensorCoresPass> {
  using AmpPadForTensorCoresPassBase::AmpPadForTensorCoresPassBase;

  void runOnOperation() override {
    llvm::Expected<TargetModel> model = TargetModel::parse(target);
    if (!model) {
      getOperation().emitError(llvm::toString(model.takeError()));
      return signalPassFailure();
    }
    if (multiple < 0) {
      getOperation().emitError("padding: option multiple is ")
          << int64_t(multiple) << ", expected 0 (ask the target) or more";
      return signalPassFailure();
    }
    SmallVector<ContractionOpInterface> contractions;
    getOperation().walk(
        [&](ContractionOpInterface op) { contractions.push_back(op); });
    PaddingPropagation padding(getOperation());
    Padder padder(*model, multiple, padding);
    for (ContractionOpInterface op : contractions)
      padder.pad(op);
    padding.run();
  }
};

} // namespace
