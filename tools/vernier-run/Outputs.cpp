//===- Outputs.cpp - Files that a run will write
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Outputs.h"

#include "Failure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

using namespace vernier::run;

//===----------------------------------------------------------------------===//
// Which files
//===----------------------------------------------------------------------===//

/// Whether writing the one writes the other. Devices and pipes keep nothing
/// that could be lost.
static bool isSameFile(const std::string &a, const std::string &b) {
  std::error_code error;
  auto status = std::filesystem::status(a, error);
  if (exists(status))
    return is_regular_file(status) && std::filesystem::equivalent(a, b, error);
  // Neither is there yet; a relative path would stay one.
  auto place = [&](const std::string &path) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path),
                                             error);
  };
  return place(a) == place(b);
}

void vernier::run::refuseOverwriting(const Options &options) {
  struct Use {
    const char *flag;
    const std::string &path;
    bool isWritten;
  };
  const Use uses[] = {{"", options.plan, false},
                      {"--data", options.data, false},
                      {"--eval-data", options.evalData, false},
                      {"--init", options.init, false},
                      {"--log", options.log, true},
                      {"--profile-numerics", options.profileNumerics, true},
                      {"--output", options.output, true}};
  for (const Use &output : uses)
    for (const Use *other = uses; other != &output; ++other) {
      if (!output.isWritten || output.path.empty() || other->path.empty() ||
          !isSameFile(output.path, other->path))
        continue;
      if (other->isWritten)
        throw Failure(
            Usage, fmt::format("{} and {} are the same file, {}; give one of "
                               "them another",
                               other->flag, output.flag, output.path));
      throw Failure(
          Usage,
          fmt::format("{} {} would overwrite the {}; give another file",
                      output.flag, output.path,
                      *other->flag ? fmt::format("file of {}", other->flag)
                                   : "plan"));
    }
}

//===----------------------------------------------------------------------===//
// Whether they can be written
//===----------------------------------------------------------------------===//

[[noreturn]] static void fail(const std::string &path, const char *doing,
                              const char *reason) {
  throw Failure(Resources,
                fmt::format("{}: cannot {}: {}", path, doing, reason));
}

/// Take the space for a moment: also quotas and limits show then. 0, or errno.
static int reserve(int file, const std::string &path, uint64_t bytes) {
  int error = EINTR;
  while (error == EINTR)
    error = fallocate(file, 0, 0,
                      static_cast<off_t>(std::max<uint64_t>(bytes, 1))) == 0
                ? 0
                : errno;
  if (error != EOPNOTSUPP && error != ENOSYS)
    return error;
  std::error_code unknown;
  auto space = std::filesystem::space(path, unknown);
  return !unknown && space.available < bytes ? ENOSPC : 0;
}

void vernier::run::requireWritable(const std::string &path, uint64_t bytes) {
  std::error_code ignored;
  auto existing = std::filesystem::status(path, ignored);
  if (exists(existing) && !is_regular_file(existing))
    fail(path, "be replaced",
         is_directory(existing) ? "it is a folder" : "it is no regular file");
  std::string probe = fmt::format("{}.{}.tmp", path, getpid());
  int file = open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0)
    fail(path, "be opened for writing", std::strerror(errno));
  int error = reserve(file, probe, bytes);
  close(file);
  unlink(probe.c_str());
  if (error)
    fail(path, "be written", std::strerror(error));
}
