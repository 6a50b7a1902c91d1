//===- RangeOpInterface.cpp - Bounds of types and constants
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Interfaces/RangeOpInterface.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using namespace vernier;

#include "vernier/Interfaces/RangeOpInterface.cpp.inc"

std::optional<FloatRange> vernier::getFloatRange(Type type) {
  if (type.isF16())
    return kRangeF16;
  if (type.isBF16())
    return kRangeBf16;
  if (type.isF32())
    return kRangeF32;
  if (type.isF64())
    return kRangeF64;
  return std::nullopt;
}

Interval vernier::getRangeOfType(Type type) {
  auto integer = dyn_cast<IntegerType>(getElementTypeOrSelf(type));
  if (!integer)
    return Interval::unknown();
  if (integer.getWidth() == 1)
    return Interval::integers(0, 1);
  double half = std::ldexp(1.0, integer.getWidth() - 1);
  return Interval::integers(-half, half);
}

Interval vernier::roundToType(const Interval &x, Type type) {
  Type element = getElementTypeOrSelf(type);
  std::optional<FloatRange> format = getFloatRange(element);
  if (!format)
    return x;
  if (element.getIntOrFloatBitWidth() == 16)
    return x.rounded(kRangeF32).rounded(*format);
  return x.rounded(*format);
}

static double toDouble(APFloat value) {
  bool losesInfo;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToDouble();
}

Interval vernier::getRangeOfConstant(Attribute value) {
  if (auto number = dyn_cast<FloatAttr>(value))
    return Interval::exactly(toDouble(number.getValue()));
  std::optional<Interval> range;
  auto add = [&](double element) {
    Interval x = Interval::exactly(element);
    range = range ? range->joined(x) : x;
  };
  if (auto floats = dyn_cast<DenseFPElementsAttr>(value)) {
    if (floats.isSplat())
      return Interval::exactly(toDouble(floats.getSplatValue<APFloat>()));
    for (const APFloat &element : floats)
      add(toDouble(element));
  } else if (auto integers = dyn_cast<DenseIntElementsAttr>(value)) {
    if (integers.getElementType().isInteger(1))
      return Interval::integers(0, 1);
    for (const APInt &element : integers)
      add(element.getSExtValue());
  }
  return range.value_or(Interval::unknown());
}
