//===- Archive.h - NumPy archives as arrays of doubles
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The reader of archives throws; the compiler's libraries are built without
// exceptions. This boundary turns one into the other.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TOOLS_VERNIER_EVALUATE_ARCHIVE_H
#define VERNIER_TOOLS_VERNIER_EVALUATE_ARCHIVE_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace vernier {

enum class ArrayType { Bool, I32, I64, F32, F64 };

/// A NumPy array, row major. `type` matters only for writing.
struct Array {
  ArrayType type = ArrayType::F64;
  std::vector<int64_t> shape;
  std::vector<double> elements;
};

using Arrays = std::map<std::string, Array>;

/// Both return what went wrong, or an empty string.
std::string readArchive(const std::string &path, Arrays &arrays);
std::string writeArchive(const std::string &path, const Arrays &arrays);

} // namespace vernier

#endif // VERNIER_TOOLS_VERNIER_EVALUATE_ARCHIVE_H
