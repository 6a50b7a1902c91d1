//===- Manifest.cpp - The table of contents of a checkpoint
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Manifest.h"

#include "Runtime/Json.h"

#include <algorithm>

using namespace vernier::runtime;

static constexpr size_t blockSize = 1 << 20;
static constexpr const char *formatName = "vernier.checkpoint";
static constexpr uint64_t formatVersion = 3;
static constexpr uint64_t oldestVersion = 2; // metadata in a file of its own

Status HashedFile::write(const void *data, size_t size) {
  VERNIER_TRY(file.write(data, size));
  hasher.update(data, size);
  written.bytes += size;
  const auto *bytes = static_cast<const uint8_t *>(data);
  while (size > 0) {
    size_t part = std::min(size, blockSize - block.size());
    block.insert(block.end(), bytes, bytes + part);
    bytes += part;
    size -= part;
    if (block.size() == blockSize) {
      written.blocks.push_back(toHex(hash64(block.data(), block.size())));
      block.clear();
    }
  }
  return {};
}

Status HashedFile::finish(FileDigest &result) {
  VERNIER_TRY(file.finish());
  if (!block.empty())
    written.blocks.push_back(toHex(hash64(block.data(), block.size())));
  written.sha256 = hasher.finish();
  result = std::move(written);
  return {};
}

std::string vernier::runtime::writeManifest(const Manifest &manifest) {
  Json::Array files;
  for (const auto &[name, file] : manifest) {
    Json &description = files.emplace_back(Json::makeObject());
    description.add("name", name);
    description.add("bytes", file.bytes);
    description.add("sha256", file.sha256);
    description.add("xxh3_64_of_each_mib", file.blocks);
  }
  Json json = Json::makeObject();
  json.add("format", formatName);
  json.add("version", formatVersion);
  json.add("files", std::move(files));
  return printJson(json, JsonLayout::indented) + '\n';
}

static Status readFileDigest(const Json &json, std::string &name,
                             FileDigest &file) {
  if (!json.getObject())
    return badFile("a file's description is no object");
  const std::string *stated = json.findString("name");
  const std::string *sha256 = json.findString("sha256");
  const Json::Array *blocks = json.findArray("xxh3_64_of_each_mib");
  if (!stated || !sha256 || !blocks || !json.findUnsigned("bytes", file.bytes))
    return badFile("a file lacks name, bytes or hashes");
  name = *stated;
  file.sha256 = *sha256;
  for (const Json &block : *blocks) {
    if (!block.getString())
      return badFile("a block's hash is no string");
    file.blocks.push_back(*block.getString());
  }
  return {};
}

Status vernier::runtime::readManifest(const std::vector<uint8_t> &text,
                                      Manifest &manifest) {
  Json json;
  VERNIER_TRY(parseJson(reinterpret_cast<const char *>(text.data()),
                        text.size(), json));
  const std::string *format = json.findString("format");
  uint64_t version = 0;
  if (!format || *format != formatName ||
      !json.findUnsigned("version", version))
    return badFile("not a checkpoint's manifest");
  if (version < oldestVersion || version > formatVersion)
    return badFile("the checkpoint has version ", version,
                   ", this runtime reads versions ", oldestVersion, " to ",
                   formatVersion);
  const Json::Array *files = json.findArray("files");
  if (!files)
    return badFile("it lists no files");
  for (const Json &description : *files) {
    std::string name;
    FileDigest file;
    VERNIER_TRY(readFileDigest(description, name, file));
    // Names come from outside: they must not lead out of the folder.
    if (name.empty() || name.find('/') != std::string::npos ||
        !manifest.emplace(name, std::move(file)).second)
      return badFile("the file name '", name, "' is bad or occurs twice");
  }
  return {};
}

Status vernier::runtime::checkFile(const std::vector<uint8_t> &bytes,
                                   const FileDigest &expected) {
  if (bytes.size() != expected.bytes)
    return badFile("it has ", bytes.size(), " bytes, expected ",
                   expected.bytes);
  size_t blocks = (bytes.size() + blockSize - 1) / blockSize;
  if (expected.blocks.size() != blocks)
    return badFile("the manifest lists ", expected.blocks.size(),
                   " blocks, expected ", blocks);
  for (size_t i = 0; i < blocks; ++i) {
    size_t begin = i * blockSize;
    size_t size = std::min(blockSize, bytes.size() - begin);
    if (toHex(hash64(bytes.data() + begin, size)) != expected.blocks[i])
      return badFile("bytes ", begin, " to ", begin + size, " are damaged");
  }
  Sha256 hasher;
  hasher.update(bytes.data(), bytes.size());
  if (hasher.finish() != expected.sha256)
    return badFile("its SHA-256 differs from the manifest's");
  return {};
}
