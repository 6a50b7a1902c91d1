//===- PlanCheck.h - Whether what was compiled can run
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_COMPILE_PLANCHECK_H
#define VERNIER_COMPILE_PLANCHECK_H

#include <cstdint>
#include <string>
#include <vector>

namespace vernier {

/// The most that the library may use on a processor that has these features and
/// no more, by oneDNN's name.
std::string getInstructions(const std::vector<std::string> &features);

/// Why the runtime would not run the plan file `bytes`, or nothing. Its own
/// verifier reads the file; where this machine has the processor's features,
/// its library, held to `instructions` (empty: all that there are), is asked
/// for each call. No code of the plan is loaded.
std::string findPlanProblem(const std::vector<uint8_t> &bytes,
                            const std::string &instructions);

} // namespace vernier

#endif // VERNIER_COMPILE_PLANCHECK_H
