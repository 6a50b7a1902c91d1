//===- CheckpointTest.cpp - Saving and loading
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"

#include "Runtime/File.h"
#include "Runtime/Folder.h"
#include "Runtime/Manifest.h"

#include <nlohmann/json.hpp>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

using namespace vernier;
using namespace vernier::test;

namespace {

/// A fresh folder, gone at the end; a trained session beside an untrained one.
class Checkpoint : public testing::Test {
protected:
  Checkpoint()
      : plan(makeTrainingPlan()), trained(plan.handle),
        fresh(plan.handle, "cpu:1", /*seed=*/99) {
    char name[] = "/tmp/vernier-checkpoint-XXXXXX";
    directory = mkdtemp(name);
    train(3);
  }
  ~Checkpoint() override { std::filesystem::remove_all(directory); }

  void train(int steps) {
    trained.set("step", "x", std::vector<float>(16, 0.125f));
    for (int i = 0; i < steps; ++i)
      trained.run("step");
  }
  vernier_status_t save(uint64_t step, vernier_retention_t keep = {},
                        const char *metadata = nullptr) {
    return vernier_session_save(trained.handle, directory.c_str(), step,
                                metadata, keep);
  }
  vernier_status_t load(uint64_t *step = nullptr) {
    return vernier_session_load(fresh.handle, directory.c_str(), step, nullptr);
  }
  std::vector<std::string> list() const {
    std::vector<std::string> names;
    (void)runtime::listFolder(directory, names);
    return names;
  }
  std::string path(const std::string &step, const std::string &file) const {
    return directory + '/' + step + '/' + file;
  }

  Plan plan;
  Session trained, fresh;
  std::string directory;
};

} // namespace

static std::string readText(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

static void writeText(const std::string &path, const std::string &text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

static std::vector<float> getStates(Session &session) {
  std::vector<float> all = session.state("w", 16);
  for (float value : session.state("m", 16))
    all.push_back(value);
  int32_t steps = 0;
  EXPECT_OK(vernier_session_get_state(session.handle, "steps", &steps, 4));
  all.push_back(steps);
  return all;
}

static void setStates(Session &session, const std::vector<float> &all) {
  auto steps = int32_t(all.back());
  const std::tuple<const char *, const void *, uint64_t> states[] = {
      {"w", all.data(), 64}, {"m", all.data() + 16, 64}, {"steps", &steps, 4}};
  for (auto [name, data, bytes] : states)
    EXPECT_OK(vernier_session_set_state(session.handle, name, data, bytes));
}

//===----------------------------------------------------------------------===//
// The protocol
//===----------------------------------------------------------------------===//

// What was saved comes back bit for bit, and training goes on as if nothing had
// happened.
TEST_F(Checkpoint, RoundTrip) {
  EXPECT_OK(save(3, {}, "{\"name\": \"\\u00e9\", \"lr\": 1e-3}"));
  EXPECT_EQ(list(), (std::vector<std::string>{"LATEST", "step-00000003"}));
  EXPECT_EQ(readText(directory + "/LATEST"), "step-00000003\n");

  uint64_t step = 0;
  const char *metadata = nullptr;
  vernier_status_t status =
      vernier_session_load(fresh.handle, directory.c_str(), &step, &metadata);
  EXPECT_EQ(status.code, VERNIER_OK);
  EXPECT_EQ(status.message, nullptr);
  EXPECT_EQ(step, 3u);
  EXPECT_STREQ(metadata, "{\"name\":\"\u00e9\",\"lr\":0.001}");
  EXPECT_EQ(getStates(fresh), getStates(trained));

  fresh.set("step", "x", std::vector<float>(16, 0.125f));
  fresh.run("step");
  trained.run("step");
  EXPECT_EQ(getStates(fresh), getStates(trained));
}

// state.json holds, beside the application's object, what the runtime knows.
TEST_F(Checkpoint, State) {
  TestPlan more = makeTrainingPlan();
  more.options = {{"policy", "f16"}, {"optimizer", "sgd"}};
  more.state("scale", Role::loss_scale, DType::f32, {}).a = 65536.5;
  more.state("seen", Role::counter, DType::i64, {}).a = 5;
  more.state("each", Role::counter, DType::i32, {2});
  Plan saving(more);
  Session session(saving.handle);
  EXPECT_OK(vernier_session_save(session.handle, directory.c_str(), 1,
                                 "{\"b\": [1, {}], \"a\": \"x\"}", {}));
  auto state = nlohmann::ordered_json::parse(
      readText(path("step-00000001", "state.json")));
  EXPECT_EQ(state["plan"], vernier_plan_digest(saving.handle));
  EXPECT_EQ(state["model"].get<std::string>().size(), 32u);
  state.erase("plan");
  state.erase("model");
  EXPECT_EQ(
      state.dump(),
      "{\"step\":1,\"options\":{\"model\":\"tiny\",\"target\":\"cpu:test\","
      "\"policy\":\"f16\",\"optimizer\":\"sgd\"},\"counters\":{\"steps\":0,"
      "\"seen\":5},\"loss_scale\":{\"scale\":65536.5},\"application\":{"
      "\"b\":[1,{}],\"a\":\"x\"}}");
}

// A plan with the same states goes on, and what it does otherwise is said; not
// to those who only read parameters.
TEST_F(Checkpoint, OtherPlans) {
  TestPlan saving = makeTrainingPlan(), loading = makeTrainingPlan();
  saving.options = {{"optimizer", "sgd,lr=1"}, {"policy", "f16"}};
  loading.options = {
      {"optimizer", "sgd,lr=2"}, {"policy", "f16"}, {"casts", "x"}};
  Plan one(saving), other(loading);
  Session session(one.handle), next(other.handle);
  EXPECT_OK(
      vernier_session_save(session.handle, directory.c_str(), 1, nullptr, {}));
  std::string folder = directory + "/step-00000001";
  vernier_status_t status =
      vernier_session_load(next.handle, directory.c_str(), nullptr, nullptr);
  EXPECT_EQ(status.code, VERNIER_OK);
  EXPECT_EQ(
      status.message,
      "the checkpoint '" + folder +
          "' is of another plan; training goes on as this one says:\n"
          "  optimizer: sgd,lr=1, now sgd,lr=2\n  casts: (default), now x");
  status = vernier_session_load_for_inference(next.handle, directory.c_str(),
                                              nullptr, nullptr);
  EXPECT_EQ(status.message, nullptr);
  // Damage that was passed over is said as well.
  mkdir((directory + "/step-00000002").c_str(), 0777);
  loading.options = saving.options;
  loading.entries[1].savedBytes = 64;
  Plan third(loading);
  Session last(third.handle);
  status =
      vernier_session_load(last.handle, directory.c_str(), nullptr, nullptr);
  std::string message = status.message;
  EXPECT_EQ(message.rfind("skipped the damaged checkpoint", 0), 0u) << message;
  EXPECT_NE(
      message.find("; loaded '" + folder + "'\nthe checkpoint '" + folder),
      std::string::npos)
      << message;
  EXPECT_NE(message.find("\n  its options are the same;"), std::string::npos)
      << message;
}

// Checkpoints of version 2 had the application's object in metadata.json.
TEST_F(Checkpoint, Version2) {
  EXPECT_OK(save(4, {}, "{\"new\": 1}"));
  std::string folder = directory + "/step-00000004";
  const std::string texts[][2] = {{"metadata.json", "{\"old\":  1}"},
                                  {"state.json", "{\"step\": 4}"}};
  runtime::Manifest manifest;
  std::string text = readText(folder + "/MANIFEST.json");
  ASSERT_TRUE(runtime::readManifest({text.begin(), text.end()}, manifest).ok());
  for (const auto &[name, contents] : texts) {
    runtime::Folder opened;
    runtime::HashedFile file;
    ASSERT_TRUE(opened.open(folder).ok());
    std::filesystem::remove(folder + '/' + name);
    ASSERT_TRUE(file.create(opened, name).ok());
    ASSERT_TRUE(file.write(contents.data(), contents.size()).ok());
    ASSERT_TRUE(file.finish(manifest[name]).ok());
  }
  auto writeVersion = [&](const std::string &version) {
    std::string written = runtime::writeManifest(manifest);
    std::string current = "\"version\": 3";
    written.replace(written.find(current), current.size(),
                    "\"version\": " + version);
    writeText(folder + "/MANIFEST.json", written);
  };
  writeVersion("2");
  uint64_t step = 0;
  const char *metadata = nullptr;
  EXPECT_OK(
      vernier_session_load(fresh.handle, directory.c_str(), &step, &metadata));
  EXPECT_EQ(step, 4u);
  EXPECT_STREQ(metadata, "{\"old\":  1}");
  EXPECT_EQ(getStates(fresh), getStates(trained));
  for (const char *version : {"1", "4"}) {
    writeVersion(version);
    EXPECT_STATUS(VERNIER_BAD_FILE, "this runtime reads versions 2 to 3",
                  load());
  }
}

// Copies are not saved but derived.
TEST_F(Checkpoint, RefreshesCopies) {
  EXPECT_OK(save(1));
  EXPECT_EQ(readText(path("step-00000001", "params.safetensors")).find("bf16"),
            std::string::npos);
  EXPECT_OK(load());
  uint16_t low[2][16];
  Session *sessions[] = {&trained, &fresh};
  for (int i = 0; i < 2; ++i) {
    sessions[i]->run("predict");
    EXPECT_OK(vernier_session_get_output(sessions[i]->handle, "predict", "low",
                                         low[i], sizeof(low[i])));
  }
  EXPECT_EQ(std::memcmp(low[0], low[1], sizeof(low[0])), 0);
}

// The newest is loaded; without metadata there is none; a checkpoint's own
// folder works as well.
TEST_F(Checkpoint, LoadsTheNewest) {
  EXPECT_OK(save(9, {}, "{}"));
  train(1);
  EXPECT_OK(save(10));
  uint64_t step = 0;
  const char *metadata = "";
  EXPECT_OK(
      vernier_session_load(fresh.handle, directory.c_str(), &step, &metadata));
  EXPECT_EQ(step, 10u);
  EXPECT_EQ(metadata, nullptr);
  EXPECT_OK(vernier_session_load(
      fresh.handle, (directory + "/step-00000009").c_str(), &step, &metadata));
  EXPECT_EQ(step, 9u);
  EXPECT_STREQ(metadata, "{}");
}

// Saving a step again replaces it.
TEST_F(Checkpoint, SavesAStepAgain) {
  EXPECT_OK(save(5));
  train(1);
  EXPECT_OK(save(5));
  EXPECT_OK(load());
  EXPECT_EQ(getStates(fresh), getStates(trained));
  EXPECT_EQ(list().size(), 2u);
}

// The last `keep` stay, and what was just written even if it is not of them.
TEST_F(Checkpoint, Prunes) {
  for (uint64_t step : {100, 99999999, 100000000, 300})
    EXPECT_OK(save(step, {3, 0}));
  EXPECT_EQ(list(),
            (std::vector<std::string>{"LATEST", "step-00000300",
                                      "step-100000000", "step-99999999"}));
  EXPECT_OK(save(7, {1, 0}));
  EXPECT_EQ(list(), (std::vector<std::string>{"LATEST", "step-00000007",
                                              "step-100000000"}));
  EXPECT_OK(save(200, {1, 4}));
  EXPECT_EQ(list(), (std::vector<std::string>{"LATEST", "step-00000200",
                                              "step-100000000"}));
  EXPECT_OK(save(100000001, {1, 100}));
  EXPECT_EQ(list(),
            (std::vector<std::string>{"LATEST", "step-00000200",
                                      "step-100000000", "step-100000001"}));
}

// Leftovers of killed processes go, also where another process has got their
// number since: the lock says that nobody else is saving.
TEST_F(Checkpoint, RemovesStaleFolders) {
  std::string suffixes[] = {"2000000000", std::to_string(getpid()), "1"};
  for (const std::string &suffix : suffixes)
    for (const char *start : {"/.tmp-3-", "/.trash-step-00000001-"}) {
      std::string folder = directory + start + suffix;
      mkdir(folder.c_str(), 0777);
      writeText(folder + "/x", "x");
    }
  writeText(directory + "/LATEST.tmp", "step-");
  EXPECT_OK(save(1));
  EXPECT_EQ(list(), (std::vector<std::string>{"LATEST", "step-00000001"}));
}

// Whatever a folder of checkpoints holds, nothing outside of it is changed:
// links that have the names of leftovers, of checkpoints, of files.
TEST_F(Checkpoint, NeverFollowsLinks) {
  std::string outside = directory + "-outside";
  auto link = [&](const std::string &name) {
    ASSERT_EQ(symlink(outside.c_str(), (directory + '/' + name).c_str()), 0);
  };
  std::filesystem::create_directory(outside);
  writeText(outside + "/MANIFEST.json", "precious");
  std::string latest = outside + "/MANIFEST.json";
  link(".trash-step-00000001-2000000000");
  link(".tmp-1-2000000000");
  link(".tmp-2-" + std::to_string(getpid()));
  link(".trash-step-00000003-" + std::to_string(getpid()));
  link("step-00000002"); // saved over
  link("step-00000003"); // pruned
  for (const char *name : {"/LATEST", "/LATEST.tmp"})
    ASSERT_EQ(symlink(latest.c_str(), (directory + name).c_str()), 0);
  EXPECT_OK(save(2));
  EXPECT_OK(save(5, {1, 0}));
  EXPECT_EQ(list(), (std::vector<std::string>{"LATEST", "step-00000005"}));
  EXPECT_EQ(readText(latest), "precious");
  EXPECT_EQ(readText(directory + "/LATEST"), "step-00000005\n");
  std::filesystem::remove_all(outside);
}

// A folder in the place of a file, or a folder within a leftover, is not
// entered either; what cannot be removed is no reason to fail.
TEST_F(Checkpoint, FoldersInTheWay) {
  for (const char *name : {"/.trash-x-1/inner/deep", "/step-00000001/inner"})
    std::filesystem::create_directories(directory + name);
  writeText(directory + "/.trash-x-1/inner/deep/file", "kept");
  EXPECT_OK(save(1));
  EXPECT_EQ(readText(directory + "/.trash-x-1/inner/deep/file"), "kept");
  EXPECT_OK(load());
  std::filesystem::create_directory(directory + "/LATEST.tmp");
  EXPECT_OK(save(2));
}

// While another process saves to a folder, this one is told so; once that is
// gone, however it went, all is well.
TEST_F(Checkpoint, OneProcessAtATime) {
  int other = open(directory.c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(flock(other, LOCK_EX | LOCK_NB), 0); // as another process would
  EXPECT_STATUS(VERNIER_RESOURCES, "another process saves to '", save(1));
  EXPECT_STATUS(VERNIER_RESOURCES, "choose another folder",
                vernier_session_check_save(trained.handle, directory.c_str()));
  EXPECT_TRUE(list().empty());
  close(other);
  EXPECT_OK(save(1));
  // The lock is the session's until it is released, and this process's own
  // sessions share it.
  EXPECT_OK(
      vernier_session_save(fresh.handle, directory.c_str(), 2, nullptr, {}));
  other = open(directory.c_str(), O_RDONLY | O_DIRECTORY);
  EXPECT_NE(flock(other, LOCK_EX | LOCK_NB), 0);
  EXPECT_OK(vernier_session_save(fresh.handle, (directory + "/b").c_str(), 2,
                                 nullptr, {}));
  EXPECT_OK(vernier_session_save(trained.handle, (directory + "/c").c_str(), 2,
                                 nullptr, {}));
  EXPECT_EQ(flock(other, LOCK_EX | LOCK_NB), 0);
  close(other);
}

// Whoever puts a pipe into the place of a file does not make a load wait.
TEST_F(Checkpoint, PipesAreDamage) {
  EXPECT_OK(save(1));
  EXPECT_OK(save(2));
  for (const char *file :
       {"params.safetensors", "optimizer.safetensors", "state.json"}) {
    std::string place = path("step-00000002", file);
    std::string contents = readText(place);
    std::remove(place.c_str());
    mkfifo(place.c_str(), 0666);
    uint64_t step = 0;
    EXPECT_STATUS(VERNIER_OK, "it is a pipe, not a file", load(&step));
    EXPECT_EQ(step, 1u);
    std::remove(place.c_str());
    writeText(place, contents);
  }
}

TEST_F(Checkpoint, Misuse) {
  const auto bad = VERNIER_INVALID_ARGUMENT;
  EXPECT_STATUS(bad, "session is null",
                vernier_session_save(nullptr, "x", 0, nullptr, {}));
  EXPECT_STATUS(bad, "directory is null",
                vernier_session_save(trained.handle, nullptr, 0, nullptr, {}));
  EXPECT_STATUS(bad, "must be a JSON object", save(0, {}, "[1]"));
  EXPECT_STATUS(bad, "must be a JSON object", save(0, {}, "{"));
  EXPECT_STATUS(bad, "occurs twice", save(0, {}, "{\"a\": 1, \"a\": 2}"));
  EXPECT_STATUS(bad, "must be a JSON object", save(0, {}, "{}, \"step\": 9"));
  auto nested = [](int levels) {
    std::string text;
    for (int i = 0; i < levels; ++i)
      text += "{\"a\":";
    return text + '1' + std::string(levels, '}');
  };
  EXPECT_STATUS(bad, "nested too deeply", save(0, {}, nested(16).c_str()));
  EXPECT_EQ(list().size(), 0u);
  EXPECT_STATUS(bad, "session is null",
                vernier_session_load(nullptr, "x", nullptr, nullptr));
  EXPECT_STATUS(bad, "is null or empty",
                vernier_session_load(fresh.handle, "", nullptr, nullptr));
  EXPECT_STATUS(bad, "No such file",
                vernier_session_load(fresh.handle,
                                     (directory + "/none").c_str(), nullptr,
                                     nullptr));
  EXPECT_STATUS(VERNIER_BAD_FILE, "there is no checkpoint below", load());
}

//===----------------------------------------------------------------------===//
// Damage
//===----------------------------------------------------------------------===//

// A damaged newest checkpoint is skipped, and the status says so.
TEST_F(Checkpoint, FallsBack) {
  EXPECT_OK(save(1));
  std::vector<float> good = getStates(trained);
  train(1);
  EXPECT_OK(save(2));
  mkdir((directory + "/step-00000003").c_str(), 0777); // no manifest
  std::string file = path("step-00000002", "params.safetensors");
  std::string text = readText(file);
  text.back() ^= 1;
  writeText(file, text);
  uint64_t step = 0;
  EXPECT_STATUS(VERNIER_OK, file, load(&step));
  EXPECT_EQ(step, 1u);
  EXPECT_EQ(getStates(fresh), good);
}

/// Every bit of a file flipped, every prefix of it, and the file gone: `check`
/// is called after each.
template <typename Check>
static void damage(const std::string &file, const Check &check) {
  std::string text = readText(file);
  for (size_t at = 0; at < text.size(); ++at)
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string damaged = text;
      damaged[at] ^= 1 << bit;
      writeText(file, damaged);
      check(runtime::join("bit ", bit, " of byte ", at));
    }
  for (size_t size = 0; size < text.size(); ++size) {
    writeText(file, text.substr(0, size));
    check(runtime::join("its first ", size, " bytes"));
  }
  unlink(file.c_str());
  check("missing");
  writeText(file, text);
}

// Every file may be damaged or missing: the session keeps its values. What a
// manifest can lose without harm is its last newline; and it may say version 2,
// whose other files are read in the same way.
TEST_F(Checkpoint, DamageChangesNothing) {
  EXPECT_OK(save(1, {}, "{\"a\": 1}"));
  std::vector<float> before = getStates(fresh);
  std::vector<std::string> harmless;
  for (const char *name : {"params.safetensors", "optimizer.safetensors",
                           "state.json", "MANIFEST.json"})
    damage(path("step-00000001", name), [&](const std::string &what) {
      const char *metadata = nullptr;
      vernier_status_t status = vernier_session_load(
          fresh.handle, directory.c_str(), nullptr, &metadata);
      std::vector<float> after = getStates(fresh);
      if (status.code == VERNIER_OK) {
        harmless.push_back(name + (": " + what));
        EXPECT_EQ(after, getStates(trained));
        EXPECT_STREQ(metadata, "{\"a\":1}");
        setStates(fresh, before);
      } else {
        EXPECT_EQ(status.code, VERNIER_BAD_FILE) << name << ": " << what;
        ASSERT_EQ(after, before) << name << ": " << what;
      }
    });
  std::string manifest = readText(path("step-00000001", "MANIFEST.json"));
  EXPECT_EQ(harmless, (std::vector<std::string>{
                          runtime::join("MANIFEST.json: bit 0 of byte ",
                                        manifest.find("\"version\": 3") + 11),
                          runtime::join("MANIFEST.json: its first ",
                                        manifest.size() - 1, " bytes")}));
  EXPECT_OK(load());
}

// Names in a manifest do not lead out of the checkpoint.
TEST_F(Checkpoint, ManifestNames) {
  EXPECT_OK(save(1, {}, "{}"));
  std::string file = path("step-00000001", "MANIFEST.json");
  std::string text = readText(file), name = "state.json";
  text.replace(text.find(name), name.size(), "../state.json");
  writeText(file, text);
  EXPECT_STATUS(VERNIER_BAD_FILE, "'../state.json' is bad", load());
}

// A checkpoint of another model is refused with the first difference, and no
// older one is tried.
TEST_F(Checkpoint, OtherModels) {
  EXPECT_OK(save(1));
  auto loadInto = [&](const auto &change) {
    TestPlan other = makeTrainingPlan();
    change(other);
    Plan loaded(other);
    Session session(loaded.handle);
    vernier_status_t status = vernier_session_load(
        session.handle, directory.c_str(), nullptr, nullptr);
    return status;
  };
  EXPECT_STATUS(VERNIER_BAD_FILE, "it has no 'v', which the plan has",
                loadInto([](TestPlan &p) {
                  p.states[0].name = p.states[3].copyOf = "v";
                }));
  EXPECT_STATUS(VERNIER_BAD_FILE, "'m' is f32[4, 4], in the plan it is f32[16]",
                loadInto([](TestPlan &p) { p.states[1].shape = {16}; }));
  EXPECT_STATUS(VERNIER_BAD_FILE, "'steps' is i32[], in the plan it is f32[]",
                loadInto([](TestPlan &p) { p.states[2].dtype = DType::f32; }));
  EXPECT_STATUS(
      VERNIER_BAD_FILE, "it has 'steps', which the plan does not",
      loadInto([](TestPlan &p) { p.states.erase(p.states.begin() + 2); }));
  // A plan compiled otherwise, with the same states, is welcome.
  EXPECT_OK(loadInto([](TestPlan &p) { p.entries[1].savedBytes = 64; }));
}

// What the step alone needs comes and goes with the policy: a scaler's states
// and an empty window are dropped, or start anew whatever the session had
// there.
TEST_F(Checkpoint, OtherPolicies) {
  TestPlan scaled = makeTrainingPlan();
  scaled.state("amp.scale", Role::loss_scale, DType::f32, {}).a = 1024;
  scaled.state("amp.skipped_steps", Role::counter, DType::i32, {}).a = 7;
  scaled.state("w.grad", Role::accumulator, DType::f32, {4, 4});
  scaled.state("train.micro_step", Role::accumulator, DType::i32, {});
  Plan other(scaled);
  Session session(other.handle);
  auto set = [&](const char *name, int32_t value) {
    EXPECT_OK(vernier_session_set_state(session.handle, name, &value, 4));
  };
  auto get = [&](const char *name) {
    int32_t value = 0;
    EXPECT_OK(vernier_session_get_state(session.handle, name, &value, 4));
    return value;
  };
  auto loadInto = [&](Session &loading) {
    return vernier_session_load(loading.handle, directory.c_str(), nullptr,
                                nullptr);
  };
  EXPECT_OK(save(3));
  set("amp.skipped_steps", 9);
  set("train.micro_step", 1);
  vernier_status_t status = loadInto(session);
  EXPECT_EQ(status.code, VERNIER_OK) << status.message;
  std::string message = status.message;
  for (const char *part :
       {"the loss scaler starts anew: 'amp.scale', 'amp.skipped_steps'",
        "the sums of micro-batches start empty: 'w.grad', 'train.micro_step'"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_EQ(getStates(session), getStates(trained));
  EXPECT_EQ(session.state("amp.scale", 1)[0], 1024);
  EXPECT_EQ(get("amp.skipped_steps"), 7);
  EXPECT_EQ(get("train.micro_step"), 0);

  // And back, at the end of a window.
  EXPECT_OK(
      vernier_session_save(session.handle, directory.c_str(), 4, nullptr, {}));
  status = loadInto(fresh);
  EXPECT_EQ(status.code, VERNIER_OK) << status.message;
  message = status.message;
  EXPECT_NE(message.find("the loss scaler's states are dropped: 'amp.scale'"),
            std::string::npos)
      << message;
  EXPECT_EQ(getStates(fresh), getStates(trained));
  set("train.micro_step", 1);
  EXPECT_OK(
      vernier_session_save(session.handle, directory.c_str(), 5, nullptr, {}));
  EXPECT_STATUS(VERNIER_BAD_FILE,
                "was saved within a window, after 1 of its micro-batches",
                loadInto(fresh));
  EXPECT_OK(loadInto(session));
}

// Inference takes parameters of whatever optimizer; moments stay as they were.
TEST_F(Checkpoint, LoadsForInference) {
  EXPECT_OK(save(1));
  auto loadInto = [&](const auto &change, const auto &look) {
    TestPlan other = makeTrainingPlan();
    change(other);
    Plan loaded(other);
    Session session(loaded.handle, "cpu:1", /*seed=*/99);
    vernier_status_t status = vernier_session_load_for_inference(
        session.handle, directory.c_str(), nullptr, nullptr);
    look(session);
    return status;
  };
  auto nothing = [](auto &) {};
  std::vector<float> w = trained.state("w", 16);
  EXPECT_OK(loadInto([](TestPlan &p) { p.states[1].name = "other"; },
                     [&](Session &session) {
                       EXPECT_EQ(session.state("w", 16), w);
                       EXPECT_EQ(session.state("other", 16),
                                 std::vector<float>(16, 0.0f));
                     }));
  EXPECT_STATUS(
      VERNIER_BAD_FILE, "it has no 'v', which the plan has",
      loadInto([](TestPlan &p) { p.states[0].name = p.states[3].copyOf = "v"; },
               nothing));
  // A statistic is needed if an entry uses it that does not train.
  auto addStatistic = [](TestPlan &p) -> TestState & {
    return p.state("s", Role::statistic, DType::f32, {});
  };
  EXPECT_OK(loadInto(addStatistic, nothing));
  EXPECT_STATUS(VERNIER_BAD_FILE, "it has no 's', which the plan has",
                loadInto(
                    [&](TestPlan &p) {
                      const TestState &state = addStatistic(p);
                      for (TestEntry &entry : p.entries)
                        if (entry.name == "predict")
                          entry.use(state);
                    },
                    nothing));
  // The optimizer's file is not looked at; the others are.
  writeText(path("step-00000001", "optimizer.safetensors"), "");
  EXPECT_OK(loadInto([](TestPlan &) {}, nothing));
  writeText(path("step-00000001", "params.safetensors"), "");
  EXPECT_STATUS(VERNIER_BAD_FILE, "params.safetensors",
                loadInto([](TestPlan &) {}, nothing));
}

// What the plan does not have is passed over, and said.
TEST_F(Checkpoint, LoadsForInferenceOfMore) {
  TestPlan more = makeTrainingPlan();
  more.state("average", Role::statistic, DType::f32, {4});
  Plan saving(more);
  Session session(saving.handle);
  EXPECT_OK(
      vernier_session_save(session.handle, directory.c_str(), 1, nullptr, {}));
  vernier_status_t status = vernier_session_load_for_inference(
      fresh.handle, directory.c_str(), nullptr, nullptr);
  EXPECT_EQ(status.code, VERNIER_OK);
  EXPECT_EQ(status.message, "of '" + directory +
                                "/step-00000001': it has 'average', which the "
                                "plan does not have; loaded '" +
                                directory + "/step-00000001'");
  EXPECT_EQ(fresh.state("w", 16), session.state("w", 16));
}

//===----------------------------------------------------------------------===//
// Disks
//===----------------------------------------------------------------------===//

// A disk that takes no more: a status, no leftovers, earlier checkpoints whole.
TEST_F(Checkpoint, FullDisk) {
  EXPECT_OK(save(1));
  std::vector<std::string> before = list();
  // A limit on the size of files stands for a full disk, at every place.
  signal(SIGXFSZ, SIG_IGN);
  rlimit old, limit;
  getrlimit(RLIMIT_FSIZE, &old);
  for (rlim_t size : {0, 10, 100, 300, 500}) {
    limit = {size, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    vernier_status_t status = save(2);
    setrlimit(RLIMIT_FSIZE, &old);
    EXPECT_EQ(status.code, VERNIER_RESOURCES) << size;
    EXPECT_NE(std::string(status.message).find(directory), std::string::npos);
    EXPECT_EQ(list(), before) << size;
  }
  EXPECT_OK(load());
  EXPECT_OK(save(2));
}

TEST_F(Checkpoint, UnwritableFolder) {
  EXPECT_STATUS(
      VERNIER_RESOURCES, "cannot create the folder '/proc/x'",
      vernier_session_save(trained.handle, "/proc/x", 1, nullptr, {}));
  std::string file = directory + "/file";
  writeText(file, "");
  EXPECT_STATUS(
      VERNIER_RESOURCES, "Not a directory",
      vernier_session_save(trained.handle, file.c_str(), 1, nullptr, {}));
}

// Whether a checkpoint could be saved is known without saving one, and nothing
// of the question remains.
TEST_F(Checkpoint, ChecksSpace) {
  auto checkSave = [&](const std::string &folder) {
    return vernier_session_check_save(trained.handle, folder.c_str());
  };
  EXPECT_OK(checkSave(directory));
  EXPECT_TRUE(list().empty());
  EXPECT_OK(checkSave(directory + "/new"));
  EXPECT_TRUE(list().empty());
  EXPECT_STATUS(VERNIER_RESOURCES, "none/new", checkSave("none/new"));
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "directory is null or empty",
                checkSave(""));
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "session is null",
                vernier_session_check_save(nullptr, "x"));
  // What a process that is gone left is removed; checkpoints stay.
  EXPECT_OK(save(1));
  std::filesystem::create_directory(directory + "/.tmp-7-999999999");
  EXPECT_OK(checkSave(directory));
  EXPECT_EQ(list(), (std::vector<std::string>{"LATEST", "step-00000001"}));
}

// The messages for a full disk say what to do.
TEST_F(Checkpoint, FullDiskMessage) {
  runtime::OutputFile file;
  runtime::Folder folder;
  ASSERT_TRUE(folder.open(directory).ok());
  ASSERT_TRUE(file.create(folder.getDescriptor(), directory, "full").ok());
  runtime::Status status = file.reserve(uint64_t(1) << 62);
  EXPECT_EQ(status.getCode(), VERNIER_RESOURCES);
  EXPECT_NE(status.getMessage().find("/full': "), std::string::npos)
      << status.getMessage();
  // What is there already is not written over.
  runtime::OutputFile again;
  EXPECT_FALSE(again.create(folder.getDescriptor(), directory, "full").ok());
}

// Only files are read: nothing that would wait, or never end.
TEST_F(Checkpoint, ReadsOnlyFiles) {
  std::string pipe = directory + "/pipe", link = directory + "/link";
  mkfifo(pipe.c_str(), 0666);
  ASSERT_EQ(symlink(pipe.c_str(), link.c_str()), 0);
  const std::pair<std::string, const char *> cases[] = {
      {pipe, "it is a pipe"},          {link, "it is a pipe"},
      {"/dev/zero", "it is a device"}, {"/dev/tty", "it is a device"},
      {directory, "it is a folder"},   {directory + "/none", "No such file"}};
  for (const auto &[path, message] : cases) {
    vernier_plan_t *loaded = nullptr;
    EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, message,
                  vernier_plan_load(path.c_str(), &loaded));
  }
}
