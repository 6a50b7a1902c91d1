//===- MakeSeeds.cpp - Good files for the fuzzers of the runtime
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// usage: vernier-fuzz-seeds DIR
//
// Writes DIR/plan/*, DIR/object/* and DIR/checkpoint/*, in the form in which
// the fuzzers take them.
//
//===----------------------------------------------------------------------===//

#include "../Unit/Runtime/TestPlan.h"
#include "Runtime/Checkpoint.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace vernier::runtime;
using namespace vernier::test;
namespace fs = std::filesystem;

using Bytes = std::vector<uint8_t>;

static void write(const fs::path &path, const Bytes &bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char *>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) {
    std::fprintf(stderr, "cannot write '%s'\n", path.c_str());
    std::exit(1);
  }
}

static Bytes read(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Without kernels the fuzzer runs what is left: calls of the library.
static TestPlan withoutKernels(TestPlan plan) {
  plan.object.clear();
  for (TestEntry &entry : plan.entries)
    if (entry.name != "refresh")
      entry.calls.resize(2 - (entry.name == "predict"));
    else
      entry.calls.clear();
  return plan;
}

static void writeCheckpoint(const fs::path &folder) {
  Plan plan(makeTrainingPlan());
  Session session(plan.handle, "cpu:1");
  fs::path scratch = folder / "scratch";
  if (vernier_session_save(session.handle, scratch.c_str(), 1,
                           R"({"epoch": 3})", {})
          .code)
    std::exit(1);
  uint8_t selector = 0; // as CheckpointFuzzer.cpp reads it
  for (const char *name :
       {paramsFile, optimizerFile, stateFile, manifestFile}) {
    Bytes bytes = read(scratch / "step-00000001" / name);
    if (selector < 2)
      write(folder / "safetensors" / name, bytes);
    bytes.insert(bytes.begin(), selector++);
    write(folder / "checkpoint" / name, bytes);
  }
  fs::remove_all(scratch);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: vernier-fuzz-seeds DIR\n");
    return 2;
  }
  fs::path folder = argv[1];
  write(folder / "plan" / "training", makeTrainingPlan().payload());
  write(folder / "plan" / "calls",
        withoutKernels(makeTrainingPlan()).payload());
  write(folder / "plan" / "images", makeImagePlan().payload());
  write(folder / "object" / "kernels", kernelObject());
  writeCheckpoint(folder);
  return 0;
}
