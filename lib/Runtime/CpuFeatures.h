//===- CpuFeatures.h - What this machine's processor can do
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_CPUFEATURES_H
#define VERNIER_RUNTIME_CPUFEATURES_H

#include <set>
#include <string>

namespace vernier::runtime {

/// The feature names of /proc/cpuinfo, read once.
const std::set<std::string> &getCpuFeatures();

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_CPUFEATURES_H
