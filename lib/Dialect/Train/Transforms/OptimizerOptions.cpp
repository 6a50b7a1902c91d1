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
  // Written so that NaN fails, too; an unset weight decay is NaN.
  const Check checks[] = {
      {o.learningRate >= 0, "lr", o.learningRate, "0 or more"},
      {o.beta1 >= 0 && o.beta1 < 1, "beta1", o.beta1, "a number in [0, 1)"},
      {o.beta2 >= 0 && o.beta2 < 1, "beta2", o.beta2, "a number in [0, 1)"},
      {o.epsilon >= 0, "eps", o.epsilon, "0 or more"},
      {!(o.weightDecay < 0), "weight-decay", o.weightDecay, "0 or more"},
      {o.momentum >= 0, "momentum", o.momentum, "0 or more"},
      {o.finalLearningRate >= 0, "final-lr", o.finalLearningRate, "0 or more"},
      {o.clipNorm >= 0, "clip-norm", o.clipNorm, "0 (no clipping) or more"},
      {o.emaDecay >= 0 && o.emaDecay < 1, "ema-decay", o.emaDecay,
       "a number in [0, 1)"},
      {o.warmupSteps >= 0, "warmup-steps", double(o.warmupSteps), "0 or more"},
      {!needsTotal || o.totalSteps > o.warmupSteps, "total-steps",
       double(o.totalSteps), "more than warmup-steps with this schedule"}};
  if (!schedule)
    return "schedule is '" + o.schedule +
           "', expected constant, linear or cosine";
  if (o.nesterov && o.momentum == 0)
    return "nesterov needs a momentum above 0";
  for (const Check &check : checks)
    if (!check.isValid)
      return formatv("{0} is {1}, expected {2}", check.name, check.value,
                     check.expected);
  return "";
}
