//===- Manifest.h - The table of contents of a checkpoint
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_MANIFEST_H
#define VERNIER_RUNTIME_MANIFEST_H

#include "Runtime/File.h"
#include "Runtime/Folder.h"
#include "Runtime/Hash.h"
#include "Runtime/Status.h"

#include <map>
#include <string>
#include <vector>

namespace vernier::runtime {

/// Size and hashes of a file: whole (SHA-256), and of each MiB (XXH3-64), which
/// tell where damage is.
struct FileDigest {
  uint64_t bytes = 0;
  std::string sha256;
  std::vector<std::string> blocks;
};

using Manifest = std::map<std::string, FileDigest>;

/// A file that is hashed while it is written.
class HashedFile {
public:
  Status create(const Folder &folder, const std::string &name) {
    return file.create(folder.getDescriptor(), folder.getPath(), name);
  }
  Status write(const void *data, size_t size);
  /// Sync, close, and say what was written.
  Status finish(FileDigest &result);

private:
  OutputFile file;
  Sha256 hasher;
  std::vector<uint8_t> block; ///< not yet hashed as one
  FileDigest written;
};

std::string writeManifest(const Manifest &manifest);
Status readManifest(const std::vector<uint8_t> &text, Manifest &manifest);

/// Compare a file with what the manifest says.
Status checkFile(const std::vector<uint8_t> &bytes, const FileDigest &expected);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_MANIFEST_H
