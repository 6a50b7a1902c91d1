//===- CheckpointFuzzer.cpp - Any bytes in a checkpoint
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The first byte chooses a file of a good checkpoint, which the rest of the
// input replaces. The manifest gets the hashes of what is there, so that the
// readers of the other files see it.
//
//===----------------------------------------------------------------------===//

#include "../Unit/Runtime/TestPlan.h"
#include "Runtime/Checkpoint.h"
#include "Runtime/Hash.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

using namespace vernier;
using namespace vernier::runtime;
using namespace vernier::test;
namespace fs = std::filesystem;

static const char *const replaceable[] = {paramsFile, optimizerFile, stateFile,
                                          manifestFile};

static std::string read(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

static void write(const fs::path &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

namespace {

/// A session, and a folder with one checkpoint of it.
struct Fixture {
  vernier_plan_t *plan = nullptr;
  vernier_device_t *device = nullptr;
  vernier_session_t *session = nullptr;
  fs::path folder, checkpoint;
  std::string good[4]; ///< what `replaceable` hold

  Fixture();
  ~Fixture() {
    vernier_session_release(session);
    vernier_device_release(device);
    vernier_plan_release(plan);
    fs::remove_all(folder);
  }
};

} // namespace

Fixture::Fixture() {
  folder = fs::temp_directory_path() /
           ("vernier-fuzz-checkpoint-" + std::to_string(getpid()));
  std::vector<uint8_t> file = makeTrainingPlan().build();
  (void)vernier_plan_load_memory(file.data(), file.size(), &plan);
  (void)vernier_device_create("cpu:1", &device);
  (void)vernier_session_create(plan, device, 1, &session);
  if (vernier_session_save(session, folder.c_str(), 1, R"({"epoch": 3})", {})
          .code)
    std::abort();
  checkpoint = folder / "step-00000001";
  for (int i = 0; i < 4; ++i)
    good[i] = read(checkpoint / replaceable[i]);
}

/// Of one file, in a manifest; files here have one block.
static std::string describe(const std::string &name, const std::string &bytes) {
  Sha256 sha;
  sha.update(bytes.data(), bytes.size());
  std::string block =
      bytes.empty() ? ""
                    : '"' + toHex(hash64(bytes.data(), bytes.size())) + '"';
  return R"({"name": ")" + name + R"(", "bytes": )" +
         std::to_string(bytes.size()) + R"(, "sha256": ")" + sha.finish() +
         R"(", "xxh3_64_of_each_mib": [)" + block + "]}";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Fixture fixture;
  if (size == 0 || size > 1 << 20)
    return 0;
  int chosen = data[0] % 4;
  std::string content(data + 1, data + size);
  std::string files;
  for (int i = 0; i < 3; ++i) {
    const std::string &bytes = i == chosen ? content : fixture.good[i];
    write(fixture.checkpoint / replaceable[i], bytes);
    files += (i ? ", " : "") + describe(replaceable[i], bytes);
  }
  write(fixture.checkpoint / manifestFile,
        chosen == 3 ? content
                    : R"({"format": "vernier.checkpoint", "version": 3, )"
                      R"("files": [)" +
                          files + "]}");
  uint64_t step = 0;
  const char *metadata = nullptr;
  std::string folder = fixture.folder;
  (void)vernier_session_load(fixture.session, folder.c_str(), &step, &metadata);
  (void)vernier_session_load_for_inference(fixture.session, folder.c_str(),
                                           &step, &metadata);
  return 0;
}
