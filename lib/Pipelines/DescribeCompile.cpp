//===- DescribeCompile.cpp - What a compile says of itself
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DescribeCompile.h"

#include "vernier/Dialect/Amp/Policies/Policy.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Target/IR/TargetDialect.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vernier;

bool vernier::usesF16(ModuleOp module) {
  return module
      .walk([](Operation *op) {
        for (Type type : op->getResultTypes())
          if (getElementTypeOrSelf(type).isF16())
            return WalkResult::interrupt();
        return WalkResult::advance();
      })
      .wasInterrupted();
}

uint32_t vernier::findScheduleEnd(ModuleOp module) {
  int64_t end = 0;
  module.walk([&](train::LearningRateOp rate) {
    int64_t total = rate.getTotalSteps();
    if (rate.getSchedule() != train::Schedule::Constant)
      end = end ? std::min(end, total) : total;
  });
  return end;
}

std::string vernier::getPolicySummary(StringRef policyText) {
  StringRef line = policyText.split('\n').first;
  line.consume_front("# ");
  return line.str();
}

static std::string printShort(double number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", number);
  return text;
}

/// All optimizers as they were written, that of the rest first.
static std::string describeOptimizers(const CompileOptions &options) {
  std::string text = options.optimizer.text;
  for (const OptimizerSpec &group : options.groups)
    text += " " + group.text;
  return text;
}

std::vector<std::pair<std::string, std::string>>
vernier::describeOptions(ModuleOp module, const CompileOptions &options) {
  std::vector<std::pair<std::string, std::string>> rows = {
      {"target", getTarget(module).getName().str()},
      {"policy", options.policy},
      {"optimizer", describeOptimizers(options)},
      {"loss-scale", options.lossScale.text}};
  if (options.accumulate > 1)
    rows.emplace_back("accumulate", std::to_string(options.accumulate));
  if (!options.strategy.empty())
    rows.emplace_back("strategy", options.strategy);
  if (options.relaxCasts)
    rows.emplace_back("casts", "relaxed");
  if (!options.repairUnsafePatterns)
    rows.emplace_back("repair-unsafe-patterns", "false");
  if (!options.profile.empty())
    rows.emplace_back("profile",
                      llvm::sys::path::filename(options.profile).str());
  if (auto text = module->getAttrOfType<StringAttr>(amp::kPolicyAttr)) {
    rows.emplace_back("error-budget", printShort(options.errorBudget));
    rows.emplace_back("auto-compute", options.autoCompute);
    rows.emplace_back("assignment", getPolicySummary(text));
  }
  return rows;
}

std::vector<PlanDecision>
vernier::describeDecisions(const amp::Explanation &explanation) {
  std::vector<PlanDecision> decisions;
  for (const amp::DecisionRow &row : explanation.rows)
    decisions.push_back({row.function, row.op, row.getLocation(), row.operand,
                         row.accumulate, row.result, row.rule, row.reason,
                         row.flops, row.bytes,
                         row.phase == amp::Phase::Backward});
  return decisions;
}
