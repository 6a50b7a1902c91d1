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
#include <functional>
#include <map>
#include <set>
#include <sys/stat.h>

using namespace vernier;

namespace {

constexpr std::string_view extension = ".npy";

std::string zipMessage(zip_error_t *error) {
  std::string text = zip_error_strerror(error);
  zip_error_fini(error);
  return text;
}

std::string_view asText(const std::vector<uint8_t> &bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
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

/// Refuse a size that these compressed bytes cannot have, before any memory is
/// taken for it. What deflate makes of n bytes is at most about 1032 n: each
/// match of 258 bytes takes two bits (zlib's technical notes).
void checkCompression(const zip_stat_t &stat) {
  constexpr uint64_t most = 1032, slack = 64;
  if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)
    throw NpzError(VERNIER_BAD_FILE,
                   "it is compressed otherwise than numpy.savez_compressed "
                   "does; save it with that");
  uint64_t limit = stat.comp_method == ZIP_CM_STORE
                       ? stat.comp_size
                       : most * (stat.comp_size + slack);
  if (stat.size > limit)
    throw NpzError(VERNIER_BAD_FILE, "its " + std::to_string(stat.comp_size) +
                                         " compressed bytes cannot hold the " +
                                         std::to_string(stat.size) +
                                         " that it claims");
}

/// Reads a member of the archive from its start.
class Member {
public:
  Member(zip_t *archive, zip_uint64_t index) {
    zip_stat_t stat;
    if (zip_stat_index(archive, index, 0, &stat) == 0)
      checkCompression(stat);
    file = zip_fopen_index(archive, index, 0);
    if (!file)
      throw NpzError(VERNIER_BAD_FILE, std::string("it cannot be read: ") +
                                           zip_strerror(archive));
  }
  ~Member() {
    if (file)
      zip_fclose(file);
  }
  Member(const Member &) = delete;

  /// Append bytes to `buffer` until it has `size`; fewer only at the end.
  void fill(std::vector<uint8_t> &buffer, uint64_t size) {
    append(buffer, size - std::min<uint64_t>(buffer.size(), size));
  }

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
  zip_file_t *file = nullptr;
};

} // namespace

struct NpzReader::Archive {
  zip_t *zip = nullptr;
  std::string path;
  std::map<std::string, zip_uint64_t, std::less<>> members;
  std::set<std::string, std::less<>> repeated; ///< names of several members

  ~Archive() {
    if (zip)
      zip_discard(zip);
  }

  void listMembers();
  /// Index of an array; refuses one that is not there or not alone.
  zip_uint64_t find(std::string_view array) const;
  /// The header of an array, to which `bytes` may be appended. Returns where
  /// the elements start.
  size_t readHeader(zip_uint64_t index, Member &member,
                    std::vector<uint8_t> &bytes, NpyInfo &info) const;

  [[noreturn]] void fail(std::string_view array, const NpzError &error) const {
    throw NpzError(error.code(), path + ": array '" + std::string(array) +
                                     "': " + error.what());
  }
};

NpzReader::NpzReader(NpzReader &&) noexcept = default;
NpzReader::~NpzReader() = default;

/// Refuse what may never end, and what would be waited for.
static void checkIsFile(const std::string &path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode))
    return; // opening it says what is wrong
  throw NpzError(VERNIER_BAD_FILE,
                 path + ": cannot be opened: it is " +
                     (S_ISDIR(info.st_mode)    ? "a folder"
                      : S_ISFIFO(info.st_mode) ? "a pipe"
                      : S_ISSOCK(info.st_mode) ? "a socket"
                                               : "a device") +
                     ", not a file; save the contents to a file first");
}

NpzReader::NpzReader(const std::string &path)
    : archive(std::make_unique<Archive>()) {
  checkIsFile(path);
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
  archive->listMembers();
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
  archive->listMembers();
}

void NpzReader::Archive::listMembers() {
  zip_int64_t count = zip_get_num_entries(zip, 0);
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    const char *rawName = zip_get_name(zip, i, ZIP_FL_ENC_RAW);
    if (!rawName || !isArray(rawName))
      continue; // not an array: numpy ignores it too
    std::string name(rawName);
    name.resize(name.size() - extension.size());
    if (!members.emplace(name, i).second)
      repeated.insert(name);
  }
}

zip_uint64_t NpzReader::Archive::find(std::string_view array) const {
  auto found = members.find(array);
  if (found == members.end())
    throw NpzError(VERNIER_BAD_FILE,
                   path + ": there is no array '" + std::string(array) + "'");
  if (repeated.count(array))
    fail(array, NpzError(VERNIER_BAD_FILE, "it is in the archive twice"));
  return found->second;
}

size_t NpzReader::Archive::readHeader(zip_uint64_t index, Member &member,
                                      std::vector<uint8_t> &bytes,
                                      NpyInfo &info) const {
  // No more than the header: an array may be damaged behind it, and another
  // one's header disagree with this one's.
  member.fill(bytes, npyPrefixBytes);
  member.fill(bytes, npyHeaderBytes(asText(bytes)));
  size_t start = parseNpyHeader(asText(bytes), info);
  zip_stat_t stat;
  if (zip_stat_index(zip, index, 0, &stat) != 0 || stat.size < start ||
      stat.size - start != info.bytes())
    throw NpzError(VERNIER_BAD_FILE,
                   "it should hold " + std::to_string(info.bytes()) +
                       " bytes of " + npyTypeName(info.type) + " " +
                       shapeString(info.shape) + " but does not");
  return start;
}

std::vector<std::string> NpzReader::names() const {
  std::vector<std::string> names;
  for (const auto &[name, index] : archive->members)
    names.push_back(name);
  return names;
}

bool NpzReader::contains(std::string_view name) const {
  return archive->members.find(name) != archive->members.end();
}

std::vector<NpyInfo> NpzReader::arrays() const {
  std::vector<NpyInfo> infos;
  for (const auto &[name, index] : archive->members)
    infos.push_back(info(name));
  return infos;
}

NpyInfo NpzReader::info(std::string_view name) const {
  zip_uint64_t index = archive->find(name);
  try {
    NpyInfo info;
    info.name = name;
    std::vector<uint8_t> bytes;
    Member member(archive->zip, index);
    archive->readHeader(index, member, bytes, info);
    return info;
  } catch (const NpzError &error) {
    archive->fail(name, error);
  }
}

NpyArray NpzReader::read(std::string_view name) const {
  zip_uint64_t index = archive->find(name);
  NpyArray array;
  array.name = name;
  try {
    Member member(archive->zip, index);
    size_t start = archive->readHeader(index, member, array.data, array);
    // One byte more than expected makes libzip reach the end and check the sum.
    uint64_t total = start + array.bytes();
    member.fill(array.data, total + 1);
    if (array.data.size() != total)
      throw NpzError(VERNIER_BAD_FILE,
                     "it holds " + std::to_string(array.data.size()) +
                         " bytes instead of " + std::to_string(total));
    array.data.erase(array.data.begin(), array.data.begin() + start);
    return array;
  } catch (const NpzError &error) {
    archive->fail(name, error);
  } catch (const std::bad_alloc &) {
    archive->fail(name, NpzError(VERNIER_RESOURCES,
                                 "its " + std::to_string(array.bytes()) +
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
