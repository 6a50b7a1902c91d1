//===- AngleReduction.h - Angles as quarter turns and a rest
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_CODEGEN_ANGLEREDUCTION_H
#define VERNIER_LIB_CODEGEN_ANGLEREDUCTION_H

#include "Lanes.h"

namespace vernier {

/// x = quadrant pi/2 + rest with |rest| <= pi/4; of the quadrant, an i64, the
/// two low bits count.
struct Angle {
  mlir::Value quadrant, rest;
};

/// Reduce x, the f64 form of an f32, such that the sine and cosine of the rest
/// round to f32 as those of x do, whatever its exponent. The rest of infinity
/// and NaN is NaN.
Angle reduceAngle(LaneBuilder &b, mlir::Value x);

} // namespace vernier

#endif // VERNIER_LIB_CODEGEN_ANGLEREDUCTION_H
