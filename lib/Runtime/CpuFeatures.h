//===- CpuFeatures.h - What this machine's processor can do
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_CPUFEATURES_H
#define VERNIER_RUNTIME_CPUFEATURES_H

#include <istream>
#include <set>
#include <string>

namespace vernier::runtime {

/// Whether this machine's processor has a feature, by the name that LLVM or
/// /proc/cpuinfo gives it (avx512bf16 and avx512_bf16 are one).
bool hasCpuFeature(const std::string &name);

/// The features in a text such as /proc/cpuinfo, without separators.
std::set<std::string> parseCpuFeatures(std::istream &file);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_CPUFEATURES_H
