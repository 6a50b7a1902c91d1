//===- File.cpp - Files that are written completely or not at all
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/File.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

using namespace vernier::runtime;

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

static Status systemError(const char *action, const std::string &path) {
  int error = errno;
  return resources("cannot ", action, " '", path, "': ", std::strerror(error),
                   "; ", getAdvice(error));
}

/// Call again while a signal interrupts.
template <typename Call> static auto retry(const Call &call) {
  auto result = call();
  while (result < 0 && errno == EINTR)
    result = call();
  return result;
}

Status vernier::runtime::readFile(const std::string &path,
                                  std::vector<uint8_t> &bytes) {
  int file = retry([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC); });
  if (file < 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return invalidArgument("cannot open '", path, "': ", std::strerror(errno),
                             "; check the path");
    return systemError("open", path);
  }
  struct stat info;
  Status status;
  if (fstat(file, &info) != 0)
    status = systemError("read", path);
  else if (!S_ISREG(info.st_mode))
    status = invalidArgument("cannot read '", path, "': not a file");
  else
    bytes.resize(static_cast<size_t>(info.st_size));
  for (size_t done = 0; status.ok() && done < bytes.size();) {
    ssize_t count = retry(
        [&] { return read(file, bytes.data() + done, bytes.size() - done); });
    if (count < 0)
      status = systemError("read", path);
    else if (count == 0)
      bytes.resize(done); // it shrank meanwhile; what was read is checked later
    else
      done += static_cast<size_t>(count);
  }
  close(file);
  return status;
}

OutputFile::~OutputFile() {
  if (descriptor >= 0)
    close(descriptor);
}

Status OutputFile::open() {
  descriptor = retry([&] {
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
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

Status vernier::runtime::writeFile(const std::string &path,
                                   const std::string &contents) {
  OutputFile file(path);
  VERNIER_TRY(file.open());
  VERNIER_TRY(file.write(contents.data(), contents.size()));
  return file.finish();
}

Status vernier::runtime::replaceFile(const std::string &path,
                                     const std::string &contents) {
  std::string temporary = path + ".tmp";
  Status status = writeFile(temporary, contents);
  if (status.ok())
    status = renamePath(temporary, path);
  if (!status.ok())
    (void)unlink(temporary.c_str());
  return status;
}

Status vernier::runtime::createFolder(const std::string &path) {
  if (mkdir(path.c_str(), 0777) == 0 || errno == EEXIST)
    return {};
  return systemError("create the folder", path);
}

Status vernier::runtime::syncFolder(const std::string &path) {
  int folder = retry(
      [&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (folder < 0)
    return systemError("open the folder", path);
  int result = retry([&] { return fsync(folder); });
  // Some file systems cannot sync a folder, and need not.
  Status status =
      result != 0 && errno != EINVAL ? systemError("sync", path) : Status();
  close(folder);
  return status;
}

Status vernier::runtime::renamePath(const std::string &from,
                                    const std::string &to) {
  if (rename(from.c_str(), to.c_str()) != 0)
    return systemError("rename to", to);
  return {};
}

Status vernier::runtime::exchangePath(const std::string &from,
                                      const std::string &to) {
  if (rename(from.c_str(), to.c_str()) == 0)
    return {};
  if (errno != EEXIST && errno != ENOTEMPTY)
    return systemError("rename to", to);
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                RENAME_EXCHANGE) == 0)
    return {};
  if (errno != EINVAL && errno != ENOSYS)
    return systemError("rename to", to);
  // Without an atomic exchange there is a moment with neither.
  std::string aside = from + ".replaced";
  VERNIER_TRY(renamePath(to, aside));
  VERNIER_TRY(renamePath(from, to));
  return renamePath(aside, from);
}

Status vernier::runtime::listFolder(const std::string &path,
                                    std::vector<std::string> &names) {
  DIR *folder = opendir(path.c_str());
  if (!folder) {
    if (errno == ENOENT || errno == ENOTDIR)
      return invalidArgument("cannot open the folder '", path,
                             "': ", std::strerror(errno), "; check the path");
    return systemError("open the folder", path);
  }
  while (dirent *entry = readdir(folder)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..")
      names.push_back(name);
  }
  closedir(folder);
  std::sort(names.begin(), names.end());
  return {};
}

void vernier::runtime::removeFolder(const std::string &path) {
  std::vector<std::string> names;
  if (!listFolder(path, names).ok())
    return;
  for (const std::string &name : names)
    (void)unlink((path + '/' + name).c_str());
  (void)rmdir(path.c_str());
}

bool vernier::runtime::exists(const std::string &path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}
