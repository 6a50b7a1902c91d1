//===- PaddingPropagation.cpp - Padded values from producer to consumer
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Works backwards from each tensor.pad: what it reads is a slice of the wanted
// shape already, or a load of a global that can be stored padded, or an op that
// can compute the padded shape from padded operands. Zeros are kept zero: where
// the lanes of the result are not proven to be, a mask makes them so. A pad
// that remains is a copy.
//
//===----------------------------------------------------------------------===//

#include "PaddingPropagation.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/Utils/Utils.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;
using ml_program::GlobalLoadOp;
using ml_program::GlobalOp;
using ml_program::GlobalStoreOp;

/// Chains of elementwise ops are followed this far: recursion needs a bound.
static constexpr int kMaxDepth = 64;

static RankedTensorType getType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static ArrayRef<int64_t> getShape(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getShape() : ArrayRef<int64_t>();
}

PaddingPropagation::PaddingPropagation(ModuleOp module)
    : module(module), symbols(module) {
  module.walk([&](Operation *op) {
    if (auto load = dyn_cast<GlobalLoadOp>(op))
      users[load.getGlobal().getLeafReference()].push_back(op);
    else if (auto store = dyn_cast<GlobalStoreOp>(op))
      users[store.getGlobal().getLeafReference()].push_back(op);
  });
}

Value PaddingPropagation::createPad(Value value, ArrayRef<int64_t> shape) {
  RankedTensorType type = getType(value);
  if (type.getShape() == shape)
    return value;
  RankedTensorType padded = type.clone(shape);
  Value &result = pads[{value, padded}];
  if (result)
    return result;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Value zero = arith::ConstantOp::create(
      builder, value.getLoc(),
      builder.getFloatAttr(type.getElementType(), 0.0));
  result = tensor::createPadHighOp(padded, value, zero, /*nofold=*/false,
                                   value.getLoc(), builder);
  worklist.push_back(result.getDefiningOp());
  return result;
}

Value PaddingPropagation::createSlice(Value padded, RankedTensorType type,
                                      PaddedLanes lanes) {
  OpBuilder builder(padded.getContext());
  builder.setInsertionPointAfterValue(padded);
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes;
  for (int64_t extent : type.getShape())
    sizes.push_back(builder.getIndexAttr(extent));
  auto slice = tensor::ExtractSliceOp::create(builder, padded.getLoc(), type,
                                              padded, offsets, sizes, strides);
  slices[slice] = lanes;
  return slice;
}

//===----------------------------------------------------------------------===//
// Globals
//===----------------------------------------------------------------------===//

/// Give a parameter or moment the padded shape, its loads and stores too.
bool PaddingPropagation::storePadded(GlobalOp global, Shape shape) {
  auto role = global->getAttrOfType<StringAttr>(train::kRoleAttr);
  bool canPad = role && !global->hasAttr(train::kLogicalShapeAttr) &&
                llvm::is_contained({train::kParameterRole, train::kFrozenRole,
                                    train::kMomentRole},
                                   role.getValue());
  if (!canPad)
    return false;
  auto real = cast<RankedTensorType>(global.getType());
  RankedTensorType padded = real.clone(shape);
  global.setType(padded);
  global->setAttr(train::kLogicalShapeAttr,
                  DenseI64ArrayAttr::get(global.getContext(), real.getShape()));
  for (Operation *user : users.lookup(global.getSymNameAttr())) {
    if (auto store = dyn_cast<GlobalStoreOp>(user)) {
      store.getValueMutable().assign(createPad(store.getValue(), shape));
      continue;
    }
    OpBuilder builder(user);
    Value load = GlobalLoadOp::create(builder, user->getLoc(), padded,
                                      cast<GlobalLoadOp>(user).getGlobal());
    user->getResult(0).replaceAllUsesWith(
        createSlice(load, real, PaddedLanes::zero(real.getElementType())));
  }
  return true;
}

std::optional<PaddingPropagation::Padded>
PaddingPropagation::demandGlobal(GlobalLoadOp load, Shape shape) {
  StringAttr name = load.getGlobal().getLeafReference();
  auto global = symbols.lookup<GlobalOp>(name);
  if (!global || !storePadded(global, shape))
    return std::nullopt;
  // The padded load and its slice stand before the load that they replace.
  Value padded = load->getPrevNode()->getOperand(0);
  return Padded{padded, PaddedLanes::zero(getType(padded).getElementType())};
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// The shape that an operand of `op` must have for its result to have `shape`
/// instead of `real`; none if that is not known.
static std::optional<SmallVector<int64_t>>
getOperandShape(Operation *op, Value operand, ArrayRef<int64_t> real,
                ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> own = getShape(operand);
  SmallVector<int64_t> result(own);
  if (auto broadcast = dyn_cast<train::BroadcastOp>(op)) {
    for (auto [index, dim] : llvm::enumerate(broadcast.getDims()))
      if (own[index] == real[dim])
        result[index] = shape[dim];
    return result;
  }
  if (auto reduce = dyn_cast<train::ReduceOp>(op)) {
    unsigned next = 0;
    for (int64_t dim = 0; dim < int64_t(own.size()); ++dim)
      if (!llvm::is_contained(reduce.getDims(), dim))
        result[dim] = shape[next++];
    return result;
  }
  if (isa<train::OneHotOp>(op))
    return shape.front() == real.front() ? std::optional(result) : std::nullopt;
  if (own.empty())
    return result;
  if (own != real)
    return std::nullopt;
  return SmallVector<int64_t>(shape);
}

/// Whether `op` has one result element for each element of its operands, or is
/// one of the primitives that getOperandShape knows.
static bool canRebuild(Operation *op) {
  auto fusible = dyn_cast<FusionOpInterface>(op);
  if (!fusible || op->hasTrait<OpTrait::ConstantLike>() ||
      op->getNumRegions() > 0)
    return false;
  FusionKind kind = fusible.getFusionKind();
  return kind == FusionKind::Elementwise || kind == FusionKind::Reduction ||
         kind == FusionKind::Composite;
}

/// `op` on padded operands, padded ones where one of them is there already:
/// padding another costs no more than padding the result.
std::optional<PaddingPropagation::Padded>
PaddingPropagation::rebuild(OpResult result, Shape shape, int depth) {
  Operation *op = result.getOwner();
  SmallVector<int64_t> real(getShape(result));
  bool isUniform = llvm::all_of(op->getResults(), [&](Value other) {
    return getShape(other) == ArrayRef(real);
  });
  if (!canRebuild(op) || !isUniform)
    return std::nullopt;
  SmallVector<std::optional<Padded>> operands;
  bool isAvailable = false, needsOperands = false;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    auto wanted = getOperandShape(op, op->getOperand(i), real, shape);
    if (!wanted)
      return std::nullopt;
    if (ArrayRef(*wanted) == getShape(op->getOperand(i))) {
      operands.push_back(
          Padded{op->getOperand(i), PaddedLanes{PaddedLanes::Finite, {}}});
      continue;
    }
    needsOperands = true;
    operands.push_back(demand(op->getOperand(i), *wanted, depth + 1));
    bool isConstant = matchPattern(op->getOperand(i), m_Constant());
    isAvailable |= operands.back() && !isConstant;
  }
  if (needsOperands && !isAvailable)
    return std::nullopt;

  OpBuilder builder(op);
  Operation *padded = builder.clone(*op);
  SmallVector<PaddedLanes> lanes;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    if (!operand) {
      auto wanted = getOperandShape(op, op->getOperand(i), real, shape);
      operand = Padded{
          createPad(op->getOperand(i), *wanted),
          PaddedLanes::zero(getType(op->getOperand(i)).getElementType())};
    }
    padded->setOperand(i, operand->value);
    lanes.push_back(operand->lanes);
  }
  for (Value value : padded->getResults())
    value.setType(getType(value).clone(shape));
  auto results = computePaddedLanes(op, padded, lanes);
  if (failed(results)) {
    padded->erase();
    return std::nullopt;
  }
  unsigned index = result.getResultNumber();
  for (auto [old, value, its] :
       llvm::zip(op->getResults(), padded->getResults(), *results))
    old.replaceAllUsesWith(createSlice(value, getType(old), its));
  return Padded{padded->getResult(index), (*results)[index]};
}

std::optional<PaddingPropagation::Padded>
PaddingPropagation::demand(Value value, Shape shape, int depth) {
  Operation *op = value.getDefiningOp();
  RankedTensorType type = getType(value), padded = type.clone(shape);
  if (op && slices.contains(op)) {
    Value source = cast<tensor::ExtractSliceOp>(op).getSource();
    if (source.getType() == padded)
      return Padded{source, slices.lookup(op)};
  }
  SplatElementsAttr splat;
  if (matchPattern(value, m_Constant(&splat))) {
    OpBuilder builder(op);
    Value constant = arith::ConstantOp::create(builder, value.getLoc(),
                                               splat.resizeSplat(padded));
    return Padded{constant,
                  PaddedLanes::constant(splat.getSplatValue<Attribute>())};
  }
  if (failures.contains({value, padded}))
    return std::nullopt;
  std::optional<Padded> result;
  if (auto load = dyn_cast_or_null<GlobalLoadOp>(op))
    result = demandGlobal(load, shape);
  else if (op && depth < kMaxDepth)
    result = rebuild(cast<OpResult>(value), shape, depth);
  if (result)
    return result;
  failures.insert({value, padded});
  // Nested demands may read what another contraction had padded.
  if (Value pad = depth > 0 ? pads.lookup({value, padded}) : Value())
    return Padded{pad, PaddedLanes::zero(type.getElementType())};
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Pads
//===----------------------------------------------------------------------===//

/// Zeros in the lanes, by a select that the producing kernel makes. Null if
/// several dims are padded: a mask of two dims would be a tensor to read.
Value PaddingPropagation::mask(Padded padded, RankedTensorType real) {
  RankedTensorType type = getType(padded.value);
  std::optional<int64_t> dim;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (type.getDimSize(i) == real.getDimSize(i))
      continue;
    if (dim)
      return {};
    dim = i;
  }
  OpBuilder builder(padded.value.getContext());
  builder.setInsertionPointAfterValue(padded.value);
  Location loc = padded.value.getLoc();
  SmallVector<bool> isReal(type.getDimSize(*dim), false);
  std::fill_n(isReal.begin(), real.getDimSize(*dim), true);
  auto vector =
      RankedTensorType::get({type.getDimSize(*dim)}, builder.getI1Type());
  Value lanes = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(vector, isReal));
  Value condition = train::BroadcastOp::create(
      builder, loc, type.clone(builder.getI1Type()), lanes, *dim);
  Value zero = arith::ConstantOp::create(
      builder, loc, cast<TypedAttr>(builder.getZeroAttr(type)));
  return arith::SelectOp::create(builder, loc, condition, padded.value, zero);
}

/// Whether nothing is left of `pad`.
bool PaddingPropagation::resolve(tensor::PadOp pad) {
  RankedTensorType type = pad.getResultType();
  RankedTensorType real = pad.getSourceType();
  std::optional<Padded> padded = demand(pad.getSource(), type.getShape(), 0);
  if (!padded)
    return false;
  Value value = padded->value;
  if (!padded->lanes.isZero())
    value = mask(*padded, real);
  if (!value)
    return false;
  pad.getResult().replaceAllUsesWith(value);
  return true;
}

/// Reductions of whole tensors (a finite check, a norm) over padded tensors,
/// where the zeros change nothing.
bool PaddingPropagation::widenReductions(Operation *op) {
  auto fusible = dyn_cast<FusionOpInterface>(op);
  bool isReduction =
      fusible && fusible.getFusionKind() == FusionKind::Composite &&
      op->getNumResults() > 0 && getShape(op->getResults().back()).empty() &&
      !op->use_empty();
  if (!isReduction)
    return false;
  Operation *padded = op->clone();
  SmallVector<PaddedLanes> lanes;
  bool isWider = false;
  for (OpOperand &operand : op->getOpOperands()) {
    unsigned i = operand.getOperandNumber();
    lanes.push_back({PaddedLanes::Finite, {}});
    if (!getShape(operand.get()).empty())
      lanes.back() = PaddedLanes::zero(getType(operand.get()).getElementType());
    Operation *definition = operand.get().getDefiningOp();
    if (!definition || !slices.lookup(definition).isZero())
      continue;
    Value source = definition->getOperand(0);
    // A result for each operand: clipped gradients.
    if (i < op->getNumResults() &&
        getShape(op->getResult(i)) == getShape(operand.get()))
      padded->getResult(i).setType(
          getType(op->getResult(i)).clone(getShape(source)));
    padded->setOperand(i, source);
    isWider = true;
  }
  ScopedDiagnosticHandler quiet(op->getContext(),
                                [](Diagnostic &) { return success(); });
  FailureOr<SmallVector<PaddedLanes>> results = failure();
  if (isWider && succeeded(mlir::verify(padded)))
    results = computePaddedLanes(op, padded, lanes);
  if (failed(results)) {
    padded->erase();
    return false;
  }
  OpBuilder(op).insert(padded);
  for (auto [old, value, its] :
       llvm::zip(op->getResults(), padded->getResults(), *results)) {
    bool isSame = old.getType() == value.getType();
    old.replaceAllUsesWith(isSame ? value
                                  : createSlice(value, getType(old), its));
  }
  return true;
}

void PaddingPropagation::eraseDead() {
  module.walk([](func::FuncOp function) {
    for (Operation &op :
         llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
      if (isOpTriviallyDead(&op) || (isa<GlobalLoadOp>(op) && op.use_empty()))
        op.erase();
  });
}

void PaddingPropagation::run() {
  bool changed = true;
  while (changed) {
    changed = false;
    failures.clear();
    // Stores of globals that become padded add to the worklist.
    SmallVector<Operation *> remaining;
    for (unsigned i = 0; i < worklist.size(); ++i) {
      bool isResolved =
          worklist[i]->use_empty() || resolve(cast<tensor::PadOp>(worklist[i]));
      if (!isResolved)
        remaining.push_back(worklist[i]);
      changed |= isResolved;
    }
    worklist = std::move(remaining);
    SmallVector<Operation *> ops;
    module.walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops)
      changed |= widenReductions(op);
  }
  eraseDead();
}
