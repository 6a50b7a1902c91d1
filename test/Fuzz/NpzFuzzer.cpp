//===- NpzFuzzer.cpp - Any bytes as a data file
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The first byte says what the rest is: an archive (even) or an array (odd),
// which is then put into an archive whose checksum is right.
//
//===----------------------------------------------------------------------===//

#include "vernier/Runtime/Npz.h"

#include <array>
#include <cstring>

using namespace vernier;

/// CRC-32 as zip archives have it (ISO 3309), a bit at a time.
static uint32_t getCrc(const std::string &bytes) {
  uint32_t crc = ~0u;
  for (unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

static void put(std::string &out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    out += static_cast<char>(value >> 8 * i);
}

/// A zip archive of one stored file, "x.npy" (APPNOTE.TXT, 4.3.7 to 4.3.16).
static std::string wrap(const std::string &content) {
  const std::string name = "x.npy";
  std::string common;
  put(common, 20, 2); // version needed
  put(common, 0, 4);  // flags, stored
  put(common, 0, 4);  // time, date
  put(common, getCrc(content), 4);
  put(common, content.size(), 4);
  put(common, content.size(), 4);
  put(common, name.size(), 2);
  put(common, 0, 2); // extra field
  std::string archive = "PK\3\4" + common + name + content;
  size_t directory = archive.size();
  std::string entry = std::string("PK\1\2") + "\x14" + '\0' + common;
  put(entry, 0, 6); // comment, disk, internal attributes
  put(entry, 0, 4); // external attributes
  put(entry, 0, 4); // the file's place
  entry += name;
  archive += entry + "PK\5\6";
  put(archive, 0, 4); // disks
  put(archive, 1, 2);
  put(archive, 1, 2);
  put(archive, entry.size(), 4);
  put(archive, directory, 4);
  put(archive, 0, 2);
  return archive;
}

static void readAll(const std::string &archive) {
  try {
    NpzReader reader(archive.data(), archive.size(), "fuzz.npz");
    for (const std::string &name : reader.names())
      try {
        NpyInfo info = reader.info(name);
        (void)shapeString(info.shape);
        for (vernier_dtype_t dtype : {VERNIER_F32, VERNIER_I32, VERNIER_BF16})
          try {
            (void)convertExactly(reader.read(name), dtype);
          } catch (const NpzError &) { // a value the type cannot hold
          }
      } catch (const NpzError &) { // what is wrong with one leaves the others
      }
  } catch (const NpzError &) {
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  std::string content(data + 1, data + size);
  readAll(data[0] % 2 ? wrap(content) : content);
  return 0;
}
