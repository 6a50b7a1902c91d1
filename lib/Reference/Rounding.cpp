//===- Rounding.cpp - Rounding of doubles to narrower formats
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Reference/Rounding.h"

#include "mlir/IR/BuiltinTypes.h"

#include <cmath>

using namespace mlir;

namespace vernier::reference {

double round(double value, FloatFormat format) {
  if (value == 0.0 || !std::isfinite(value))
    return value;
  int exponent = std::ilogb(value);
  // The distance between neighbours: constant among the subnormals.
  int quantum = std::max(exponent, format.minExponent) - format.mantissaBits;
  double rounded =
      std::ldexp(std::nearbyint(std::ldexp(value, -quantum)), quantum);
  if (std::fabs(rounded) >= std::ldexp(1.0, format.maxExponent + 1))
    return std::copysign(HUGE_VAL, value);
  return rounded;
}

double flushSubnormal(double value) {
  bool isSubnormal = std::fabs(value) < std::ldexp(1.0, kF32.minExponent);
  return isSubnormal ? std::copysign(0.0, value) : value;
}

/// The value of the low `width` bits of `value`: two's complement, but i1 is 0
/// or 1.
static double wrap(double value, unsigned width) {
  auto bits = static_cast<int64_t>(value);
  if (width == 1)
    return bits & 1;
  if (width >= 64)
    return value;
  unsigned unused = 64 - width;
  return static_cast<int64_t>(static_cast<uint64_t>(bits) << unused) >> unused;
}

double roundToType(double value, Type type) {
  if (type.isF32())
    return static_cast<float>(value);
  if (type.isBF16())
    return round(value, kBf16);
  if (type.isF16())
    return round(value, kF16);
  if (auto integer = dyn_cast<IntegerType>(type))
    return wrap(value, integer.getWidth());
  return value;
}

double roundThroughF32(double value, Type type) {
  if (type.isBF16() || type.isF16())
    value = static_cast<float>(value);
  return roundToType(value, type);
}

} // namespace vernier::reference
