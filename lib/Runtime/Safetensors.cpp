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
#include <optional>

using namespace vernier::runtime;

/// The format's own limit on its header.
static constexpr uint64_t maxHeaderSize = 100'000'000;

namespace {

/// An element type of the format.
struct TypeEntry {
  const char *name;
  StoredType type;
  uint64_t bytes;
  std::optional<vernier_dtype_t> dtype; ///< of plans
};

} // namespace

static const TypeEntry typeEntries[] = {
    {"F32", StoredType::f32, 4, VERNIER_F32},
    {"BF16", StoredType::bf16, 2, VERNIER_BF16},
    {"F16", StoredType::f16, 2, VERNIER_F16},
    {"I32", StoredType::i32, 4, VERNIER_I32},
    {"I64", StoredType::i64, 8, VERNIER_I64},
    {"BOOL", StoredType::boolean, 1, VERNIER_I1},
    {"F64", StoredType::f64, 8, std::nullopt},
    {"I8", StoredType::i8, 1, std::nullopt},
    {"U8", StoredType::u8, 1, std::nullopt},
    {"I16", StoredType::i16, 2, std::nullopt},
    {"U16", StoredType::u16, 2, std::nullopt},
    {"U32", StoredType::u32, 4, std::nullopt},
    {"U64", StoredType::u64, 8, std::nullopt}};

static const TypeEntry *findType(const std::string &name) {
  for (const TypeEntry &entry : typeEntries)
    if (name == entry.name)
      return &entry;
  return nullptr;
}

/// Shape, and the bytes that it makes; false if it is none or too large.
static bool parseShape(const Json &json, uint64_t elementBytes,
                       StoredTensor &tensor) {
  const Json::Array *shape = json.findArray("shape");
  if (!shape || shape->size() > 32)
    return false;
  tensor.bytes = elementBytes;
  for (const Json &element : *shape) {
    uint64_t extent = 0;
    if (!element.getUnsigned(extent) || extent > uint64_t(INT64_MAX) ||
        __builtin_mul_overflow(tensor.bytes, extent, &tensor.bytes))
      return false;
    tensor.shape.push_back(static_cast<int64_t>(extent));
  }
  return true;
}

static Status parseTensor(const Json &json, const uint8_t *data, uint64_t size,
                          StoredTypes types, StoredTensor &tensor) {
  auto bad = [&](const auto &...what) {
    return badFile("tensor '", tensor.name, "': ", what...);
  };
  if (!json.getObject())
    return bad("its description is no object");
  const std::string *dtype = json.findString("dtype");
  const TypeEntry *entry = dtype ? findType(*dtype) : nullptr;
  bool isOfPlans = entry && entry->dtype;
  if (!dtype || (types == StoredTypes::ofPlans && !isOfPlans))
    return bad("unknown dtype ", dtype ? *dtype : "(none)",
               ", expected F32, BF16, F16, I32, I64 or BOOL");
  tensor.typeName = *dtype;
  tensor.type = entry ? entry->type : StoredType::other;
  if (isOfPlans)
    tensor.dtype = *entry->dtype;
  if (!parseShape(json, entry ? entry->bytes : 1, tensor))
    return bad("its shape is malformed or too large");
  const Json::Array *offsets = json.findArray("data_offsets");
  uint64_t begin = 0, end = 0;
  if (!offsets || offsets->size() != 2 || !(*offsets)[0].getUnsigned(begin) ||
      !(*offsets)[1].getUnsigned(end))
    return bad("its data_offsets are malformed");
  if (begin > end || end > size)
    return bad("its data lie outside the file");
  if (!entry) // Its elements may have less than a byte each.
    tensor.bytes = end - begin;
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
                                         std::vector<StoredTensor> &tensors,
                                         StoredTypes types) {
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
  Json json;
  VERNIER_TRY(parseJson(header, headerSize, json));
  const uint8_t *data = file + 8 + headerSize;
  uint64_t dataSize = size - 8 - headerSize;
  for (const auto &[name, description] : *json.getObject()) {
    if (name == "__metadata__")
      continue;
    StoredTensor &tensor = tensors.emplace_back();
    tensor.name = name;
    VERNIER_TRY(parseTensor(description, data, dataSize, types, tensor));
  }
  return checkCover(tensors, data, dataSize);
}

static const char *getTypeName(vernier_dtype_t dtype) {
  for (const TypeEntry &entry : typeEntries)
    if (entry.dtype == dtype)
      return entry.name;
  return "";
}

std::string vernier::runtime::makeSafetensorsHeader(
    const std::vector<const Tensor *> &tensors) {
  // Ordered, so that people find the tensors in the order of their bytes.
  Json metadata = Json::makeObject(), json = Json::makeObject();
  metadata.add("format", "vernier");
  json.add("__metadata__", std::move(metadata));
  uint64_t place = 0;
  for (const Tensor *tensor : tensors) {
    uint64_t end = place + tensor->getBytes();
    Json description = Json::makeObject();
    description.add("dtype", getTypeName(tensor->getDType()));
    description.add("shape", tensor->getShape());
    description.add("data_offsets", std::vector<uint64_t>{place, end});
    json.add(tensor->getName(), std::move(description));
    place = end;
  }
  std::string text = printJson(json, JsonLayout::line);
  text.resize((text.size() + 8 + 63) / 64 * 64 - 8, ' '); // data are aligned
  std::string header(8, '\0');
  for (int i = 0; i < 8; ++i)
    header[i] = static_cast<char>(text.size() >> (8 * i));
  return header + text;
}
