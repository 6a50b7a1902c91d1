//===- Lanes.h - Values of some lanes: a scalar or a vector
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels compute on `lanes` elements at a time: a vector, or a scalar where
// there is one lane. All floats are f32 in registers, whatever they are in
// memory; what the IR says is 16 bits wide holds f32 values that 16 bits can.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_CODEGEN_LANES_H
#define VERNIER_LIB_CODEGEN_LANES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"

namespace vernier {

/// The register type of `lanes` elements: f32 for every float.
mlir::Type getRegisterType(mlir::Type element, int64_t lanes);
/// The type of an element in memory: a bool is a byte, bf16 are its bits.
mlir::Type getStorageType(mlir::Type element);
int64_t getLanes(mlir::Value value);
/// `type` with the element type replaced.
mlir::Type withElement(mlir::Type type, mlir::Type element);

/// Builds arithmetic on lanes at the builder's insertion point. Operands of one
/// call have one type; constants take the type they are asked for.
class LaneBuilder {
public:
  LaneBuilder(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  mlir::Type i32() { return builder.getI32Type(); }
  mlir::Type f32() { return builder.getF32Type(); }

  mlir::Value constant(mlir::Type type, double value);
  mlir::Value constantInt(mlir::Type type, int64_t value);
  /// Repeat a scalar; what has `lanes` lanes already is returned as it is.
  mlir::Value splat(mlir::Value value, int64_t lanes);
  /// Lanes `mask` of the concatenation of `a` and `b`; -1 is any lane.
  mlir::Value shuffle(mlir::Value a, mlir::Value b,
                      llvm::ArrayRef<int32_t> mask);
  mlir::Value extract(mlir::Value vector, int64_t lane);
  /// 0, 1, 2, ... of integer type `element`.
  mlir::Value iota(mlir::Type element, int64_t lanes);

  template <typename OpT, typename... Args> mlir::Value make(Args &&...args) {
    return OpT::create(builder, loc, std::forward<Args>(args)...);
  }
  mlir::Value add(mlir::Value a, mlir::Value b) {
    return make<mlir::arith::AddFOp>(a, b);
  }
  mlir::Value sub(mlir::Value a, mlir::Value b) {
    return make<mlir::arith::SubFOp>(a, b);
  }
  mlir::Value mul(mlir::Value a, mlir::Value b) {
    return make<mlir::arith::MulFOp>(a, b);
  }
  mlir::Value div(mlir::Value a, mlir::Value b) {
    return make<mlir::arith::DivFOp>(a, b);
  }
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c);
  mlir::Value fma(mlir::Value a, double b, mlir::Value c) {
    return fma(a, constant(a.getType(), b), c);
  }
  mlir::Value fma(mlir::Value a, mlir::Value b, double c) {
    return fma(a, b, constant(a.getType(), c));
  }
  mlir::Value add(mlir::Value a, double b) {
    return add(a, constant(a.getType(), b));
  }
  mlir::Value sub(mlir::Value a, double b) {
    return sub(a, constant(a.getType(), b));
  }
  mlir::Value mul(mlir::Value a, double b) {
    return mul(a, constant(a.getType(), b));
  }
  mlir::Value addInt(mlir::Value a, mlir::Value b) {
    return make<mlir::arith::AddIOp>(a, b);
  }
  mlir::Value addInt(mlir::Value a, int64_t b) {
    return addInt(a, constantInt(a.getType(), b));
  }
  mlir::Value subInt(mlir::Value a, mlir::Value b) {
    return make<mlir::arith::SubIOp>(a, b);
  }
  mlir::Value andInt(mlir::Value a, int64_t b) {
    return make<mlir::arith::AndIOp>(a, constantInt(a.getType(), b));
  }
  mlir::Value orInt(mlir::Value a, mlir::Value b) {
    return make<mlir::arith::OrIOp>(a, b);
  }
  mlir::Value shiftLeft(mlir::Value a, int64_t bits) {
    return make<mlir::arith::ShLIOp>(a, constantInt(a.getType(), bits));
  }
  mlir::Value shiftRight(mlir::Value a, int64_t bits) {
    return make<mlir::arith::ShRUIOp>(a, constantInt(a.getType(), bits));
  }
  mlir::Value shiftRightSigned(mlir::Value a, int64_t bits) {
    return make<mlir::arith::ShRSIOp>(a, constantInt(a.getType(), bits));
  }
  mlir::Value cmp(mlir::arith::CmpFPredicate predicate, mlir::Value a,
                  mlir::Value b) {
    return make<mlir::arith::CmpFOp>(predicate, a, b);
  }
  mlir::Value cmp(mlir::arith::CmpFPredicate predicate, mlir::Value a,
                  double b) {
    return cmp(predicate, a, constant(a.getType(), b));
  }
  mlir::Value cmpInt(mlir::arith::CmpIPredicate predicate, mlir::Value a,
                     mlir::Value b) {
    return make<mlir::arith::CmpIOp>(predicate, a, b);
  }
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b) {
    return make<mlir::arith::SelectOp>(condition, a, b);
  }
  mlir::Value isNan(mlir::Value a) {
    return cmp(mlir::arith::CmpFPredicate::UNO, a, a);
  }
  mlir::Value abs(mlir::Value a);
  mlir::Value copySign(mlir::Value magnitude, mlir::Value sign);
  /// The bits of a float as an integer of its width, and back.
  mlir::Value toBits(mlir::Value a);
  mlir::Value fromBits(mlir::Value a);

  /// Round an f32 register to the values of `element` (nearest even).
  mlir::Value round(mlir::Value value, mlir::Type element);
  /// Between a register and the bits of `element` in memory (an i1 is a byte).
  mlir::Value toStorage(mlir::Value value, mlir::Type element);
  mlir::Value fromStorage(mlir::Value value, mlir::Type element);
  mlir::Value load(mlir::Value pointer, mlir::Value index, mlir::Type element,
                   int64_t lanes);
  void store(mlir::Value value, mlir::Value pointer, mlir::Value index,
             mlir::Type element);

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

} // namespace vernier

#endif // VERNIER_LIB_CODEGEN_LANES_H
