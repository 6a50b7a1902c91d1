//===- Driver.h - From a model file to a plan file
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TOOLS_VERNIERCOMPILE_DRIVER_H
#define VERNIER_TOOLS_VERNIERCOMPILE_DRIVER_H

#include "vernier/Dialect/Amp/Transforms/Explain.h"
#include "vernier/Pipelines/CommandLine.h"
#include "vernier/Pipelines/Pipelines.h"

#include <optional>
#include <string>
#include <vector>

namespace vernier {

/// The stage that --emit calls so.
std::optional<Stage> symbolizeStage(llvm::StringRef name);

/// How to print the explanation.
enum class ExplainFormat { Text, Json, Html };

std::optional<ExplainFormat> symbolizeExplainFormat(llvm::StringRef name);

struct DriverOptions {
  std::string inputFile, outputFile;
  CompileOptions compile;
  bool hasOptimizer = false;    ///< Whether the user chose one.
  Stage emit = Stage::PlanFile; ///< Where to stop.
  std::optional<ExplainFormat> explain;
  std::string explainFile = "-";
  std::string remarks;    ///< Regular expression of their categories.
  std::string policyFile; ///< Where to write the policy auto, or empty.
  /// The flags given that say how to compile a model, "--policy".
  std::vector<std::string> compileFlags;
};

/// "vernier-compile: error: " on stderr.
llvm::raw_ostream &printError();

/// Compile; prints diagnostics to stderr and returns the exit code. Nothing is
/// written unless everything succeeded.
int runDriver(const DriverOptions &options);

/// Compile as far as the explanation needs and write nothing.
int explainModel(const DriverOptions &options, amp::Explanation &explanation);

/// Compare `inputs`: two files, each a model or what --explain=json wrote, or a
/// model and two policies. The difference goes to the output file.
int runDiff(const DriverOptions &options,
            const std::vector<std::string> &inputs);

} // namespace vernier

#endif // VERNIER_TOOLS_VERNIERCOMPILE_DRIVER_H
