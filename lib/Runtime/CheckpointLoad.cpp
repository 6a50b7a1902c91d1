//===- CheckpointLoad.cpp - Reading checkpoints
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/CheckpointMatch.h"
#include "Runtime/File.h"
#include "Runtime/Folder.h"
#include "Runtime/Initialize.h"
#include "Runtime/Manifest.h"
#include "Runtime/Safetensors.h"
#include "Runtime/SessionUse.h"

#include <algorithm>

using namespace vernier;
using namespace vernier::runtime;

namespace {

/// A checkpoint in memory, verified but not yet applied.
struct Loaded {
  std::map<std::string, std::vector<uint8_t>> files;
  std::vector<StoredTensor> parameters, others; ///< point into `files`
  SavedState state;
};

/// Damage means: try an older checkpoint. What does not fit the plan does not.
enum class Problem { damage, otherModel };

} // namespace

static Status prefix(const Status &status, const std::string &path) {
  return {status.getCode(), join("'", path, "': ", status.getMessage())};
}

/// A missing file within a checkpoint is damage, not a wrong argument.
static Status readPart(const std::string &path, std::vector<uint8_t> &bytes) {
  Status status = readFile(path, bytes);
  if (status.getCode() == VERNIER_INVALID_ARGUMENT)
    return badFile(status.getMessage());
  return status;
}

/// Read the files of the manifest and compare them with their hashes.
static Status readFiles(const std::string &folder, Part part, Loaded &loaded) {
  std::vector<uint8_t> text;
  std::string manifestPath = folder + '/' + manifestFile;
  VERNIER_TRY(readPart(manifestPath, text));
  Manifest manifest;
  Status status = readManifest(text, manifest);
  if (!status.ok())
    return prefix(status, manifestPath);
  for (const char *name : {paramsFile, optimizerFile, stateFile})
    if (!manifest.count(name))
      return prefix(badFile("it does not list ", name), manifestPath);
  for (const auto &[name, expected] : manifest) {
    if (part == Part::inference && name == optimizerFile)
      continue;
    std::string path = folder + '/' + name;
    std::vector<uint8_t> &bytes = loaded.files[name];
    VERNIER_TRY(readPart(path, bytes));
    if (status = checkFile(bytes, expected); !status.ok())
      return prefix(status, path);
  }
  return {};
}

static Status parseFolder(const vernier_session_t &session,
                          const std::string &folder, Part part,
                          Loaded &loaded) {
  VERNIER_TRY(readFiles(folder, part, loaded));
  auto parse = [&](const char *name, std::vector<StoredTensor> &tensors) {
    const std::vector<uint8_t> &bytes = loaded.files[name];
    Status status = readSafetensors(bytes.data(), bytes.size(), tensors);
    return status.ok() ? status : prefix(status, folder + '/' + name);
  };
  VERNIER_TRY(parse(paramsFile, loaded.parameters));
  if (part == Part::all)
    VERNIER_TRY(parse(optimizerFile, loaded.others));
  Status status = readState(session, loaded.files[stateFile], loaded.state);
  if (!status.ok())
    return prefix(status, folder + '/' + stateFile);
  auto found = loaded.files.find(metadataFile);
  if (found != loaded.files.end() && loaded.state.metadata.empty())
    loaded.state.metadata.assign(found->second.begin(), found->second.end());
  return {};
}

//===----------------------------------------------------------------------===//
// The session
//===----------------------------------------------------------------------===//

/// Give a state its initial value. States that start anew are constants, so
/// any seed will do.
static void reset(vernier_session_t &session, size_t index) {
  const BoundState &state = session.states[index];
  for (const schema::State *candidate : *session.plan->schema->states())
    if (state.tensor.getName() == candidate->name()->c_str())
      initialize(*candidate, /*seed=*/0, state.data);
}

/// Everything is checked and all texts are made; nothing can fail but the
/// refresh of copies.
static Status apply(vernier_session_t &session, Loaded &loaded,
                    const CheckpointMatches &matches) {
  session.keepOutputs();
  session.metadata.swap(loaded.state.metadata);
  for (size_t i = 0; i < matches.stored.size(); ++i)
    if (matches.stored[i])
      session.states[i].layout.write(matches.stored[i]->data,
                                     session.states[i].data);
  for (size_t index : matches.anew)
    reset(session, index);
  return session.refresh();
}

/// What is to be said of a load: what was passed over on the way, and that
/// training goes on otherwise. Inference is free to.
static std::string describeLoad(const std::string &passedOver,
                                const std::string &folder, Part part,
                                const std::string &otherPlan) {
  std::string text =
      passedOver.empty() ? "" : passedOver + "loaded '" + folder + "'";
  if (otherPlan.empty() || part == Part::inference)
    return text;
  return join(
      text, text.empty() ? "" : "\n", "the checkpoint '", folder,
      "' is of another plan; training goes on as this one says:", otherPlan);
}

/// `note` is what was passed over, and becomes what is to be said of the load.
static Status loadFolder(vernier_session_t &session, const std::string &folder,
                         Part part, uint64_t &step, std::string &note,
                         Problem &problem) {
  problem = Problem::damage;
  Loaded loaded;
  VERNIER_TRY(parseFolder(session, folder, part, loaded));
  problem = Problem::otherModel;
  CheckpointMatches matches;
  Status status =
      matchCheckpoint(session, loaded.parameters, loaded.others, part, matches);
  if (!status.ok())
    return badFile("the checkpoint '", folder, "' ", status.getMessage(),
                   "; load it with the plan that wrote it, or start from its "
                   "weights alone (--init)");
  if (!matches.passedOver.empty())
    note += "of '" + folder + "': " + matches.passedOver + "; ";
  note = describeLoad(note, folder, part,
                      loaded.state.otherPlan + matches.changes);
  step = loaded.state.step;
  return apply(session, loaded, matches);
}

//===----------------------------------------------------------------------===//
// Choice of the checkpoint
//===----------------------------------------------------------------------===//

/// Folders of checkpoints, newest first; at least one.
static Status findCheckpoints(const std::string &directory,
                              std::vector<std::string> &folders) {
  if (exists(directory + '/' + manifestFile)) {
    folders.push_back(directory);
    return {};
  }
  std::vector<std::string> names;
  VERNIER_TRY(listFolder(directory, names));
  std::vector<std::pair<uint64_t, std::string>> steps;
  uint64_t step = 0;
  for (const std::string &name : names)
    if (parseStepFolder(name, step))
      steps.emplace_back(step, name);
  std::sort(steps.rbegin(), steps.rend());
  for (const auto &[number, name] : steps)
    folders.push_back(directory + '/' + name);
  if (folders.empty())
    return badFile("there is no checkpoint below '", directory,
                   "': expected folders step-NNNNNNNN; check the path");
  return {};
}

static std::string describeSkipped(const Status &status) {
  return "skipped the damaged checkpoint " + status.getMessage() + "; ";
}

static Status refuseAll(const std::string &directory, const std::string &note) {
  return badFile("there is no valid checkpoint below '", directory, "': ", note,
                 "restore one from a backup");
}

Status vernier::runtime::loadCheckpoint(vernier_session_t &session,
                                        const std::string &directory, Part part,
                                        uint64_t &step) {
  std::vector<std::string> folders;
  VERNIER_TRY(findCheckpoints(directory, folders));
  std::string note;
  for (const std::string &folder : folders) {
    Problem problem;
    Status status = loadFolder(session, folder, part, step, note, problem);
    if (status.ok())
      return {VERNIER_OK, std::move(note)};
    // Damaged bytes are worth a look at the next; a machine without memory, or
    // another model, is not.
    if (problem != Problem::damage || status.getCode() != VERNIER_BAD_FILE)
      return status;
    note += describeSkipped(status);
  }
  return refuseAll(directory, note);
}

Status vernier::runtime::readCheckpointWeights(const std::string &directory,
                                               std::vector<uint8_t> &bytes,
                                               std::string &path,
                                               std::string &note) {
  std::vector<std::string> folders;
  VERNIER_TRY(findCheckpoints(directory, folders));
  for (const std::string &folder : folders) {
    Loaded loaded;
    Status status = readFiles(folder, Part::inference, loaded);
    if (status.ok()) {
      bytes = std::move(loaded.files[paramsFile]);
      path = folder + '/' + paramsFile;
      return {};
    }
    if (status.getCode() != VERNIER_BAD_FILE)
      return status;
    note += describeSkipped(status);
  }
  return refuseAll(directory, note);
}

static vernier_status_t load(const char *function, vernier_session_t *session,
                             const char *directory, Part part, uint64_t *step,
                             const char **metadata) {
  return guarded([&]() -> Status {
    if (!session || !directory || !*directory)
      return invalidArgument(function, ": ", session ? "directory" : "session",
                             " is null or empty");
    SessionUse use(*session);
    VERNIER_TRY(use.start(function, Access::change));
    uint64_t loadedStep = 0;
    Status status = loadCheckpoint(*session, directory, part, loadedStep);
    if (!status.ok())
      return status;
    if (step)
      *step = loadedStep;
    if (metadata)
      *metadata =
          session->metadata.empty() ? nullptr : session->metadata.c_str();
    return status;
  });
}

vernier_status_t vernier_session_load(vernier_session_t *session,
                                      const char *directory, uint64_t *step,
                                      const char **metadata) {
  return load("vernier_session_load", session, directory, Part::all, step,
              metadata);
}

vernier_status_t vernier_session_load_for_inference(vernier_session_t *session,
                                                    const char *directory,
                                                    uint64_t *step,
                                                    const char **metadata) {
  return load("vernier_session_load_for_inference", session, directory,
              Part::inference, step, metadata);
}
