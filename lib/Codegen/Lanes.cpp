//===- Lanes.cpp - Values of some lanes: a scalar or a vector
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace vernier;

Type vernier::getRegisterType(Type element, int64_t lanes) {
  if (isa<FloatType>(element))
    element = Float32Type::get(element.getContext());
  return lanes == 1 ? element : VectorType::get({lanes}, element);
}

int64_t vernier::getLanes(Value value) {
  auto vector = dyn_cast<VectorType>(value.getType());
  return vector ? vector.getNumElements() : 1;
}

Type vernier::withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.clone(element) : element;
}

//===----------------------------------------------------------------------===//
// Constants and moves between lanes
//===----------------------------------------------------------------------===//

static Value makeConstant(LaneBuilder &b, Type type, TypedAttr value) {
  if (auto vector = dyn_cast<VectorType>(type))
    value = DenseElementsAttr::get(vector, Attribute(value));
  return b.make<arith::ConstantOp>(value);
}

Value LaneBuilder::constant(Type type, double value) {
  return makeConstant(*this, type,
                      builder.getFloatAttr(getElementTypeOrSelf(type), value));
}

Value LaneBuilder::constantInt(Type type, int64_t value) {
  auto element = cast<IntegerType>(getElementTypeOrSelf(type));
  APInt bits(element.getWidth(), uint64_t(value), /*isSigned=*/true,
             /*implicitTrunc=*/true);
  return makeConstant(*this, type, IntegerAttr::get(element, bits));
}

Value LaneBuilder::splat(Value value, int64_t lanes) {
  if (getLanes(value) == lanes)
    return value;
  auto type = VectorType::get({lanes}, value.getType());
  Value any = make<LLVM::PoisonOp>(type);
  Value first = make<LLVM::InsertElementOp>(any, value, constantInt(i32(), 0));
  SmallVector<int32_t> mask(lanes, 0);
  return shuffle(first, any, mask);
}

Value LaneBuilder::shuffle(Value a, Value b, ArrayRef<int32_t> mask) {
  if (mask.size() == 1)
    return extract(mask[0] < getLanes(a) ? a : b, mask[0] % getLanes(a));
  return make<LLVM::ShuffleVectorOp>(a, b, mask);
}

Value LaneBuilder::extract(Value vector, int64_t lane) {
  if (!isa<VectorType>(vector.getType()))
    return vector;
  return make<LLVM::ExtractElementOp>(vector, constantInt(i32(), lane));
}

Value LaneBuilder::iota(Type element, int64_t lanes) {
  if (lanes == 1)
    return constantInt(element, 0);
  SmallVector<Attribute> values;
  for (int64_t lane : llvm::seq<int64_t>(lanes))
    values.push_back(IntegerAttr::get(element, lane));
  return make<arith::ConstantOp>(
      DenseElementsAttr::get(VectorType::get({lanes}, element), values));
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value LaneBuilder::fma(Value a, Value b, Value c) {
  return make<math::FmaOp>(a, b, c);
}

Value LaneBuilder::abs(Value a) { return make<math::AbsFOp>(a); }

Value LaneBuilder::copySign(Value magnitude, Value sign) {
  return make<math::CopySignOp>(magnitude, sign);
}

Value LaneBuilder::toBits(Value a) {
  unsigned width = getElementTypeOrSelf(a).getIntOrFloatBitWidth();
  return make<arith::BitcastOp>(
      withElement(a.getType(), builder.getIntegerType(width)), a);
}

Value LaneBuilder::fromBits(Value a) {
  bool is32 = getElementTypeOrSelf(a).getIntOrFloatBitWidth() == 32;
  return make<arith::BitcastOp>(
      withElement(a.getType(), is32 ? Type(builder.getF32Type())
                                    : Type(builder.getF64Type())),
      a);
}

Value LaneBuilder::round(Value value, Type element) {
  if (element.isF16()) {
    Value narrow = make<arith::TruncFOp>(
        withElement(value.getType(), builder.getF16Type()), value);
    return make<arith::ExtFOp>(value.getType(), narrow);
  }
  if (!element.isBF16())
    return value;
  // Adding 0x7fff and the last kept bit carries into the kept bits exactly when
  // nearest-even rounds up, denormals and the step to infinity included. The
  // sum would carry a NaN away; a NaN keeps its kept bits and is made quiet.
  Value bits = toBits(value);
  Value last = andInt(shiftRight(bits, 16), 1);
  Value rounded = addInt(addInt(bits, 0x7fff), last);
  Value quiet = orInt(bits, constantInt(bits.getType(), 0x400000));
  return fromBits(andInt(select(isNan(value), quiet, rounded), 0xffff0000));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Type vernier::getStorageType(Type element) {
  MLIRContext *context = element.getContext();
  if (element.isBF16())
    return IntegerType::get(context, 16);
  return element.isInteger(1) ? IntegerType::get(context, 8) : element;
}

Value LaneBuilder::toStorage(Value value, Type element) {
  Type type = withElement(value.getType(), getStorageType(element));
  if (element.isBF16())
    return make<arith::TruncIOp>(type, shiftRight(toBits(value), 16));
  if (element.isF16())
    return make<arith::TruncFOp>(type, value);
  if (element.isInteger(1))
    return make<arith::ExtUIOp>(type, value);
  return value;
}

Value LaneBuilder::fromStorage(Value value, Type element) {
  if (element.isBF16()) {
    Value wide =
        make<arith::ExtUIOp>(withElement(value.getType(), i32()), value);
    return fromBits(shiftLeft(wide, 16));
  }
  if (element.isF16())
    return make<arith::ExtFOp>(withElement(value.getType(), f32()), value);
  if (element.isInteger(1))
    return cmpInt(arith::CmpIPredicate::ne, value,
                  constantInt(value.getType(), 0));
  return value;
}

/// The address of element `index`, and the alignment that every element has.
static std::pair<Value, unsigned> addressOf(LaneBuilder &b, Value pointer,
                                            Value index, Type storage) {
  Value address = b.make<LLVM::GEPOp>(pointer.getType(), storage, pointer,
                                      ArrayRef<LLVM::GEPArg>{index});
  return {address, storage.getIntOrFloatBitWidth() / 8};
}

Value LaneBuilder::load(Value pointer, Value index, Type element,
                        int64_t lanes) {
  Type storage = getStorageType(element);
  auto [address, alignment] = addressOf(*this, pointer, index, storage);
  Type type = lanes == 1 ? storage : VectorType::get({lanes}, storage);
  return fromStorage(make<LLVM::LoadOp>(type, address, alignment), element);
}

void LaneBuilder::store(Value value, Value pointer, Value index, Type element) {
  auto [address, alignment] =
      addressOf(*this, pointer, index, getStorageType(element));
  LLVM::StoreOp::create(builder, loc, toStorage(value, element), address,
                        alignment);
}
