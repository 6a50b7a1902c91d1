//===- PlanCheck.cpp - Whether what was compiled can run
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanCheck.h"

#include "vernier-c/library.h"

#include <algorithm>
#include <cstdlib>

static std::string getMessage(vernier_status_t status) {
  return status.message ? status.message : "no reason given";
}

/// oneDNN reads this before it is first used. What the user has set, the
/// instructions of a lesser machine, stays.
static void limitLibrary(const std::string &instructions) {
  if (!instructions.empty() && !getenv("DNNL_MAX_CPU_ISA"))
    (void)setenv("ONEDNN_MAX_CPU_ISA", instructions.c_str(), /*overwrite=*/0);
}

std::string vernier::getInstructions(const std::vector<std::string> &features) {
  auto has = [&](const char *name) {
    return std::find(features.begin(), features.end(), name) != features.end();
  };
  bool hasAvx512 =
      has("avx512f") && has("avx512bw") && has("avx512dq") && has("avx512vl");
  if (!hasAvx512)
    return "AVX2";
  return has("avx512bf16") ? "AVX512_CORE_BF16" : "AVX512_CORE";
}

std::string vernier::findPlanProblem(const std::vector<uint8_t> &bytes,
                                     const std::string &instructions) {
  limitLibrary(instructions);
  vernier_plan_t *plan = nullptr;
  if (vernier_status_t status =
          vernier_plan_load_memory(bytes.data(), bytes.size(), &plan);
      status.code != VERNIER_OK)
    return getMessage(status);
  std::string problem;
  // For a processor that this one cannot stand for, the target model answers:
  // Numerics/library-table.py compares it with the library.
  bool isHere = vernier_plan_check_machine(plan).code == VERNIER_OK;
  if (isHere)
    if (vernier_status_t status = vernier_plan_check_library(plan);
        status.code != VERNIER_OK)
      problem = getMessage(status);
  vernier_plan_release(plan);
  return problem;
}
