//===- CpuFeatures.cpp - What this machine's processor can do
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/CpuFeatures.h"

#include <fstream>
#include <sstream>

static std::set<std::string> readFeatures() {
  std::ifstream file("/proc/cpuinfo");
  std::set<std::string> features;
  for (std::string line; std::getline(file, line);) {
    // x86 says "flags", AArch64 "Features". All processors have the same.
    if (line.rfind("flags", 0) != 0 && line.rfind("Features", 0) != 0)
      continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    for (std::string word; words >> word;)
      features.insert(word);
    break;
  }
  return features;
}

const std::set<std::string> &vernier::runtime::getCpuFeatures() {
  static const std::set<std::string> features = readFeatures();
  return features;
}
