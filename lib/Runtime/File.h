//===- File.h - Files that are written completely or not at all
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_FILE_H
#define VERNIER_RUNTIME_FILE_H

#include "Runtime/Status.h"

#include <string>
#include <vector>

namespace vernier::runtime {

/// Read a whole file.
Status readFile(const std::string &path, std::vector<uint8_t> &bytes);

/// A file being written. Every failure names the path, the system's reason and
/// what to do; short and interrupted writes are continued.
class OutputFile {
public:
  explicit OutputFile(std::string path) : path(std::move(path)) {}
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  Status open();
  Status write(const void *data, size_t size);
  /// Take the space of `size` bytes, unwritten.
  Status reserve(uint64_t size);
  /// Flush to the disk and close.
  Status finish();

private:
  std::string path;
  int descriptor = -1;
};

/// Write a small file, synced.
Status writeFile(const std::string &path, const std::string &contents);
/// Replace `path` by a synced file with these contents, or leave it as it was.
Status replaceFile(const std::string &path, const std::string &contents);

Status createFolder(const std::string &path);
/// Make the names in a folder durable.
Status syncFolder(const std::string &path);
Status renamePath(const std::string &from, const std::string &to);
/// Put `from` at `to` in one step, whether or not `to` exists; what was at `to`
/// is at `from` afterwards, or gone.
Status exchangePath(const std::string &from, const std::string &to);
/// Names in a folder, sorted; `.` and `..` excluded.
Status listFolder(const std::string &path, std::vector<std::string> &names);
/// Delete a folder of plain files. Best effort: what stays is only untidy.
void removeFolder(const std::string &path);
bool exists(const std::string &path);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_FILE_H
