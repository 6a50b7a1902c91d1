//===- FolderLock.cpp - One process saves to a folder
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// flock of the folder itself: it leaves no file behind, and the system drops it
// with the process, however that ends.
//
//===----------------------------------------------------------------------===//

#include "Runtime/File.h"
#include "Runtime/Folder.h"

#include <fcntl.h>
#include <map>
#include <mutex>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace vernier::runtime;

using Identity = std::pair<uint64_t, uint64_t>; // device, inode

/// The locks of this process: a second flock of its own would be refused too.
static std::mutex registryMutex;
static std::map<Identity, std::weak_ptr<FolderLock>> registry;

FolderLock::~FolderLock() {
  if (descriptor >= 0)
    close(descriptor);
}

Status FolderLock::acquire(const Folder &folder,
                           std::shared_ptr<FolderLock> &lock) {
  struct stat info;
  if (fstat(folder.getDescriptor(), &info) != 0)
    return systemError("lock the folder", folder.getPath());
  Identity identity(info.st_dev, info.st_ino);
  if (lock && Identity(lock->device, lock->inode) == identity)
    return {};
  lock.reset();
  std::lock_guard<std::mutex> guard(registryMutex);
  std::weak_ptr<FolderLock> &known = registry[identity];
  if ((lock = known.lock()))
    return {};
  std::shared_ptr<FolderLock> made(new FolderLock);
  made->device = identity.first;
  made->inode = identity.second;
  made->descriptor = retry([&] {
    return openat(folder.getDescriptor(), ".",
                  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  });
  if (made->descriptor < 0)
    return systemError("lock the folder", folder.getPath());
  if (retry([&] { return flock(made->descriptor, LOCK_EX | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK)
      return resources("another process saves to '", folder.getPath(),
                       "'; choose another folder, or wait until it has ended");
    // A file system without locks: its folders are as safe as they were.
    close(std::exchange(made->descriptor, -1));
  }
  known = made;
  lock = std::move(made);
  return {};
}
