//===- CheckpointLoad.cpp - Reading checkpoints
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Checkpoint.h"

#include "Runtime/File.h"
#include "Runtime/Manifest.h"
#include "Runtime/Safetensors.h"

#include <algorithm>
#include <cstring>

using namespace vernier;
using namespace vernier::runtime;

namespace {

/// A checkpoint in memory, verified but not yet applied.
struct Loaded {
  std::map<std::string, std::vector<uint8_t>> files;
  std::vector<StoredTensor> parameters, others; ///< point into `files`
  SavedState state;
};

/// Damage means: try an older checkpoint. Another model does not.
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
// Comparison with the session
//===----------------------------------------------------------------------===//

/// Whether an entry that does not train uses a state. An average of parameters
/// that the optimizer keeps is none of these.
static bool isUsedForInference(const vernier_session_t &session,
                               const BoundState &state) {
  auto begin = static_cast<uint64_t>(state.data - session.memory.data());
  uint64_t end = begin + std::max<uint64_t>(state.tensor.getBytes(), 1);
  for (const schema::Entry *entry : *session.plan->schema->entries()) {
    std::string name = entry->name()->str();
    if (name == "step" || name == "accumulate" || name == "refresh")
      continue;
    for (const schema::Buffer *buffer : *entry->buffers())
      if (buffer->memory() == schema::Memory::state &&
          buffer->offset() >= begin && buffer->offset() < end)
        return true;
  }
  return false;
}

/// The stored tensor for each state of one file, in the session's order. For
/// inference what is missing may be missing if no entry uses it; what is left
/// over is left in `others`.
static Status matchTensors(const vernier_session_t &session, bool parameters,
                           const std::vector<StoredTensor> &tensors, Part part,
                           std::vector<const StoredTensor *> &matches,
                           std::string &others) {
  std::map<std::string, const StoredTensor *> byName;
  for (const StoredTensor &tensor : tensors)
    byName[tensor.name] = &tensor;
  for (size_t i = 0; i < session.states.size(); ++i) {
    const BoundState &state = session.states[i];
    if (isForInference(state) != parameters)
      continue;
    const Tensor &own = state.tensor;
    auto found = byName.find(own.getName());
    if (found == byName.end() && part == Part::inference &&
        state.role == schema::Role::statistic &&
        !isUsedForInference(session, state))
      continue;
    if (found == byName.end())
      return badFile("it has no '", own.getName(), "', which the plan has");
    const StoredTensor &its = *found->second;
    if (its.dtype != own.getDType() || its.shape != own.getShape())
      return badFile("'", own.getName(), "' is ",
                     describe(its.dtype, its.shape), ", in the plan it is ",
                     describe(own.getDType(), own.getShape()));
    matches[i] = &its;
    byName.erase(found);
  }
  if (byName.empty())
    return {};
  others =
      "it has '" + byName.begin()->first + "', which the plan does not have";
  return part == Part::inference ? Status() : badFile(others);
}

/// Everything is checked; nothing can fail but the refresh of copies.
static Status apply(vernier_session_t &session, Loaded &loaded,
                    const std::vector<const StoredTensor *> &matches) {
  session.keepOutputs();
  for (size_t i = 0; i < matches.size(); ++i)
    if (matches[i])
      session.states[i].layout.write(matches[i]->data, session.states[i].data);
  session.metadata = loaded.state.metadata;
  return session.refresh();
}

static Status loadFolder(vernier_session_t &session, const std::string &folder,
                         Part part, SavedState &state, Problem &problem) {
  problem = Problem::damage;
  Loaded loaded;
  VERNIER_TRY(parseFolder(session, folder, part, loaded));
  problem = Problem::otherModel;
  std::vector<const StoredTensor *> matches(session.states.size());
  std::string others;
  Status status =
      matchTensors(session, true, loaded.parameters, part, matches, others);
  if (status.ok() && part == Part::all)
    status = matchTensors(session, false, loaded.others, part, matches, others);
  if (!status.ok())
    return badFile("the checkpoint '", folder,
                   "' is of another model: ", status.getMessage(),
                   "; load it with the plan that wrote it, or choose another "
                   "folder");
  state = loaded.state;
  VERNIER_TRY(apply(session, loaded, matches));
  return {VERNIER_OK,
          others.empty() ? "" : "of '" + folder + "': " + others + "; "};
}

//===----------------------------------------------------------------------===//
// Choice of the checkpoint
//===----------------------------------------------------------------------===//

/// Folders of checkpoints, newest first.
static Status listCheckpoints(const std::string &directory,
                              std::vector<std::string> &folders) {
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
  return {};
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

Status vernier::runtime::loadCheckpoint(vernier_session_t &session,
                                        const std::string &directory, Part part,
                                        uint64_t &step) {
  std::vector<std::string> folders;
  if (exists(directory + '/' + manifestFile))
    folders.push_back(directory);
  else
    VERNIER_TRY(listCheckpoints(directory, folders));
  if (folders.empty())
    return badFile("there is no checkpoint below '", directory,
                   "': expected folders step-NNNNNNNN; check the path");
  std::string note;
  for (const std::string &folder : folders) {
    Problem problem;
    SavedState state;
    Status status = loadFolder(session, folder, part, state, problem);
    if (status.ok()) {
      step = state.step;
      return {VERNIER_OK, describeLoad(note + status.getMessage(), folder, part,
                                       state.otherPlan)};
    }
    // Damaged bytes are worth a look at the next; a machine without memory, or
    // another model, is not.
    if (problem != Problem::damage || status.getCode() != VERNIER_BAD_FILE)
      return status;
    note += "skipped the damaged checkpoint " + status.getMessage() + "; ";
  }
  return badFile("there is no valid checkpoint below '", directory, "': ", note,
                 "restore one from a backup");
}

static vernier_status_t load(const char *function, vernier_session_t *session,
                             const char *directory, Part part, uint64_t *step,
                             const char **metadata) {
  return guarded([&]() -> Status {
    if (!session || !directory || !*directory)
      return invalidArgument(function, ": ", session ? "directory" : "session",
                             " is null or empty");
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
