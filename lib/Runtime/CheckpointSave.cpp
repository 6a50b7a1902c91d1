//===- CheckpointSave.cpp - Writing checkpoints
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
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <unistd.h>

using namespace vernier;
using namespace vernier::runtime;

std::string
vernier::runtime::getModelFingerprint(const vernier_session_t &session) {
  Hasher hasher;
  for (const BoundState &state : session.states) {
    std::string line =
        state.tensor.getName() + ' ' +
        describe(state.tensor.getDType(), state.tensor.getShape()) + '\n';
    hasher.update(line.data(), line.size());
  }
  Digest digest = hasher.finish();
  return toHex(digest.data(), digest.size());
}

static std::string getStepFolder(uint64_t step) {
  char name[32];
  std::snprintf(name, sizeof(name), "step-%08llu",
                static_cast<unsigned long long>(step));
  return name;
}

bool vernier::runtime::parseStepFolder(const std::string &name,
                                       uint64_t &step) {
  if (name.rfind("step-", 0) != 0 || name.size() < 13 || name.size() > 25)
    return false;
  for (size_t i = 5; i < name.size(); ++i)
    if (name[i] < '0' || name[i] > '9')
      return false;
  errno = 0;
  step = std::strtoull(name.c_str() + 5, nullptr, 10);
  return errno == 0 && getStepFolder(step) == name;
}

//===----------------------------------------------------------------------===//
// Files of a checkpoint
//===----------------------------------------------------------------------===//

/// The states that belong (or not) to params.safetensors.
static std::vector<const Tensor *>
selectTensors(const vernier_session_t &session, bool parameters) {
  std::vector<const Tensor *> tensors;
  for (const BoundState &state : session.states)
    if (isForInference(state) == parameters)
      tensors.push_back(&state.tensor);
  return tensors;
}

static Status writeTensors(const vernier_session_t &session,
                           const std::string &path, bool parameters,
                           FileDigest &digest) {
  std::vector<const Tensor *> tensors = selectTensors(session, parameters);
  HashedFile file(path);
  VERNIER_TRY(file.open());
  std::string header = makeSafetensorsHeader(tensors);
  VERNIER_TRY(file.write(header.data(), header.size()));
  for (const BoundState &state : session.states) {
    if (isForInference(state) != parameters)
      continue;
    Status status;
    state.layout.forEachRun([&](uint64_t, uint64_t memory, uint64_t bytes) {
      if (status.ok())
        status = file.write(state.data + memory, bytes);
    });
    VERNIER_TRY(std::move(status));
  }
  return file.finish(digest);
}

static Status writeText(const std::string &path, const std::string &text,
                        FileDigest &digest) {
  HashedFile file(path);
  VERNIER_TRY(file.open());
  VERNIER_TRY(file.write(text.data(), text.size()));
  return file.finish(digest);
}

static Status writeFolder(const vernier_session_t &session,
                          const std::string &folder, uint64_t step,
                          const char *metadata) {
  VERNIER_TRY(createFolder(folder));
  Manifest manifest;
  VERNIER_TRY(writeTensors(session, folder + '/' + paramsFile,
                           /*parameters=*/true, manifest[paramsFile]));
  VERNIER_TRY(writeTensors(session, folder + '/' + optimizerFile,
                           /*parameters=*/false, manifest[optimizerFile]));
  VERNIER_TRY(writeText(folder + '/' + stateFile,
                        makeState(session, step, metadata),
                        manifest[stateFile]));
  VERNIER_TRY(writeFile(folder + '/' + manifestFile, writeManifest(manifest)));
  return syncFolder(folder);
}

/// The larger files of a checkpoint, without contents.
static Status reserveFolder(const vernier_session_t &session,
                            const std::string &folder) {
  VERNIER_TRY(createFolder(folder));
  for (bool parameters : {true, false}) {
    std::vector<const Tensor *> tensors = selectTensors(session, parameters);
    uint64_t bytes = makeSafetensorsHeader(tensors).size();
    for (const Tensor *tensor : tensors)
      bytes += tensor->getBytes();
    OutputFile file(folder + '/' + (parameters ? paramsFile : optimizerFile));
    VERNIER_TRY(file.open());
    VERNIER_TRY(file.reserve(bytes));
  }
  return syncFolder(folder);
}

//===----------------------------------------------------------------------===//
// The folder of checkpoints
//===----------------------------------------------------------------------===//

/// Remove what saves of processes that are gone left behind. Our own leftovers
/// are of failed saves: one save runs at a time in a process.
static void removeStale(const std::string &directory) {
  std::vector<std::string> names;
  if (!listFolder(directory, names).ok())
    return;
  for (const std::string &name : names) {
    if (name.rfind(".tmp-", 0) != 0 && name.rfind(".trash-", 0) != 0)
      continue;
    pid_t process = std::atoi(name.c_str() + name.rfind('-') + 1);
    bool isGone = process <= 0 || process == getpid() ||
                  (kill(process, 0) != 0 && errno == ESRCH);
    if (isGone)
      removeFolder(directory + '/' + name);
  }
}

/// Remove the checkpoints that need not be kept; the one just written is.
static Status prune(const std::string &directory, uint64_t written,
                    vernier_retention_t kept) {
  std::vector<std::string> names;
  VERNIER_TRY(listFolder(directory, names));
  std::vector<uint64_t> steps;
  uint64_t step = 0;
  for (const std::string &name : names)
    if (parseStepFolder(name, step))
      steps.push_back(step);
  std::sort(steps.begin(), steps.end());
  std::string suffix = '-' + std::to_string(getpid());
  for (size_t i = 0; i + kept.newest < steps.size(); ++i) {
    if (steps[i] == written || (kept.every && steps[i] % kept.every == 0))
      continue;
    // Renamed first, so that no half-deleted checkpoint looks like one.
    std::string name = getStepFolder(steps[i]);
    std::string trash = directory + "/.trash-" + name + suffix;
    VERNIER_TRY(renamePath(directory + '/' + name, trash));
    removeFolder(trash);
  }
  return {};
}

/// One save at a time in a process: the names of its folders hold its number.
static std::mutex saving;

Status vernier::runtime::saveCheckpoint(vernier_session_t &session,
                                        const std::string &directory,
                                        uint64_t step, const char *metadata,
                                        vernier_retention_t kept) {
  std::lock_guard<std::mutex> lock(saving);
  VERNIER_TRY(checkMetadata(metadata));
  VERNIER_TRY(createFolder(directory));
  removeStale(directory);
  std::string folder = getStepFolder(step);
  std::string temporary = directory + "/.tmp-" + std::to_string(step) + '-' +
                          std::to_string(getpid());
  Status status = writeFolder(session, temporary, step, metadata);
  if (status.ok())
    status = exchangePath(temporary, directory + '/' + folder);
  // Now it holds what failed, or an older checkpoint of the same step.
  removeFolder(temporary);
  VERNIER_TRY(std::move(status));
  VERNIER_TRY(syncFolder(directory));
  VERNIER_TRY(replaceFile(directory + "/LATEST", folder + '\n'));
  VERNIER_TRY(syncFolder(directory));
  return kept.newest ? prune(directory, step, kept) : Status();
}

Status vernier::runtime::checkSpace(vernier_session_t &session,
                                    const std::string &directory) {
  std::lock_guard<std::mutex> lock(saving);
  bool isNew = !exists(directory);
  VERNIER_TRY(createFolder(directory));
  removeStale(directory);
  std::string temporary = directory + "/.tmp-probe-" + std::to_string(getpid());
  Status status = reserveFolder(session, temporary);
  if (status.ok())
    status = syncFolder(directory);
  removeFolder(temporary);
  if (isNew)
    removeFolder(directory);
  return status;
}

vernier_status_t vernier_session_check_save(vernier_session_t *session,
                                            const char *directory) {
  return guarded([&]() -> Status {
    if (!session || !directory || !*directory)
      return invalidArgument(
          "vernier_session_check_save: ", session ? "directory" : "session",
          " is null or empty");
    return checkSpace(*session, directory);
  });
}

vernier_status_t vernier_session_save(vernier_session_t *session,
                                      const char *directory, uint64_t step,
                                      const char *metadata,
                                      vernier_retention_t kept) {
  return guarded([&]() -> Status {
    if (!session || !directory || !*directory)
      return invalidArgument(
          "vernier_session_save: ", session ? "directory" : "session",
          " is null or empty");
    return saveCheckpoint(*session, directory, step, metadata, kept);
  });
}
