//===- Rounding.h - Rounding of doubles to narrower formats
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_REFERENCE_ROUNDING_H
#define VERNIER_REFERENCE_ROUNDING_H

#include "mlir/IR/Types.h"

namespace vernier::reference {

/// A binary floating-point format with subnormals, infinities and NaN.
struct FloatFormat {
  /// Bits after the leading one.
  int mantissaBits;
  /// The exponents of the smallest and of the largest normal number.
  int minExponent, maxExponent;
};

inline constexpr FloatFormat kF32 = {23, -126, 127};
inline constexpr FloatFormat kTf32 = {10, -126, 127};
inline constexpr FloatFormat kBf16 = {7, -126, 127};
inline constexpr FloatFormat kF16 = {10, -14, 15};

/// The number of `format` nearest to `value`, ties to even; infinite where that
/// exceeds the largest finite number.
double round(double value, FloatFormat format);

/// `value`, or 0 of its sign if it is subnormal in f32 and bf16.
double flushSubnormal(double value);

/// `value` in one rounding as an element of `type`: a float type rounds to
/// nearest even, an integer type wraps around (i1 is 0 or 1).
double roundToType(double value, mlir::Type type);

/// What an op that computes in f32 writes to a result of `type`: rounded to
/// f32, then to `type`.
double roundThroughF32(double value, mlir::Type type);

} // namespace vernier::reference

#endif // VERNIER_REFERENCE_ROUNDING_H
