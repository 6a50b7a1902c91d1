//===- MathFunctions.h - Elementary functions as polynomials on lanes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_CODEGEN_MATHFUNCTIONS_H
#define VERNIER_LIB_CODEGEN_MATHFUNCTIONS_H

#include "Lanes.h"

namespace vernier {

/// Build the value of the math op `op` for f32 operands (scalars or vectors)
/// out of arithmetic, within 3 units in the last place (erfc, which is fast for
/// the sake of GELU, within 6) and with the special cases of C. Null if the op
/// is a machine instruction or not known here.
mlir::Value buildMathFunction(LaneBuilder &b, mlir::Operation *op,
                              mlir::ValueRange operands);

/// The same for the functions that are computed in f64 and rounded: they are
/// rare or lose too much in f32.
mlir::Value buildWideMathFunction(LaneBuilder &b, mlir::Operation *op,
                                  mlir::ValueRange operands);

/// c[0] + c[1] x + c[2] x^2 + ..., by Horner's rule with fused multiply-adds.
mlir::Value buildPolynomial(LaneBuilder &b, mlir::Value x,
                            llvm::ArrayRef<double> coefficients);

/// min(max(x, low), high), where a NaN stays one.
mlir::Value buildClamp(LaneBuilder &b, mlir::Value x, double low, double high);

} // namespace vernier

#endif // VERNIER_LIB_CODEGEN_MATHFUNCTIONS_H
