//===- Npz.h - NumPy archives
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads and writes .npz files: zip archives of .npy arrays (numpy.lib.format,
// versions 1 to 3). Any bytes are safe to read: what is damaged, or an array
// that is not plain numbers in C order, is refused with an NpzError, and memory
// grows only with bytes that are really there.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_NPZ_H
#define VERNIER_RUNTIME_NPZ_H

#include "vernier-c/plan.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace vernier {

/// What went wrong with an archive: VERNIER_BAD_FILE for its contents,
/// VERNIER_RESOURCES for the disk or memory. The message names file and array.
class NpzError : public std::runtime_error {
public:
  NpzError(vernier_status_code_t code, const std::string &message)
      : std::runtime_error(message), statusCode(code) {}
  vernier_status_code_t code() const { return statusCode; }

private:
  vernier_status_code_t statusCode;
};

/// The element types of .npy arrays that are read.
enum class NpyType {
  Bool,
  I8,
  U8,
  I16,
  U16,
  I32,
  U32,
  I64,
  U64,
  F16,
  F32,
  F64
};

/// "float32", as numpy spells it.
const char *npyTypeName(NpyType type);
size_t npyTypeSize(NpyType type);

/// Name, type and shape of an array; the name is without ".npy".
struct NpyInfo {
  std::string name;
  NpyType type = NpyType::F32;
  std::vector<int64_t> shape;

  uint64_t elements() const;
  uint64_t bytes() const { return elements() * npyTypeSize(type); }
};

/// An array with its elements, dense, row major, little endian.
struct NpyArray : NpyInfo {
  std::vector<uint8_t> data;
};

/// "(32, 64)", as numpy prints it.
std::string shapeString(const std::vector<int64_t> &shape);

/// The bytes of a .npy file in which its magic number, version and the length
/// of its header stand.
constexpr size_t npyPrefixBytes = 12;

/// Where the data of a .npy file starts, of its first npyPrefixBytes. Throws
/// NpzError without the file's name.
size_t npyHeaderBytes(std::string_view prefix);

/// Parse the header of a .npy file in `bytes`: fills type and shape of `info`
/// and returns where the data starts. Throws NpzError without the file's name.
size_t parseNpyHeader(std::string_view bytes, NpyInfo &info);

/// The header of a .npy file, version 1, padded to 64 bytes.
std::string npyHeader(const NpyInfo &info);

/// An archive opened for reading: its directory is read when it is opened, an
/// array's header when it is asked for, the elements (and their checksum) when
/// it is read. What is wrong with one array does not concern the others.
class NpzReader {
public:
  explicit NpzReader(const std::string &path);
  /// The same from memory, which must outlive the reader.
  NpzReader(const void *data, size_t size, const std::string &name);
  ~NpzReader();
  NpzReader(NpzReader &&) noexcept;

  /// Of all arrays, also of those that cannot be read.
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const;
  NpyInfo info(std::string_view name) const;
  NpyArray read(std::string_view name) const;
  /// All arrays; each must be readable.
  std::vector<NpyInfo> arrays() const;

private:
  struct Archive;
  std::unique_ptr<Archive> archive;
};

/// Write an archive (stored, with fixed dates: the same arrays give the same
/// bytes). It appears under `path` only when complete.
void writeNpz(const std::string &path, const std::vector<NpyArray> &arrays);

/// The elements of `array` as `dtype`, each of the same value. A value that the
/// type cannot hold exactly is refused, naming its position; NaN stays NaN.
std::vector<uint8_t> convertExactly(NpyArray array, vernier_dtype_t dtype);

/// An array of a plan's type as numpy has it: bf16 becomes float32, the rest
/// keep their type.
NpyArray toNpy(const std::string &name, vernier_dtype_t dtype,
               std::vector<int64_t> shape, const void *data);

} // namespace vernier

#endif // VERNIER_RUNTIME_NPZ_H
