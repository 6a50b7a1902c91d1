//===- DescribeCompile.h - What a compile says of itself
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_PIPELINES_DESCRIBECOMPILE_H
#define VERNIER_LIB_PIPELINES_DESCRIBECOMPILE_H

#include "vernier/Pipelines/Pipelines.h"
#include "vernier/Target/PlanFile.h"

namespace vernier {

/// Whether any value of the module is f16, which needs a loss scale.
bool usesF16(mlir::ModuleOp module);

/// When the first schedule of a learning rate ends, or 0 where none changes.
uint32_t findScheduleEnd(mlir::ModuleOp module);

/// What the policy auto, as the text of its file, says of itself as a whole.
std::string getPolicySummary(llvm::StringRef policyText);

/// The effective configuration of a compile, by the names of flags.
std::vector<std::pair<std::string, std::string>>
describeOptions(mlir::ModuleOp module, const CompileOptions &options);

/// The rows of an explanation, as the plan file keeps them.
std::vector<PlanDecision>
describeDecisions(const amp::Explanation &explanation);

} // namespace vernier

#endif // VERNIER_LIB_PIPELINES_DESCRIBECOMPILE_H
