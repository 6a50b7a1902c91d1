//===- Safetensors.cpp - The safetensors format
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Safetensors.h"

#include "Runtime/Json.h"

#include <algorithm>
#include <cstring>

using namespace vernier::runtime;

/// The format's own limit on its header.
static constexpr uint64_t maxHeaderSize = 100'000'000;

static const std::pair<vernier_dtype_t, const char *> dtypeNames[] = {
    {VERNIER_F32, "F32"}, {VERNIER_BF16, "BF16"}, {VERNIER_F16, "F16"},
    {VERNIER_I32, "I32"}, {VERNIER_I64, "I64"},   {VERNIER_I1, "BOOL"}};

static bool parseDType(const std::string &name, vernier_dtype_t &dtype) {
  for (auto [candidate, text] : dtypeNames)
    if (name == text) {
      dtype = candidate;
      return true;
    }
  return false;
}

/// Shape, and the bytes that it makes; false if it is none or too large.
static bool parseShape(const nlohmann::json &json, StoredTensor &tensor) {
  auto found = json.find("shape");
  if (found == json.end() || !found->is_array() || found->size() > 32)
    return false;
  tensor.bytes = sizeOf(tensor.dtype);
  for (const nlohmann::json &extent : *found) {
    if (!extent.is_number_unsigned() ||
        extent.get<uint64_t>() > uint64_t(INT64_MAX) ||
        __builtin_mul_overflow(tensor.bytes, extent.get<uint64_t>(),
                               &tensor.bytes))
      return false;
    tensor.shape.push_back(extent.get<int64_t>());
  }
  return true;
}

static Status parseTensor(const nlohmann::json &json, const uint8_t *data,
                          uint64_t size, StoredTensor &tensor) {
  auto bad = [&](const auto &...what) {
    return badFile("tensor '", tensor.name, "': ", what...);
  };
  if (!json.is_object())
    return bad("its description is no object");
  const std::string *dtype = getString(json, "dtype");
  if (!dtype || !parseDType(*dtype, tensor.dtype))
    return bad("unknown dtype ", dtype ? *dtype : "(none)",
               ", expected F32, BF16, F16, I32, I64 or BOOL");
  if (!parseShape(json, tensor))
    return bad("its shape is malformed or too large");
  auto offsets = json.find("data_offsets");
  if (offsets == json.end() || !offsets->is_array() || offsets->size() != 2 ||
      !(*offsets)[0].is_number_unsigned() ||
      !(*offsets)[1].is_number_unsigned())
    return bad("its data_offsets are malformed");
  uint64_t begin = (*offsets)[0].get<uint64_t>();
  uint64_t end = (*offsets)[1].get<uint64_t>();
  if (begin > end || end > size)
    return bad("its data lie outside the file");
  if (end - begin != tensor.bytes)
    return bad("its data are ", end - begin, " bytes, its shape needs ",
               tensor.bytes);
  tensor.data = data + begin;
  return {};
}

/// The tensors cover [data, data + size) exactly.
static Status checkCover(std::vector<StoredTensor> &tensors,
                         const uint8_t *data, uint64_t size) {
  std::sort(tensors.begin(), tensors.end(),
            [](const StoredTensor &a, const StoredTensor &b) {
              return std::make_pair(a.data, a.bytes) <
                     std::make_pair(b.data, b.bytes);
            });
  const uint8_t *place = data;
  for (const StoredTensor &tensor : tensors) {
    if (tensor.data != place)
      return badFile("tensor '", tensor.name,
                     "': there is a hole or an overlap before its data");
    place += tensor.bytes;
  }
  if (place != data + size)
    return badFile(uint64_t(data + size - place),
                   " bytes at the end belong to no tensor");
  return {};
}

Status vernier::runtime::readSafetensors(const uint8_t *file, size_t size,
                                         std::vector<StoredTensor> &tensors) {
  uint64_t headerSize = 0;
  if (size < 8)
    return badFile("not a safetensors file: ", size, " bytes");
  for (int i = 0; i < 8; ++i)
    headerSize |= uint64_t(file[i]) << (8 * i);
  if (headerSize > maxHeaderSize || headerSize > size - 8)
    return badFile("not a safetensors file, or truncated: its header would be ",
                   headerSize, " bytes of ", size - 8);
  const char *header = reinterpret_cast<const char *>(file + 8);
  if (headerSize == 0 || header[0] != '{')
    return badFile("not a safetensors file: its header is not JSON");
  nlohmann::json json;
  VERNIER_TRY(parseJson(header, headerSize, json));
  const uint8_t *data = file + 8 + headerSize;
  uint64_t dataSize = size - 8 - headerSize;
  for (auto &[name, description] : json.items()) {
    if (name == "__metadata__")
      continue;
    StoredTensor &tensor = tensors.emplace_back();
    tensor.name = name;
    VERNIER_TRY(parseTensor(description, data, dataSize, tensor));
  }
  return checkCover(tensors, data, dataSize);
}

static const char *getDTypeName(vernier_dtype_t dtype) {
  for (auto [candidate, text] : dtypeNames)
    if (candidate == dtype)
      return text;
  return "";
}

std::string vernier::runtime::makeSafetensorsHeader(
    const std::vector<const Tensor *> &tensors) {
  // Ordered, so that people find the tensors in the order of their bytes.
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  json["__metadata__"] = {{"format", "vernier"}};
  uint64_t place = 0;
  for (const Tensor *tensor : tensors) {
    json[tensor->getName()] = {
        {"dtype", getDTypeName(tensor->getDType())},
        {"shape", tensor->getShape()},
        {"data_offsets", {place, place + tensor->getBytes()}}};
    place += tensor->getBytes();
  }
  std::string text = json.dump();
  text.resize((text.size() + 8 + 63) / 64 * 64 - 8, ' '); // data are aligned
  std::string header(8, '\0');
  for (int i = 0; i < 8; ++i)
    header[i] = static_cast<char>(text.size() >> (8 * i));
  return header + text;
}
