//===- Hash.cpp - XXH3 digests
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Hash.h"

#include <cstring>
#include <new>
#include <xxhash.h>

using namespace vernier::runtime;

Hasher::Hasher() : state(XXH3_createState()) {
  if (!state)
    throw std::bad_alloc();
  XXH3_128bits_reset(state);
}

Hasher::~Hasher() { XXH3_freeState(state); }

void Hasher::update(const void *data, size_t size) {
  XXH3_128bits_update(state, data, size);
}

Digest Hasher::finish() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
  Digest digest;
  std::memcpy(digest.data(), canonical.digest, digest.size());
  return digest;
}

uint64_t vernier::runtime::hash64(const void *data, size_t size) {
  return XXH3_64bits(data, size);
}

std::string vernier::runtime::toHex(const uint8_t *bytes, size_t size) {
  static const char digits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

std::string vernier::runtime::toHex(uint64_t value) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; ++i)
    bytes[i] = static_cast<uint8_t>(value >> (56 - 8 * i));
  return toHex(bytes, 8);
}
