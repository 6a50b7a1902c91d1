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

#include <cerrno>
#include <string>
#include <vector>

namespace vernier::runtime {

/// Read a whole file. Only files are read: a pipe, a socket or a device, which
/// may have no end, is refused at once.
Status readFile(const std::string &path, std::vector<uint8_t> &bytes);

/// A new file being written. Every failure names the path, the system's reason
/// and what to do; short and interrupted writes are continued.
class OutputFile {
public:
  ~OutputFile();
  OutputFile() = default;
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  /// Create `name` in the open folder `folder`, whose path is only for
  /// messages. What is there already is not opened, be it a file or a link.
  Status create(int folder, const std::string &folderPath,
                const std::string &name);
  Status write(const void *data, size_t size);
  /// Take the space of `size` bytes, unwritten.
  Status reserve(uint64_t size);
  /// Flush to the disk and close.
  Status finish();

private:
  std::string path;
  int descriptor = -1;
};

bool exists(const std::string &path);

/// "cannot ACTION 'PATH': reason; what to do", for the error in errno.
Status systemError(const char *action, const std::string &path);

/// Call again while a signal interrupts.
template <typename Call> auto retry(const Call &call) {
  auto result = call();
  while (result < 0 && errno == EINTR)
    result = call();
  return result;
}

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_FILE_H
