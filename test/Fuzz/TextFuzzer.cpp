//===- TextFuzzer.cpp - What the fuzzers of the compiler share
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Also the hooks of libFuzzer that start a fuzzer of text and mutate its
// inputs.
//
//===----------------------------------------------------------------------===//

#include "TextFuzzer.h"
#include "TextMutator.h"

#include "vernier/Pipelines/InitAll.h"
#include "vernier/Pipelines/LossScaleSpec.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace vernier;
namespace fs = std::filesystem;

static fuzz::TextMutator mutator;

static const fs::path &getScratchFolder() {
  static const fs::path folder = [] {
    fs::path path = fs::temp_directory_path() /
                    ("vernier-fuzz-text-" + std::to_string(getpid()));
    fs::create_directories(path);
    std::atexit([] { fs::remove_all(getScratchFolder()); });
    return path;
  }();
  return folder;
}

std::string fuzz::writeScratch(const std::string &name,
                               const std::string &content) {
  fs::path path = getScratchFolder() / name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

DriverOptions fuzz::makeOptions(const std::string &model,
                                const std::string &policy) {
  DriverOptions options;
  options.inputFile = model;
  options.outputFile = (getScratchFolder() / "out").string();
  options.compile.target = "cpu:x86-64-v3";
  options.compile.policy = policy;
  options.remarks = "none";
  llvm::Expected<LossScaleSpec> scale = LossScaleSpec::parse("auto");
  options.compile.lossScale = *scale;
  return options;
}

void fuzz::compile(DriverOptions options) {
  int code = runDriver(options);
  if (code < 0 || code > 5 || code == 4)
    std::abort();
}

//===----------------------------------------------------------------------===//
// Hooks of libFuzzer
//===----------------------------------------------------------------------===//

extern "C" int LLVMFuzzerInitialize(int *argc, char ***argv) {
  registerAllPasses();
  for (int i = 1; i < *argc; ++i)
    if ((*argv)[i][0] != '-')
      mutator.readSeeds((*argv)[i]);
  return 0;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  if (seed % 8 == 0)
    return LLVMFuzzerMutate(data, size, maxSize);
  std::string text(data, data + size);
  std::string result = mutator.mutate(text, seed / 8);
  size_t length = std::min(result.size(), maxSize);
  std::memcpy(data, result.data(), length);
  return length;
}
