//===- KernelValues.cpp - The values of a kernel at a point
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompareSelect.h"
#include "KernelEmitter.h"
#include "MathFunctions.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

/// The runs of row or column digits that an access depends on, innermost first.
/// Bases count rows for row terms, columns for column terms.
SmallVector<KernelEmitter::Term> KernelEmitter::termsOf(const Access &access,
                                                        bool rowTerms) const {
  SmallVector<Term> terms;
  for (auto [i, digit] : llvm::enumerate(graph.digits)) {
    if (graph.isRowDigit(i) != rowTerms || access[i] == 0)
      continue;
    int64_t base = digit.base / (rowTerms ? graph.cols : 1);
    // Digits side by side in the loop and in the tensor are one run.
    if (!terms.empty() && terms.back().base * terms.back().extent == base &&
        terms.back().stride * terms.back().extent == access[i])
      terms.back().extent *= digit.extent;
    else
      terms.push_back({base, digit.extent, access[i]});
  }
  return terms;
}

/// The linear index (i64) of the element that `access` means at a point.
Value KernelEmitter::indexAt(const Access &access, Value atRow,
                             Value atColumn) {
  Type i64 = builder.getI64Type();
  Value sum;
  auto addTerms = [&](bool rowTerms, Value at, int64_t limit) {
    for (Term term : termsOf(access, rowTerms)) {
      Value value = at;
      if (term.base > 1)
        value = b.make<arith::DivUIOp>(value, b.constantInt(i64, term.base));
      if (term.base * term.extent < limit)
        value = b.make<arith::RemUIOp>(value, b.constantInt(i64, term.extent));
      if (term.stride > 1)
        value = b.make<arith::MulIOp>(value, b.constantInt(i64, term.stride));
      sum = sum ? b.addInt(sum, value) : value;
    }
  };
  addTerms(/*rowTerms=*/true, atRow, graph.rows);
  addTerms(/*rowTerms=*/false, atColumn, graph.cols);
  return sum ? sum : b.constantInt(i64, 0);
}

/// How the elements of the current lanes lie.
KernelEmitter::Pattern KernelEmitter::patternOf(const Access &access) const {
  SmallVector<Term> terms = termsOf(access, /*rowTerms=*/false);
  if (terms.empty() || lanes == 1)
    return Pattern::Same;
  // The lanes are columns first, first + 1, ...: whether they stay within one
  // period of the innermost term.
  Term inner = terms.front();
  auto staysWithin = [&](int64_t period) {
    return tailStart < 0 ? period % lanes == 0
                         : tailStart % period + lanes <= period;
  };
  if (inner.base > 1 && staysWithin(inner.base))
    return Pattern::Same;
  if (inner.base == 1 && inner.stride == 1 &&
      (inner.extent == graph.cols || staysWithin(inner.extent)))
    return Pattern::Consecutive;
  return Pattern::Any;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Operands first, without recursion: fusions may be long chains.
Value KernelEmitter::evaluate(FusionNode *node) {
  auto lookup = [&](FusionNode *known) {
    return frames[size_t(known->scope)].values.lookup(known);
  };
  SmallVector<FusionNode *> stack = {node};
  while (!stack.empty()) {
    FusionNode *next = stack.back();
    size_t before = stack.size();
    if (!lookup(next))
      for (FusionNode *operand : next->operands)
        if (!lookup(operand))
          stack.push_back(operand);
    if (stack.size() > before)
      continue;
    stack.pop_back();
    if (lookup(next))
      continue;
    Frame &frame = frames[size_t(next->scope)];
    OpBuilder::InsertionGuard guard(builder);
    builder.restoreInsertionPoint(frame.point);
    Location outside = b.loc;
    if (next->op)
      b.loc = next->op->getLoc();
    Value value = compute(next);
    b.loc = outside;
    frame.values[next] = value;
  }
  return lookup(node);
}

Value KernelEmitter::compute(FusionNode *node) {
  switch (node->kind) {
  case FusionNode::Kind::Load:
    return computeLoad(node);
  case FusionNode::Kind::Constant:
    return computeConstant(node);
  case FusionNode::Kind::OneHot:
    return computeOneHot(node);
  case FusionNode::Kind::Iota:
    return computeIndices(node, node->getElementType());
  case FusionNode::Kind::Elementwise:
    return computeElementwise(node);
  case FusionNode::Kind::Reduce:
    break;
  }
  llvm_unreachable("a pass computes reductions before they are used");
}

Value KernelEmitter::computeConstant(FusionNode *node) {
  auto values =
      cast<SplatElementsAttr>(cast<arith::ConstantOp>(node->op).getValue());
  Type type = getRegisterType(node->getElementType(), 1);
  if (isa<FloatType>(type)) {
    APFloat value = values.getSplatValue<APFloat>();
    bool losesInfo;
    value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
    return b.make<arith::ConstantOp>(FloatAttr::get(type, value));
  }
  return b.make<arith::ConstantOp>(
      IntegerAttr::get(type, values.getSplatValue<APInt>()));
}

Value KernelEmitter::computeLoad(FusionNode *node) {
  Value pointer = pointers[node->input];
  Type element = node->getElementType();
  if (!node->onCol)
    return b.load(pointer, indexAt(node->access, row, column), element, 1);
  Pattern pattern = patternOf(node->access);
  if (pattern != Pattern::Any) {
    bool isSame = pattern == Pattern::Same;
    Value value = b.load(pointer, indexAt(node->access, row, column), element,
                         isSame ? 1 : lanes);
    return b.splat(value, lanes);
  }
  // Lane by lane: the general case of a broadcast inside a row.
  Type type = getRegisterType(element, lanes);
  Value value = b.make<LLVM::PoisonOp>(type);
  for (int64_t lane : llvm::seq<int64_t>(lanes)) {
    Value index = indexAt(node->access, row, b.addInt(column, lane));
    value =
        b.make<LLVM::InsertElementOp>(value, b.load(pointer, index, element, 1),
                                      b.constantInt(b.i32(), lane));
  }
  return value;
}

/// The index, an `element`, that the node's access means in each lane.
Value KernelEmitter::computeIndices(FusionNode *node, Type element) {
  auto narrow = [&](Value index) -> Value {
    return element.isInteger(64) ? index
                                 : b.make<arith::TruncIOp>(element, index);
  };
  int64_t width = node->onCol ? lanes : 1;
  Pattern pattern = node->onCol ? patternOf(node->access) : Pattern::Same;
  if (width == 1 || pattern != Pattern::Any) {
    Value first = b.splat(narrow(indexAt(node->access, row, column)), width);
    return width > 1 && pattern == Pattern::Consecutive
               ? b.addInt(first, b.iota(element, width))
               : first;
  }
  Value indices = b.make<LLVM::PoisonOp>(VectorType::get({width}, element));
  for (int64_t lane : llvm::seq<int64_t>(width))
    indices = b.make<LLVM::InsertElementOp>(
        indices, narrow(indexAt(node->access, row, b.addInt(column, lane))),
        b.constantInt(b.i32(), lane));
  return indices;
}

Value KernelEmitter::computeOneHot(FusionNode *node) {
  Value labels = evaluate(node->operands[0]);
  int64_t width = node->onCol ? lanes : 1;
  Value classes = computeIndices(node, getElementTypeOrSelf(labels.getType()));
  Value isClass =
      b.cmpInt(arith::CmpIPredicate::eq, classes, b.splat(labels, width));
  Type type = getRegisterType(node->getElementType(), width);
  return b.select(isClass, b.constant(type, 1.0), b.constant(type, 0.0));
}

/// Whether the op's result has its operands' values, so that it needs no
/// rounding.
static bool isExact(Operation *op) {
  return isa<arith::SelectOp, arith::NegFOp, arith::MaximumFOp,
             arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp,
             math::AbsFOp, math::CopySignOp>(op);
}

Value KernelEmitter::computeElementwise(FusionNode *node) {
  Operation *op = node->op;
  int64_t width = node->onCol ? lanes : 1;
  SmallVector<Value> operands;
  for (FusionNode *operand : node->operands)
    operands.push_back(b.splat(evaluate(operand), width));
  Type element = node->getElementType();
  Type type = getRegisterType(element, width);
  // Registers hold the value in f32 already.
  if (isa<arith::ExtFOp>(op))
    return operands[0];
  if (isa<arith::TruncFOp>(op))
    return b.round(operands[0], element);
  if (isa<arith::BitcastOp>(op)) {
    Value bits = b.toStorage(operands[0], node->operands[0]->getElementType());
    Type storage = withElement(bits.getType(), getStorageType(element));
    if (storage != bits.getType())
      bits = b.make<arith::BitcastOp>(storage, bits);
    return b.fromStorage(bits, element);
  }
  Value value = buildCompareSelect(b, op, operands);
  if (!value && isa<math::MathDialect>(op->getDialect()))
    value = buildMathFunction(b, op, operands);
  if (!value) {
    IRMapping mapping;
    mapping.map(op->getOperands(), operands);
    Operation *copy = builder.cloneWithoutRegions(*op, mapping);
    copy->getResult(0).setType(type);
    value = copy->getResult(0);
  }
  return isExact(op) ? value : b.round(value, element);
}
