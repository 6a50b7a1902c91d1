//===- File.cpp - Files that are written completely or not at all
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/File.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

using namespace vernier::runtime;

namespace {

/// Closed at the end, also when memory runs out.
struct Descriptor {
  int number = -1;
  Descriptor() = default;
  Descriptor(const Descriptor &) = delete;
  ~Descriptor() {
    if (number >= 0)
      close(number);
  }
};

} // namespace

/// What the user can do about an error of the system.
static const char *getAdvice(int error) {
  switch (error) {
  case ENOSPC:
  case EDQUOT:
    return "free some space or choose another folder";
  case EROFS:
  case EACCES:
  case EPERM:
    return "choose a folder that you may write to";
  case EIO:
    return "the disk reports an error; choose another disk";
  case EMFILE:
  case ENFILE:
    return "close some files or raise the limit (ulimit -n)";
  case ENOENT:
  case ENOTDIR:
    return "check the path";
  default:
    return "check the path and the disk";
  }
}

Status vernier::runtime::systemError(const char *action,
                                     const std::string &path) {
  int error = errno;
  return resources("cannot ", action, " '", path, "': ", std::strerror(error),
                   "; ", getAdvice(error));
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static Status openError(const std::string &path) {
  if (errno == ENOENT || errno == ENOTDIR)
    return invalidArgument("cannot open '", path, "': ", std::strerror(errno),
                           "; check the path");
  return systemError("open", path);
}

static Status checkIsFile(const std::string &path, const struct stat &info) {
  if (S_ISREG(info.st_mode))
    return {};
  return invalidArgument("cannot read '", path, "': it is ",
                         S_ISDIR(info.st_mode)    ? "a folder"
                         : S_ISFIFO(info.st_mode) ? "a pipe"
                         : S_ISSOCK(info.st_mode) ? "a socket"
                                                  : "a device",
                         ", not a file; save the contents to a file first");
}

/// Asked before it is opened, for to open some devices is to do something, and
/// again afterwards, for it may have changed. Opening never waits.
static Status openFile(const std::string &path, int &file, struct stat &info) {
  if (stat(path.c_str(), &info) != 0)
    return openError(path);
  VERNIER_TRY(checkIsFile(path, info));
  file = retry([&] {
    return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  });
  if (file < 0)
    return openError(path);
  if (fstat(file, &info) != 0)
    return systemError("read", path);
  return checkIsFile(path, info);
}

static Status readAll(const std::string &path, int file,
                      std::vector<uint8_t> &bytes) {
  for (size_t done = 0; done < bytes.size();) {
    ssize_t count = retry(
        [&] { return read(file, bytes.data() + done, bytes.size() - done); });
    if (count < 0)
      return systemError("read", path);
    if (count == 0)
      bytes.resize(done); // it shrank meanwhile; what was read is checked later
    done += static_cast<size_t>(count);
  }
  return {};
}

Status vernier::runtime::readFile(const std::string &path,
                                  std::vector<uint8_t> &bytes) {
  Descriptor file;
  struct stat info;
  VERNIER_TRY(openFile(path, file.number, info));
  // std::bad_alloc is thrown for a size that does not fit into memory at all.
  if (static_cast<uint64_t>(info.st_size) > bytes.max_size())
    throw std::bad_alloc();
  bytes.resize(static_cast<size_t>(info.st_size));
  return readAll(path, file.number, bytes);
}

bool vernier::runtime::exists(const std::string &path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

OutputFile::~OutputFile() {
  if (descriptor >= 0)
    close(descriptor);
}

Status OutputFile::create(int folder, const std::string &folderPath,
                          const std::string &name) {
  path = folderPath + '/' + name;
  descriptor = retry([&] {
    return openat(folder, name.c_str(),
                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  });
  return descriptor < 0 ? systemError("create", path) : Status();
}

Status OutputFile::write(const void *data, size_t size) {
  const auto *bytes = static_cast<const uint8_t *>(data);
  while (size > 0) {
    ssize_t count = retry([&] { return ::write(descriptor, bytes, size); });
    if (count == 0)
      errno = ENOSPC; // a regular file that takes nothing is full
    if (count <= 0)
      return systemError("write", path);
    bytes += count;
    size -= static_cast<size_t>(count);
  }
  return {};
}

Status OutputFile::reserve(uint64_t size) {
  if (size == 0 || retry([&] {
                     return fallocate(descriptor, 0, 0,
                                      static_cast<off_t>(size));
                   }) == 0)
    return {};
  if (errno != EOPNOTSUPP && errno != ENOSYS)
    return systemError("write", path);
  // A file system that cannot reserve can still say what is free.
  struct statvfs info;
  if (fstatvfs(descriptor, &info) == 0 &&
      size / std::max<uint64_t>(info.f_frsize, 1) >= info.f_bavail) {
    errno = ENOSPC;
    return systemError("write", path);
  }
  return {};
}

Status OutputFile::finish() {
  if (retry([&] { return fsync(descriptor); }) != 0)
    return systemError("sync", path);
  int closing = descriptor;
  descriptor = -1;
  // After EINTR the descriptor is closed on Linux: never again.
  if (close(closing) != 0 && errno != EINTR)
    return systemError("close", path);
  return {};
}
