//===- Activations.cpp - Relu, gelu, silu, sigmoid
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include <cmath>

using namespace mlir;

namespace vernier::reference {

// Not x > 0 ? x : 0, which would turn NaN into 0.
static double relu(double x) { return x <= 0.0 ? 0.0 : x; }

static double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

/// At -inf the definition says -inf * 0: the limit is meant.
static double silu(double x) {
  return std::isinf(x) && x < 0 ? -0.0 : x * sigmoid(x);
}

// 1 + erf and 1 + tanh would cancel where x is negative.
static double geluErf(double x) {
  return std::isinf(x) && x < 0 ? -0.0 : 0.5 * x * std::erfc(-x * M_SQRT1_2);
}

static double geluTanh(double x) {
  if (std::isinf(x) && x < 0)
    return -0.0;
  double inner = std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x);
  return x * sigmoid(2.0 * inner);
}

void addActivations(OpTable &table) {
  addUnary<train::ReluOp>(table, relu);
  addUnary<train::SiluOp>(table, silu);
  addUnary<train::SigmoidOp>(table, sigmoid);
  table.add<train::GeluOp>([](train::GeluOp op, Invocation &in) {
    Unary gelu = op.getForm() == train::GeluForm::Erf ? geluErf : geluTanh;
    for (int64_t i = 0, e = in.result().size(); i < e; ++i)
      in.result().elements[i] = gelu(in.operand(0).elements[i]);
  });
}

} // namespace vernier::reference
