//===- Npz.cpp - The archive of a .npz file
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Runtime/Npz.h"

#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

using namespace vernier;

namespace {

constexpr std::string_view extension = ".npy";

std::string zipMessage(zip_error_t *error) {
  std::string text = zip_error_strerror(error);
  zip_error_fini(error);
  return text;
}

bool isArray(std::string_view name) {
  return name.size() > extension.size() &&
         name.substr(name.size() - extension.size()) == extension;
}

/// What damaged archives and missing files look like, told apart by errno.
vernier_status_code_t codeOf(const zip_error_t &error) {
  int number = zip_error_code_zip(&error);
  bool io = number == ZIP_ER_WRITE || number == ZIP_ER_TMPOPEN ||
            number == ZIP_ER_RENAME || number == ZIP_ER_MEMORY ||
            number == ZIP_ER_CLOSE;
  return io ? VERNIER_RESOURCES : VERNIER_BAD_FILE;
}

/// Reads a member of the archive from its start.
class Member {
public:
  Member(zip_t *archive, zip_uint64_t index)
      : file(zip_fopen_index(archive, index, 0)) {
    if (!file)
      throw NpzError(VERNIER_BAD_FILE, std::string("it cannot be read: ") +
                                           zip_strerror(archive));
  }
  ~Member() {
    if (file)
      zip_fclose(file);
  }
  Member(const Member &) = delete;

  /// Append up to `count` bytes to `buffer`; fewer only at the end. The buffer
  /// grows as bytes arrive, so a size that lies costs nothing.
  void append(std::vector<uint8_t> &buffer, uint64_t count) {
    constexpr uint64_t chunk = 1 << 20;
    while (count > 0) {
      uint64_t part = std::min(count, chunk);
      size_t old = buffer.size();
      buffer.resize(old + part);
      zip_int64_t got = zip_fread(file, buffer.data() + old, part);
      if (got < 0)
        throw NpzError(VERNIER_BAD_FILE, std::string("it is damaged: ") +
                                             zip_file_strerror(file));
      buffer.resize(old + static_cast<size_t>(got));
      if (got == 0)
        return;
      count -= static_cast<uint64_t>(got);
    }
  }

private:
  zip_file_t *file;
};

} // namespace

struct NpzReader::Archive {
  zip_t *zip = nullptr;
  std::string path;
  std::vector<zip_uint64_t> indices; ///< of infos

  ~Archive() {
    if (zip)
      zip_discard(zip);
  }

  [[noreturn]] void fail(const std::string &array,
                         const NpzError &error) const {
    throw NpzError(error.code(),
                   path + ": array '" + array + "': " + error.what());
  }
};

NpzReader::NpzReader(NpzReader &&) noexcept = default;
NpzReader::~NpzReader() = default;

NpzReader::NpzReader(const std::string &path)
    : archive(std::make_unique<Archive>()) {
  archive->path = path;
  int number = 0;
  archive->zip = zip_open(path.c_str(), ZIP_RDONLY, &number);
  if (!archive->zip) {
    int systemError = errno;
    zip_error_t error;
    zip_error_init_with_code(&error, number);
    bool missing = number == ZIP_ER_NOENT || number == ZIP_ER_OPEN ||
                   number == ZIP_ER_READ;
    std::string text = zipMessage(&error);
    throw NpzError(VERNIER_BAD_FILE,
                   path + ": cannot be opened: " +
                       (missing ? std::strerror(systemError)
                                : text + "; expected a .npz archive as "
                                         "numpy.savez writes it"));
  }
  readHeaders();
}

NpzReader::NpzReader(const void *data, size_t size, const std::string &name)
    : archive(std::make_unique<Archive>()) {
  archive->path = name;
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *source = zip_source_buffer_create(data, size, 0, &error);
  if (source)
    archive->zip = zip_open_from_source(source, ZIP_RDONLY, &error);
  if (!archive->zip) {
    if (source)
      zip_source_free(source);
    throw NpzError(VERNIER_BAD_FILE,
                   name + ": cannot be opened: " + zipMessage(&error));
  }
  readHeaders();
}

void NpzReader::readHeaders() {
  zip_t *zip = archive->zip;
  zip_int64_t count = zip_get_num_entries(zip, 0);
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    const char *rawName = zip_get_name(zip, i, ZIP_FL_ENC_RAW);
    if (!rawName || !isArray(rawName))
      continue; // not an array: numpy ignores it too
    NpyInfo info;
    info.name = rawName;
    info.name.resize(info.name.size() - extension.size());
    try {
      if (find(info.name))
        throw NpzError(VERNIER_BAD_FILE, "it is in the archive twice");
      std::vector<uint8_t> bytes;
      Member(zip, i).append(bytes, 1 << 14);
      size_t start = parseNpyHeader(
          {reinterpret_cast<const char *>(bytes.data()), bytes.size()}, info);
      zip_stat_t stat;
      if (zip_stat_index(zip, i, 0, &stat) != 0 || stat.size < start ||
          stat.size - start != info.bytes())
        throw NpzError(VERNIER_BAD_FILE,
                       "it should hold " + std::to_string(info.bytes()) +
                           " bytes of " + npyTypeName(info.type) + " " +
                           shapeString(info.shape) + " but does not");
    } catch (const NpzError &error) {
      archive->fail(info.name, error);
    }
    infos.push_back(std::move(info));
    archive->indices.push_back(i);
  }
}

const NpyInfo *NpzReader::find(std::string_view name) const {
  for (const NpyInfo &info : infos)
    if (info.name == name)
      return &info;
  return nullptr;
}

NpyArray NpzReader::read(std::string_view name) const {
  const NpyInfo *info = find(name);
  if (!info)
    throw NpzError(VERNIER_BAD_FILE, archive->path + ": there is no array '" +
                                         std::string(name) + "'");
  try {
    NpyArray array;
    static_cast<NpyInfo &>(array) = *info;
    Member member(archive->zip, archive->indices[info - infos.data()]);
    // One byte more than expected makes libzip reach the end and check the sum.
    NpyInfo again;
    member.append(array.data, 1 << 14);
    size_t start = parseNpyHeader(
        {reinterpret_cast<const char *>(array.data.data()), array.data.size()},
        again);
    uint64_t total = start + info->bytes();
    member.append(array.data,
                  total + 1 - std::min<uint64_t>(array.data.size(), total));
    if (array.data.size() != total)
      throw NpzError(VERNIER_BAD_FILE,
                     "it holds " + std::to_string(array.data.size()) +
                         " bytes instead of " + std::to_string(total));
    array.data.erase(array.data.begin(), array.data.begin() + start);
    return array;
  } catch (const NpzError &error) {
    archive->fail(info->name, error);
  } catch (const std::bad_alloc &) {
    archive->fail(info->name, NpzError(VERNIER_RESOURCES,
                                       "its " + std::to_string(info->bytes()) +
                                           " bytes do not fit into memory"));
  }
}

void vernier::writeNpz(const std::string &path,
                       const std::vector<NpyArray> &arrays) {
  int number = 0;
  zip_t *zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &number);
  if (!zip) {
    zip_error_t error;
    zip_error_init_with_code(&error, number);
    throw NpzError(VERNIER_RESOURCES,
                   path + ": cannot be written: " + zipMessage(&error));
  }
  std::vector<std::string> members; // must live until zip_close
  members.reserve(arrays.size());
  for (const NpyArray &array : arrays) {
    members.push_back(npyHeader(array));
    members.back().append(reinterpret_cast<const char *>(array.data.data()),
                          array.data.size());
    zip_source_t *source =
        zip_source_buffer(zip, members.back().data(), members.back().size(), 0);
    std::string name = array.name + std::string(extension);
    zip_int64_t index =
        source ? zip_file_add(zip, name.c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0) {
      std::string text = zip_strerror(zip);
      zip_source_free(source);
      zip_discard(zip);
      throw NpzError(VERNIER_FAILED,
                     path + ": array '" + array.name + "': " + text);
    }
    zip_set_file_compression(zip, static_cast<zip_uint64_t>(index),
                             ZIP_CM_STORE, 0);
    // 1980-01-01, the first date that zip knows.
    zip_file_set_dostime(zip, static_cast<zip_uint64_t>(index), 0, 33, 0);
  }
  // Writes a temporary file beside `path` and renames it.
  if (zip_close(zip) != 0) {
    std::string text = zip_strerror(zip);
    zip_error_t *error = zip_get_error(zip);
    vernier_status_code_t code = codeOf(*error);
    zip_discard(zip);
    throw NpzError(code, path + ": cannot be written: " + text);
  }
}
