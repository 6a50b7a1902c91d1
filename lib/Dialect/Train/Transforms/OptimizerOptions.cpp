//===- OptimizerOptions.cpp - Settings of an optimizer by name
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/Transforms/OptimizerOptions.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"

#include <cfloat>
#include <cmath>
#include <cstdint>

using namespace llvm;
using namespace vernier::train;

OptimizerOption
vernier::train::findOptimizerOption(StringRef name,
                                    TrainAttachOptimizerPassOptions &o) {
  OptimizerOption option;
  option.number = StringSwitch<double *>(name)
                      .Case("lr", &o.learningRate)
                      .Case("beta1", &o.beta1)
                      .Case("beta2", &o.beta2)
                      .Case("eps", &o.epsilon)
                      .Case("weight-decay", &o.weightDecay)
                      .Case("momentum", &o.momentum)
                      .Case("final-lr", &o.finalLearningRate)
                      .Case("clip-norm", &o.clipNorm)
                      .Case("ema-decay", &o.emaDecay)
                      .Default(nullptr);
  option.count = StringSwitch<int64_t *>(name)
                     .Case("warmup-steps", &o.warmupSteps)
                     .Case("total-steps", &o.totalSteps)
                     .Default(nullptr);
  option.word = StringSwitch<std::string *>(name)
                    .Case("optimizer", &o.optimizer)
                    .Case("schedule", &o.schedule)
                    .Case("clip-scope", &o.clipScope)
                    .Default(nullptr);
  option.flag = name == "nesterov" ? &o.nesterov : nullptr;
  return option;
}

std::string
vernier::train::findOptimizerProblem(const TrainAttachOptimizerPassOptions &o) {
  struct Check {
    bool isValid;
    StringRef name;
    double value;
    StringRef expected;
  };
  auto schedule = symbolizeSchedule(o.schedule);
  bool needsTotal = schedule && *schedule != Schedule::Constant;
  // The step computes in f32 and i32. Written so that NaN fails, too; an unset
  // weight decay is NaN.
  constexpr StringRef number = "0 or more, finite in f32";
  constexpr StringRef count = "0 or more, up to 2147483647";
  auto isNumber = [](double x) { return x >= 0 && x <= FLT_MAX; };
  auto isCount = [](int64_t x) { return x >= 0 && x <= INT32_MAX; };
  const Check checks[] = {
      {isNumber(o.learningRate), "lr", o.learningRate, number},
      {o.beta1 >= 0 && o.beta1 < 1, "beta1", o.beta1, "a number in [0, 1)"},
      {o.beta2 >= 0 && o.beta2 < 1, "beta2", o.beta2, "a number in [0, 1)"},
      {isNumber(o.epsilon), "eps", o.epsilon, number},
      {std::isnan(o.weightDecay) || isNumber(o.weightDecay), "weight-decay",
       o.weightDecay, number},
      {o.momentum >= 0 && o.momentum < 1, "momentum", o.momentum,
       "a number in [0, 1)"},
      {isNumber(o.finalLearningRate), "final-lr", o.finalLearningRate, number},
      {isNumber(o.clipNorm), "clip-norm", o.clipNorm,
       "0 (no clipping) or more, finite in f32"},
      {o.emaDecay >= 0 && o.emaDecay < 1, "ema-decay", o.emaDecay,
       "a number in [0, 1)"},
      {isCount(o.warmupSteps), "warmup-steps", double(o.warmupSteps), count},
      {isCount(o.totalSteps), "total-steps", double(o.totalSteps), count},
      {!needsTotal || o.totalSteps > o.warmupSteps, "total-steps",
       double(o.totalSteps), "more than warmup-steps with this schedule"}};
  if (!schedule)
    return "schedule is '" + o.schedule +
           "', expected constant, linear or cosine";
  if (o.clipScope != "all" && o.clipScope != "group")
    return "clip-scope is '" + o.clipScope + "', expected all or group";
  if (o.nesterov && o.momentum == 0)
    return "nesterov needs a momentum above 0";
  for (const Check &check : checks)
    if (!check.isValid)
      return formatv("{0} is {1}, expected {2}", check.name,
                     std::fabs(check.value) < 1e6
                         ? formatv("{0}", check.value).str()
                         : formatv("{0:e}", check.value).str(),
                     check.expected);
  return "";
}
