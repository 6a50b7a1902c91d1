//===- Options.h - The command line
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_OPTIONS_H
#define VERNIER_RUN_OPTIONS_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vernier::run {

/// Everything that can be said on the command line. An empty path means that
/// the flag was not given.
struct Options {
  std::string verb;
  std::string plan;

  std::string data;
  std::string evalData;
  std::string resume;
  std::string init; ///< weights to start from: a file or a checkpoint
  std::vector<std::string> initMap; ///< OURS=THEIRS, or files of such lines
  bool initPartial = false;
  std::string device = "cpu";
  bool checkNumerics = false;

  // train
  std::optional<uint64_t> steps;
  std::optional<uint64_t> epochs;
  std::optional<uint64_t> seed; ///< 0, or the checkpoint's
  std::string save;
  uint64_t saveEvery = 0; ///< steps; 0: only at the end
  uint32_t keep = 3;
  uint64_t keepEvery = 0; ///< steps; 0: keeps none
  std::string log;
  uint64_t logEvery = 100; ///< steps
  std::string profileNumerics;
  std::optional<uint64_t> profileEvery; ///< steps; 10 if not given

  // predict
  std::string output;

  // bench
  uint64_t warmup = 5;
  std::string entry = "step";
  bool profile = false;

  // info
  bool json = false;
};

/// Parse the command line. Throws a usage Failure; returns nothing if help or
/// the version was asked for and printed.
std::optional<Options> parseCommandLine(int argc, char **argv);

} // namespace vernier::run

#endif // VERNIER_RUN_OPTIONS_H
