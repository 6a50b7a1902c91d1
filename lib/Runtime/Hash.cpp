//===- Hash.cpp - XXH3 and SHA-256 digests
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Hash.h"

#include <cstring>
#include <new>
#include <openssl/evp.h>
#include <stdexcept>
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

/// libcrypto fails where its configuration forbids, or lacks, the digest.
static void require(bool succeeded) {
  if (!succeeded)
    throw std::runtime_error("libcrypto cannot compute SHA-256");
}

Sha256::Sha256() : context(EVP_MD_CTX_new()) {
  if (!context)
    throw std::bad_alloc();
  if (EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) {
    EVP_MD_CTX_free(context);
    require(false);
  }
}

Sha256::~Sha256() { EVP_MD_CTX_free(context); }

void Sha256::update(const void *data, size_t size) {
  require(EVP_DigestUpdate(context, data, size) == 1);
}

std::string Sha256::finish() {
  uint8_t digest[32];
  require(EVP_DigestFinal_ex(context, digest, nullptr) == 1);
  return toHex(digest, sizeof digest);
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
