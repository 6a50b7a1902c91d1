//===- CpuFeatures.cpp - What this machine's processor can do
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/CpuFeatures.h"

#include <algorithm>
#include <fstream>
#include <sstream>

/// The kernel spells avx512_bf16, avx512_vnni and sse4_1 what LLVM, and so the
/// plan, spells avx512bf16, avx512vnni and sse4.1: compare without separators.
static std::string withoutSeparators(std::string name) {
  name.erase(std::remove_if(name.begin(), name.end(),
                            [](char c) { return c == '_' || c == '.'; }),
             name.end());
  return name;
}

std::set<std::string> vernier::runtime::parseCpuFeatures(std::istream &file) {
  std::set<std::string> features;
  for (std::string line; std::getline(file, line);) {
    // x86 says "flags", AArch64 "Features". All processors have the same.
    if (line.rfind("flags", 0) != 0 && line.rfind("Features", 0) != 0)
      continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    for (std::string word; words >> word;)
      features.insert(withoutSeparators(word));
    break;
  }
  return features;
}

static std::set<std::string> readCpuFeatures() {
  std::ifstream file("/proc/cpuinfo");
  return vernier::runtime::parseCpuFeatures(file);
}

bool vernier::runtime::hasCpuFeature(const std::string &name) {
  static const std::set<std::string> features = readCpuFeatures();
  return features.count(withoutSeparators(name)) != 0;
}
