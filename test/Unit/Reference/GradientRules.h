//===- GradientRules.h - The ops whose vjps are checked
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TEST_UNIT_REFERENCE_GRADIENTRULES_H
#define VERNIER_TEST_UNIT_REFERENCE_GRADIENTRULES_H

#include <cstdint>
#include <functional>
#include <ostream>
#include <random>
#include <string>
#include <vector>

namespace vernier {

using Shape = std::vector<int64_t>;
using Random = std::mt19937;

/// Where a function is smooth, away from its poles and kinks.
enum class Domain { Real, Positive, AboveOne, Unit, Probability };

struct Operand {
  Shape shape;
  Domain domain = Domain::Real;
};

/// An op on operands %0, %1, ... of f64 that gives %y.
struct Instance {
  std::vector<Operand> operands;
  std::string body;
  Shape resultShape;
  /// The step of the differences: small where sums may lie near a kink.
  double step = 5e-4;
};

/// A vjp under test: how to draw an instance of random shape.
struct Rule {
  std::string name;
  std::function<Instance(Random &)> draw;
};

/// "tensor<2x3xf64>".
std::string typeOf(const Shape &shape, const std::string &element = "f64");

/// "[0, 2]".
std::string listOf(const Shape &numbers);

int64_t drawInteger(Random &random, int64_t low, int64_t high);
bool drawBool(Random &random);
/// `lowRank` to `highRank` dims of 1 to 5 elements.
Shape drawShape(Random &random, int lowRank = 0, int highRank = 3);

std::vector<Rule> getGradientRules();
/// Convolutions, pooling, channel norms, rows by index, dropout, slices.
void addImageRules(std::vector<Rule> &rules);

/// How GoogleTest names a rule.
inline void PrintTo(const Rule &rule, std::ostream *os) { *os << rule.name; }

} // namespace vernier

#endif // VERNIER_TEST_UNIT_REFERENCE_GRADIENTRULES_H
