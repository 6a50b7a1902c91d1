//===- Hash.h - XXH3 and SHA-256 digests
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_HASH_H
#define VERNIER_RUNTIME_HASH_H

#include <array>
#include <cstdint>
#include <memory>
#include <string>

struct XXH3_state_s;
struct evp_md_ctx_st;

namespace vernier::runtime {

/// XXH3-128 in its canonical (big-endian) form.
using Digest = std::array<uint8_t, 16>;

/// XXH3-128 of the concatenation of what it is given.
class Hasher {
public:
  Hasher();
  ~Hasher();
  void update(const void *data, size_t size);
  Digest finish() const;

private:
  XXH3_state_s *state;
};

/// SHA-256 of the concatenation of what it is given.
class Sha256 {
public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256 &) = delete;
  void update(const void *data, size_t size);
  /// 64 hexadecimal digits, as sha256sum prints them. Only once.
  std::string finish();

private:
  evp_md_ctx_st *context;
};

uint64_t hash64(const void *data, size_t size);
std::string toHex(const uint8_t *bytes, size_t size);
/// 16 digits, most significant first.
std::string toHex(uint64_t value);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_HASH_H
