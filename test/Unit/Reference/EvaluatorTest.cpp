//===- EvaluatorTest.cpp - Rounding, and evaluate's own errors
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Reference/Evaluator.h"
#include "vernier/Pipelines/InitAll.h"
#include "vernier/Reference/Rounding.h"

#include "mlir/Parser/Parser.h"
#include "llvm/ADT/APFloat.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace mlir;
using namespace vernier;
using namespace vernier::reference;

namespace {

/// LLVM's own rounding, to compare with.
double convert(double value, const llvm::fltSemantics &semantics) {
  llvm::APFloat number(value);
  bool losesInfo;
  number.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  number.convert(llvm::APFloat::IEEEdouble(),
                 llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return number.convertToDouble();
}

/// Every number of 16 bits, the halfway points, and what lies next to those in
/// f64 round as LLVM's arbitrary-precision floats do.
void checkRounding(FloatFormat format, const llvm::fltSemantics &semantics) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    llvm::APFloat number(semantics, llvm::APInt(16, bits));
    double value = convert(number.convertToDouble(), semantics);
    if (!std::isfinite(value))
      continue;
    llvm::APFloat next = number;
    next.next(/*nextDown=*/false);
    bool losesInfo;
    next.convert(llvm::APFloat::IEEEdouble(),
                 llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    double middle = (value + next.convertToDouble()) / 2;
    for (double x : {value, middle, std::nextafter(middle, HUGE_VAL),
                     std::nextafter(middle, -HUGE_VAL)})
      ASSERT_EQ(round(x, format), convert(x, semantics)) << x;
  }
}

TEST(RoundingTest, AgreesWithApFloat) {
  checkRounding(kBf16, llvm::APFloat::BFloat());
  checkRounding(kF16, llvm::APFloat::IEEEhalf());
}

TEST(RoundingTest, KeepsSpecialValues) {
  EXPECT_TRUE(std::signbit(round(-0.0, kF16)));
  EXPECT_TRUE(std::signbit(round(-1e-30, kF16)));
  EXPECT_TRUE(std::isnan(round(NAN, kBf16)));
  EXPECT_EQ(round(65519.999, kF16), 65504.0);
  EXPECT_EQ(round(65520.0, kF16), HUGE_VAL);
}

TEST(RoundingTest, Tf32KeepsTenBits) {
  EXPECT_EQ(round(1.0 + 0x1p-11, kTf32), 1.0);
  EXPECT_EQ(round(1.0 + 0x1.8p-10, kTf32), 1.0 + 0x1p-9);
  EXPECT_EQ(round(1.0 + 0x1.8p-11, kTf32), 1.0 + 0x1p-10);
}

class EvaluatorTest : public ::testing::Test {
protected:
  EvaluatorTest() {
    DialectRegistry registry;
    registerInputDialects(registry);
    context.appendDialectRegistry(registry);
    module = parseSourceString<ModuleOp>(R"(
      ml_program.global private mutable @w : tensor<2xf32>
      func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
        %w = ml_program.global_load @w : tensor<2xf32>
        return %w : tensor<2xf32>
      })",
                                         &context);
    f = module->lookupSymbol<func::FuncOp>("f");
  }

  /// The error of evaluating @f on `inputs` with an empty state.
  std::string getError(ArrayRef<Tensor> inputs) {
    std::string message;
    ScopedDiagnosticHandler handler(
        &context, [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
    State state;
    EXPECT_TRUE(failed(evaluate(f, inputs, state)));
    return message;
  }

  Tensor zeros(int64_t extent) {
    return Tensor(RankedTensorType::get({extent}, Float32Type::get(&context)));
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  func::FuncOp f;
};

TEST_F(EvaluatorTest, NamesTheStateThatIsMissing) {
  // expected-error {{reads @w, which has no value: give it one in the state}}
  EXPECT_EQ(getError(zeros(2)),
            "'ml_program.global_load' op reads @w, which has "
            "no value: give it one in the state");
}

TEST_F(EvaluatorTest, CountsInputs) {
  // expected-error {{@f takes 1 inputs, but 0 are given}}
  EXPECT_EQ(getError({}), "@f takes 1 inputs, but 0 are given");
}

TEST_F(EvaluatorTest, ChecksShapes) {
  // expected-error {{input 0 of @f must be 'tensor<2xf32>', but has shape [3]}}
  EXPECT_EQ(getError(zeros(3)),
            "input 0 of @f must be 'tensor<2xf32>', but has shape [3]");
}

} // namespace
