//===- GradientTest.cpp - Each vjp against central differences
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// For each rule and 20 random shapes: the gradient g of each operand that
// --train-differentiate builds, evaluated exactly in f64, against the gradient
// d by central differences of the forward op, element by element. The error of
// an operand's gradient is that of the whole vector, |g - d| / max(|g|, |d|) in
// the Euclidean norm: an element that is small because its sum cancels is
// measured by its neighbours, and nothing is added that would hide a small
// gradient. A gradient that is 0 (a step, a row of one element, a row nobody
// reads) must be 0 in both. The oracle shares no code with the vjps.
//
//===----------------------------------------------------------------------===//

#include "GradientRules.h"

#include "vernier/Dialect/Train/Transforms/Passes.h"
#include "vernier/Interfaces/DifferentiableOpInterface.h"
#include "vernier/Pipelines/InitAll.h"
#include "vernier/Reference/Evaluator.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <cmath>
#include <numeric>
#include <set>

using namespace mlir;
using namespace vernier;
using namespace vernier::reference;

namespace {

constexpr int kShapes = 20;
constexpr double kTolerance = 1e-6;

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

double norm(ArrayRef<double> x) {
  return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0));
}

/// |x - y| / max(|x|, |y|); 0 where both are 0. NaN where anything is NaN.
double getRelativeError(const Tensor &x, const Tensor &y) {
  std::vector<double> difference;
  for (auto [left, right] : llvm::zip_equal(x.elements, y.elements))
    difference.push_back(left - right);
  double error = norm(difference);
  return error == 0.0 ? 0.0
                      : error / std::max(norm(x.elements), norm(y.elements));
}

/// The ops of `loss` that compute %y: those in front of the load of @c.
std::vector<Operation *> getInstanceOps(func::FuncOp loss) {
  std::vector<Operation *> ops;
  for (Operation &op : loss.getOps()) {
    auto load = dyn_cast<ml_program::GlobalLoadOp>(op);
    if (load && load.getGlobal().getLeafReference() == "c")
      break;
    ops.push_back(&op);
  }
  return ops;
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
  double getLoss(State &state);
  Tensor getDifferences(State &state, Tensor &operand, double step);

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  Random random{7};
};

double GradientTest::getLoss(State &state) {
  auto loss = evaluate(module->lookupSymbol<func::FuncOp>("loss"), {}, state,
                       {/*exact=*/true});
  return succeeded(loss) ? (*loss)[0].elements[0] : NAN;
}

/// The gradient with respect to `operand`, which is in `state`: central
/// differences of fourth order (Fornberg 1988). With a step h they are off by
/// h^4 / 30 times the fifth derivative, and by 2^-53 |loss| / h. Both are below
/// 1e-8 of the gradient, but for cbrt beside its pole (6e-8).
Tensor GradientTest::getDifferences(State &state, Tensor &operand,
                                    double step) {
  Tensor gradient = operand;
  for (int64_t i = 0; i < operand.size(); ++i) {
    double &x = operand.elements[i];
    const double middle = x;
    auto at = [&](double steps) {
      x = middle + steps * step;
      return getLoss(state);
    };
    gradient.elements[i] =
        (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step);
    x = middle;
  }
  return gradient;
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

  for (auto [i, gradient] : llvm::enumerate(*gradients)) {
    Tensor &operand = state["x" + std::to_string(i)];
    Tensor differences = getDifferences(state, operand, instance.step);
    EXPECT_LT(getRelativeError(gradient, differences), kTolerance)
        << "operand " << i << ": |g| = " << norm(gradient.elements)
        << ", |d| = " << norm(differences.elements);
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

/// An op with a vjp that no rule draws would be an op whose vjp nobody checks.
TEST(GradientRules, CoverEveryDifferentiableOp) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  std::set<std::string> unchecked;
  for (RegisteredOperationName name : context.getRegisteredOperations())
    if (name.hasInterface<DifferentiableOpInterface>())
      unchecked.insert(name.getStringRef().str());
  ASSERT_GT(unchecked.size(), 70u);

  Random random(7);
  for (const Rule &rule : getGradientRules()) {
    auto module =
        parseSourceString<ModuleOp>(buildModule(rule.draw(random)), &context);
    ASSERT_TRUE(module) << rule.name;
    for (Operation *op :
         getInstanceOps(module->lookupSymbol<func::FuncOp>("loss")))
      unchecked.erase(op->getName().getStringRef().str());
  }
  EXPECT_EQ(unchecked, std::set<std::string>())
      << "add rules to GradientRules.cpp or ImageGradientRules.cpp";
}

} // namespace
