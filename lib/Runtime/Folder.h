//===- Folder.h - Folders in which nothing leads out
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whoever may write into a folder may put a link there, at any time. So all
// that is done in a folder is done by its descriptor, to names that are
// directly in it: a link is removed or replaced as a link, and never entered.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_FOLDER_H
#define VERNIER_RUNTIME_FOLDER_H

#include "Runtime/Status.h"

#include <memory>
#include <string>
#include <vector>

namespace vernier::runtime {

/// An open folder.
class Folder {
public:
  Folder() = default;
  ~Folder();
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;

  /// Open the folder at a path that a user gave: it may lead over links.
  Status open(const std::string &path);
  /// The same; the last part of the path is created if there is none.
  Status openOrCreate(const std::string &path);
  /// Create a new folder in `parent`.
  Status create(const Folder &parent, const std::string &name);

  const std::string &getPath() const { return path; }
  int getDescriptor() const { return descriptor; }

  /// Names in the folder, sorted; `.` and `..` excluded.
  Status list(std::vector<std::string> &names) const;
  /// Make the names durable.
  Status sync() const;
  Status rename(const std::string &from, const std::string &to) const;
  /// Put `from` at `to` in one step, whether or not `to` exists; what was at
  /// `to` is at `from` afterwards, or gone.
  Status exchange(const std::string &from, const std::string &to) const;
  /// Write a new small file, synced.
  Status writeFile(const std::string &name, const std::string &contents) const;
  /// Replace `name` by a synced file with these contents, or leave it as it
  /// was.
  Status replaceFile(const std::string &name,
                     const std::string &contents) const;
  /// Delete a file, a link or a folder of these. Best effort: what stays is
  /// only untidy.
  void remove(const std::string &name) const noexcept;

private:
  std::string path; ///< for messages
  int descriptor = -1;
};

/// Holds off other processes that would save to the same folder. Sessions of
/// one process share it.
class FolderLock {
public:
  ~FolderLock();
  FolderLock(const FolderLock &) = delete;
  FolderLock &operator=(const FolderLock &) = delete;

  /// Lock `folder`, unless `lock` already does; VERNIER_RESOURCES if another
  /// process has it.
  static Status acquire(const Folder &folder,
                        std::shared_ptr<FolderLock> &lock);
  /// Whether the file system has locks: not all that are shared do.
  bool isExclusive() const { return descriptor >= 0; }

private:
  FolderLock() = default;
  uint64_t device = 0, inode = 0;
  int descriptor = -1;
};

/// Names in the folder at a path, sorted; VERNIER_INVALID_ARGUMENT if there is
/// none.
Status listFolder(const std::string &path, std::vector<std::string> &names);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_FOLDER_H
