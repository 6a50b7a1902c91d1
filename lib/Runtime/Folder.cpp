//===- Folder.cpp - Folders in which nothing leads out
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Folder.h"

#include "Runtime/File.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace vernier::runtime;

static constexpr int openFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

Folder::~Folder() {
  if (descriptor >= 0)
    close(descriptor);
}

Status Folder::open(const std::string &newPath) {
  path = newPath;
  descriptor = retry([&] { return ::open(path.c_str(), openFlags); });
  if (descriptor >= 0)
    return {};
  if (errno == ENOENT || errno == ENOTDIR)
    return invalidArgument("cannot open the folder '", path,
                           "': ", std::strerror(errno), "; check the path");
  return systemError("open the folder", path);
}

Status Folder::openOrCreate(const std::string &newPath) {
  path = newPath;
  if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST)
    return systemError("create the folder", path);
  descriptor = retry([&] { return ::open(path.c_str(), openFlags); });
  return descriptor < 0 ? systemError("open the folder", path) : Status();
}

Status Folder::create(const Folder &parent, const std::string &name) {
  path = parent.path + '/' + name;
  if (mkdirat(parent.descriptor, name.c_str(), 0777) != 0)
    return systemError("create the folder", path);
  descriptor = retry([&] {
    return openat(parent.descriptor, name.c_str(), openFlags | O_NOFOLLOW);
  });
  return descriptor < 0 ? systemError("open the folder", path) : Status();
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

namespace {

struct StreamCloser {
  void operator()(DIR *stream) const { closedir(stream); }
};
using Stream = std::unique_ptr<DIR, StreamCloser>;

} // namespace

/// The folder `descriptor` for reading; null and errno on failure.
static Stream openStream(int descriptor) {
  // A descriptor of its own: reading moves it, closing closes it.
  int own = retry([&] { return openat(descriptor, ".", openFlags); });
  if (own < 0)
    return nullptr;
  Stream stream(fdopendir(own));
  if (!stream) {
    int error = errno;
    close(own);
    errno = error;
  }
  return stream;
}

/// The next name in a folder; null at the end, and then errno is 0, or on
/// failure.
static const char *readName(const Stream &stream) {
  errno = 0;
  while (const dirent *entry = readdir(stream.get()))
    if (std::strcmp(entry->d_name, ".") != 0 &&
        std::strcmp(entry->d_name, "..") != 0)
      return entry->d_name;
  return nullptr;
}

/// Names of the folder `descriptor`; false and errno on failure.
static bool listNames(int descriptor, std::vector<std::string> &names) {
  Stream stream = openStream(descriptor);
  if (!stream)
    return false;
  while (const char *name = readName(stream))
    names.emplace_back(name);
  if (errno != 0)
    return false;
  std::sort(names.begin(), names.end());
  return true;
}

Status Folder::list(std::vector<std::string> &names) const {
  return listNames(descriptor, names) ? Status()
                                      : systemError("list the folder", path);
}

Status Folder::sync() const {
  // Some file systems cannot sync a folder, and need not.
  if (retry([&] { return fsync(descriptor); }) != 0 && errno != EINVAL)
    return systemError("sync", path);
  return {};
}

Status vernier::runtime::listFolder(const std::string &path,
                                    std::vector<std::string> &names) {
  Folder folder;
  VERNIER_TRY(folder.open(path));
  return folder.list(names);
}

//===----------------------------------------------------------------------===//
// Changes
//===----------------------------------------------------------------------===//

Status Folder::rename(const std::string &from, const std::string &to) const {
  if (renameat(descriptor, from.c_str(), descriptor, to.c_str()) != 0)
    return systemError("rename to", path + '/' + to);
  return {};
}

Status Folder::exchange(const std::string &from, const std::string &to) const {
  if (renameat(descriptor, from.c_str(), descriptor, to.c_str()) == 0)
    return {};
  // ENOTDIR: a file or a link is in the place of a folder.
  if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
    return systemError("rename to", path + '/' + to);
  if (renameat2(descriptor, from.c_str(), descriptor, to.c_str(),
                RENAME_EXCHANGE) == 0)
    return {};
  if (errno != EINVAL && errno != ENOSYS)
    return systemError("rename to", path + '/' + to);
  // Without an atomic exchange there is a moment with neither.
  std::string aside = from + ".replaced";
  VERNIER_TRY(rename(to, aside));
  VERNIER_TRY(rename(from, to));
  return rename(aside, from);
}

Status Folder::writeFile(const std::string &name,
                         const std::string &contents) const {
  OutputFile file;
  VERNIER_TRY(file.create(descriptor, path, name));
  VERNIER_TRY(file.write(contents.data(), contents.size()));
  return file.finish();
}

Status Folder::replaceFile(const std::string &name,
                           const std::string &contents) const {
  std::string temporary = name + ".tmp";
  remove(temporary); // of a process that was killed
  Status status = writeFile(temporary, contents);
  if (status.ok())
    status = rename(temporary, name);
  if (!status.ok())
    remove(temporary);
  return status;
}

/// Delete the files and links in the folder `descriptor`. No list of them is
/// made, for memory may have run out.
static void removeFiles(int descriptor) {
  Stream stream = openStream(descriptor);
  // A file system may pass over names while others are deleted, so it is read
  // again until nothing is found; not for ever, others may write to it.
  bool hasRemoved = true;
  for (int pass = 0; stream && hasRemoved && pass < 4; ++pass) {
    hasRemoved = false;
    rewinddir(stream.get());
    while (const char *name = readName(stream))
      hasRemoved |= unlinkat(descriptor, name, 0) == 0;
  }
}

void Folder::remove(const std::string &name) const noexcept {
  if (unlinkat(descriptor, name.c_str(), 0) == 0)
    return;
  int inner = retry(
      [&] { return openat(descriptor, name.c_str(), openFlags | O_NOFOLLOW); });
  if (inner < 0)
    return;
  removeFiles(inner);
  close(inner);
  (void)unlinkat(descriptor, name.c_str(), AT_REMOVEDIR);
}
