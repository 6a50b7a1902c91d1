//===- GradientTest.cpp - Each vjp against central differences
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// For each rule and 20 random shapes: the gradient that --train-differentiate
// builds, evaluated exactly, along random directions, against differences of
// the forward op. The oracle shares no code with the vjps.
//
//===----------------------------------------------------------------------===//

#include "GradientRules.h"

#include "vernier/Dialect/Train/Transforms/Passes.h"
#include "vernier/Pipelines/InitAll.h"
#include "vernier/Reference/Evaluator.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace vernier;
using namespace vernier::reference;

namespace {

constexpr int kShapes = 20, kDirections = 3;

/// A module whose @loss is the sum of the result of `instance` times the global
/// @c, and whose @step returns the gradient with respect to its operands.
std::string buildModule(const Instance &instance) {
  std::string globals, loads, wrt, types, results;
  for (size_t i = 0; i < instance.operands.size(); ++i) {
    std::string number = std::to_string(i), comma = i ? ", " : "";
    std::string type = typeOf(instance.operands[i].shape);
    globals += "ml_program.global private mutable @x" + number + " : " + type +
               " {train.role = \"parameter\"}\n";
    loads += "%" + number + " = ml_program.global_load @x" + number + " : " +
             type + "\n";
    wrt += comma + "@x" + number;
    types += ", " + type;
    results += comma + "%r#" + std::to_string(i + 1);
  }
  std::string type = typeOf(instance.resultShape);
  Shape dims(instance.resultShape.size());
  std::iota(dims.begin(), dims.end(), 0);
  std::string list;
  for (int64_t dim : dims)
    list += (dim ? ", " : "") + std::to_string(dim);
  std::string gradients = types.substr(2);
  return globals + "ml_program.global private mutable @c : " + type +
         " {train.role = \"frozen\"}\n" +
         "func.func @loss() -> tensor<f64> {\n" + loads + instance.body +
         "\n%c = ml_program.global_load @c : " + type +
         "\n%p = arith.mulf %y, %c : " + type +
         (dims.empty()
              ? "\nreturn %p : tensor<f64>\n}\n"
              : "\n%l = train.reduce sum %p dims = [" + list + "] : " + type +
                    " -> tensor<f64>\nreturn %l : tensor<f64>\n}\n") +
         "func.func @step() -> (" + gradients +
         ") {\n%r:" + std::to_string(instance.operands.size() + 1) +
         " = train.gradient @loss() wrt [" + wrt + "] : () -> (tensor<f64>" +
         types + ")\nreturn " + results + " : " + gradients + "\n}\n";
}

/// Distinct values with a gap between any two, within and between operands, so
/// that no step of the differences crosses a kink or changes a maximum.
Tensor drawTensor(const Operand &operand, Type element, int number,
                  Random &random) {
  Tensor tensor(RankedTensorType::get(operand.shape, element));
  int64_t size = tensor.size();
  std::iota(tensor.elements.begin(), tensor.elements.end(), -size / 2);
  std::shuffle(tensor.elements.begin(), tensor.elements.end(), random);
  // In (-2, 2), never an integer or a half.
  for (double &value : tensor.elements) {
    value = (value + 0.5) * std::min(0.3, 3.9 / size) + 0.011 * (number + 1);
    switch (operand.domain) {
    case Domain::Real:
      break;
    case Domain::Positive:
      value = std::fabs(value) + 0.3;
      break;
    case Domain::AboveOne:
      value = std::fabs(value) + 1.2;
      break;
    case Domain::Unit:
      value *= 0.45;
      break;
    case Domain::Probability:
      value = 0.5 + 0.2 * value;
      break;
    }
  }
  return tensor;
}

double dot(const Tensor &x, const Tensor &y) {
  return std::inner_product(x.elements.begin(), x.elements.end(),
                            y.elements.begin(), 0.0);
}

class GradientTest : public ::testing::TestWithParam<Rule> {
protected:
  GradientTest() {
    DialectRegistry registry;
    registerInputDialects(registry);
    context.appendDialectRegistry(registry);
    context.disableMultithreading();
  }

  void check(const Instance &instance);
  double getLoss(State state);

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  Random random{7};
};

double GradientTest::getLoss(State state) {
  auto loss = evaluate(module->lookupSymbol<func::FuncOp>("loss"), {}, state,
                       {/*exact=*/true});
  return succeeded(loss) ? (*loss)[0].elements[0] : NAN;
}

/// `state` with `factor` times `directions` added to the operands.
State shift(State state, ArrayRef<Tensor> directions, double factor) {
  for (auto [i, direction] : llvm::enumerate(directions)) {
    Tensor &x = state["x" + std::to_string(i)];
    for (int64_t j = 0; j < x.size(); ++j)
      x.elements[j] += factor * direction.elements[j];
  }
  return state;
}

void GradientTest::check(const Instance &instance) {
  std::string text = buildModule(instance);
  SCOPED_TRACE(text);
  module = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(module);
  PassManager manager(&context);
  manager.addPass(train::createTrainDifferentiatePass());
  ASSERT_TRUE(succeeded(manager.run(*module)));

  Type f64 = Float64Type::get(&context);
  std::normal_distribution<double> normal;
  State state;
  for (auto [i, operand] : llvm::enumerate(instance.operands))
    state["x" + std::to_string(i)] = drawTensor(operand, f64, i, random);
  Tensor &cotangent = state["c"] =
      Tensor(RankedTensorType::get(instance.resultShape, f64));
  for (double &value : cotangent.elements)
    value = normal(random);
  auto gradients = evaluate(module->lookupSymbol<func::FuncOp>("step"), {},
                            state, {/*exact=*/true});
  ASSERT_TRUE(succeeded(gradients));

  for (int trial = 0; trial < kDirections; ++trial) {
    SmallVector<Tensor> directions(gradients->begin(), gradients->end());
    double expected = 0.0, scale = 1.0;
    for (auto [direction, gradient] : llvm::zip_equal(directions, *gradients)) {
      for (double &value : direction.elements)
        value = std::uniform_real_distribution<double>(-1.0, 1.0)(random);
      expected += dot(direction, gradient);
      scale += std::sqrt(dot(gradient, gradient));
    }
    // Central differences of fourth order (Fornberg 1988).
    auto at = [&](double factor) {
      return getLoss(shift(state, directions, factor * instance.step));
    };
    double difference = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) /
                        (12.0 * instance.step);
    EXPECT_LT(std::fabs(difference - expected), 1e-6 * scale);
  }
}

TEST_P(GradientTest, MatchesDifferences) {
  for (int shape = 0; shape < kShapes; ++shape)
    check(GetParam().draw(random));
}

INSTANTIATE_TEST_SUITE_P(Rules, GradientTest,
                         ::testing::ValuesIn(getGradientRules()),
                         [](const ::testing::TestParamInfo<Rule> &info) {
                           std::string name;
                           for (char letter : info.param.name)
                             name += std::isalnum(letter) ? letter : '_';
                           return name;
                         });

} // namespace
