//===- PlanDialect.h - The plan dialect
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_PLAN_IR_PLANDIALECT_H
#define VERNIER_DIALECT_PLAN_IR_PLANDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/DenseMap.h"

#include "vernier/Dialect/Plan/IR/PlanDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "vernier/Dialect/Plan/IR/PlanTypes.h.inc"

#include "vernier/Dialect/Plan/IR/PlanInterfaces.h.inc"

#define GET_OP_CLASSES
#include "vernier/Dialect/Plan/IR/PlanOps.h.inc"

namespace vernier::plan {
/// The op that makes `buffer`, or what it is a view of.
mlir::Operation *getOwner(mlir::Value buffer);
} // namespace vernier::plan

#endif // VERNIER_DIALECT_PLAN_IR_PLANDIALECT_H
