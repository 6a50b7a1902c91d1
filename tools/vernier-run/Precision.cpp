//===- Precision.cpp - The plan's precision decisions, summarised
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

using namespace vernier;
using namespace vernier::run;

std::vector<PrecisionShare> vernier::run::precisionShares(const Plan &plan) {
  std::map<std::string, PrecisionShare> byType;
  if (const auto *decisions = plan.contents().decisions())
    for (const schema::Decision *decision : *decisions) {
      std::string type = decision->operand() ? decision->operand()->str() : "?";
      PrecisionShare &share = byType[type];
      share.type = type;
      ++share.ops;
      share.flops += static_cast<double>(decision->flops());
    }
  std::vector<PrecisionShare> shares;
  for (auto &[type, share] : byType)
    shares.push_back(std::move(share));
  std::sort(shares.begin(), shares.end(), [](const auto &a, const auto &b) {
    return a.flops != b.flops ? a.flops > b.flops : a.type < b.type;
  });
  return shares;
}

std::string vernier::run::precisionSummary(const Plan &plan) {
  std::vector<PrecisionShare> shares = precisionShares(plan);
  double total = 0;
  for (const PrecisionShare &share : shares)
    total += share.flops;
  std::string text;
  for (const PrecisionShare &share : shares)
    text += fmt::format("{}{} {} {} {:.1f} %{}", text.empty() ? "" : ", ",
                        share.type, share.ops, share.ops == 1 ? "op" : "ops",
                        total > 0 ? 100 * share.flops / total : 0.0,
                        text.empty() ? " of FLOPs" : "");
  return text;
}
