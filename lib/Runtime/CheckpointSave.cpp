//===- CheckpointSave.cpp - Writing checkpoints
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Checkpoint.h"

#include "Runtime/File.h"
#include "Runtime/Folder.h"
#include "Runtime/Manifest.h"
#include "Runtime/Safetensors.h"
#include "Runtime/SessionUse.h"

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
                           const Folder &folder, bool parameters,
                           FileDigest &digest) {
  std::vector<const Tensor *> tensors = selectTensors(session, parameters);
  HashedFile file;
  VERNIER_TRY(file.create(folder, parameters ? paramsFile : optimizerFile));
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

static Status writeText(const Folder &folder, const char *name,
                        const std::string &text, FileDigest &digest) {
  HashedFile file;
  VERNIER_TRY(file.create(folder, name));
  VERNIER_TRY(file.write(text.data(), text.size()));
  return file.finish(digest);
}

/// Write a checkpoint into the new folder `name`.
static Status writeFolder(const vernier_session_t &session,
                          const Folder &directory, const std::string &name,
                          uint64_t step, const char *metadata) {
  Folder folder;
  VERNIER_TRY(folder.create(directory, name));
  Manifest manifest;
  VERNIER_TRY(
      writeTensors(session, folder, /*parameters=*/true, manifest[paramsFile]));
  VERNIER_TRY(writeTensors(session, folder, /*parameters=*/false,
                           manifest[optimizerFile]));
  std::string state;
  VERNIER_TRY(makeState(session, step, metadata, state));
  VERNIER_TRY(writeText(folder, stateFile, state, manifest[stateFile]));
  VERNIER_TRY(folder.writeFile(manifestFile, writeManifest(manifest)));
  return folder.sync();
}

/// The larger files of a checkpoint, without contents.
static Status reserveFolder(const vernier_session_t &session,
                            const Folder &directory, const std::string &name) {
  Folder folder;
  VERNIER_TRY(folder.create(directory, name));
  for (bool parameters : {true, false}) {
    std::vector<const Tensor *> tensors = selectTensors(session, parameters);
    uint64_t bytes = makeSafetensorsHeader(tensors).size();
    for (const Tensor *tensor : tensors)
      bytes += tensor->getBytes();
    OutputFile file;
    VERNIER_TRY(file.create(folder.getDescriptor(), folder.getPath(),
                            parameters ? paramsFile : optimizerFile));
    VERNIER_TRY(file.reserve(bytes));
  }
  return folder.sync();
}

//===----------------------------------------------------------------------===//
// The folder of checkpoints
//===----------------------------------------------------------------------===//

/// Whether the process whose number ends a name is gone. Our own leftovers are
/// of failed saves: one save runs at a time in a process.
static bool isOfGoneProcess(const std::string &name) {
  pid_t process = std::atoi(name.c_str() + name.rfind('-') + 1);
  return process <= 0 || process == getpid() ||
         (kill(process, 0) != 0 && errno == ESRCH);
}

/// Remove what killed processes left behind. Who holds the lock knows that no
/// other process is saving; without locks the number in the name must do.
static void removeStale(const Folder &directory, const FolderLock &lock) {
  std::vector<std::string> names;
  if (!directory.list(names).ok())
    return;
  for (const std::string &name : names) {
    if (name.rfind(".tmp-", 0) != 0 && name.rfind(".trash-", 0) != 0)
      continue;
    if (lock.isExclusive() || isOfGoneProcess(name))
      directory.remove(name);
  }
}

/// Remove the checkpoints that need not be kept; the one just written is.
static Status prune(const Folder &directory, uint64_t written,
                    vernier_retention_t kept) {
  std::vector<std::string> names;
  VERNIER_TRY(directory.list(names));
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
    std::string trash = ".trash-" + name + suffix;
    VERNIER_TRY(directory.rename(name, trash));
    directory.remove(trash);
  }
  return {};
}

/// One save at a time in a process: the names of its folders hold its number.
static std::mutex saving;

namespace {

/// A folder in the making, removed at the end however that comes: then it holds
/// what failed, or an older checkpoint of the same step.
class TemporaryFolder {
public:
  TemporaryFolder(const Folder &directory, std::string name)
      : directory(directory), name(std::move(name)) {}
  ~TemporaryFolder() { directory.remove(name); }
  TemporaryFolder(const TemporaryFolder &) = delete;

private:
  const Folder &directory;
  std::string name;
};

} // namespace

/// Open the folder of checkpoints for this process alone and tidy it up. The
/// session keeps the lock, so that a second run finds out when it starts.
static Status openDirectory(vernier_session_t &session, const std::string &path,
                            Folder &directory) {
  VERNIER_TRY(directory.openOrCreate(path));
  VERNIER_TRY(FolderLock::acquire(directory, session.saveLock));
  removeStale(directory, *session.saveLock);
  return {};
}

Status vernier::runtime::saveCheckpoint(vernier_session_t &session,
                                        const std::string &path, uint64_t step,
                                        const char *metadata,
                                        vernier_retention_t kept) {
  std::lock_guard<std::mutex> lock(saving);
  VERNIER_TRY(checkMetadata(metadata));
  Folder directory;
  VERNIER_TRY(openDirectory(session, path, directory));
  std::string name = getStepFolder(step);
  std::string temporary =
      ".tmp-" + std::to_string(step) + '-' + std::to_string(getpid());
  {
    TemporaryFolder made(directory, temporary);
    VERNIER_TRY(writeFolder(session, directory, temporary, step, metadata));
    VERNIER_TRY(directory.exchange(temporary, name));
  }
  VERNIER_TRY(directory.sync());
  VERNIER_TRY(directory.replaceFile("LATEST", name + '\n'));
  VERNIER_TRY(directory.sync());
  return kept.newest ? prune(directory, step, kept) : Status();
}

static Status reserve(const vernier_session_t &session,
                      const Folder &directory) {
  std::string name = ".tmp-probe-" + std::to_string(getpid());
  TemporaryFolder probe(directory, name);
  VERNIER_TRY(reserveFolder(session, directory, name));
  return directory.sync();
}

Status vernier::runtime::checkSpace(vernier_session_t &session,
                                    const std::string &path) {
  std::lock_guard<std::mutex> lock(saving);
  bool isNew = !exists(path);
  Folder directory;
  VERNIER_TRY(openDirectory(session, path, directory));
  Status status = reserve(session, directory);
  if (isNew)
    (void)rmdir(path.c_str());
  return status;
}

vernier_status_t vernier_session_check_save(vernier_session_t *session,
                                            const char *directory) {
  return guarded([&]() -> Status {
    if (!session || !directory || !*directory)
      return invalidArgument(
          "vernier_session_check_save: ", session ? "directory" : "session",
          " is null or empty");
    SessionUse use(*session);
    VERNIER_TRY(use.start("vernier_session_check_save", Access::change));
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
    SessionUse use(*session);
    VERNIER_TRY(use.start("vernier_session_save", Access::change));
    return saveCheckpoint(*session, directory, step, metadata, kept);
  });
}
