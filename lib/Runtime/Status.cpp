//===- Status.cpp - Status messages of the C API
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Status.h"

#include <cstring>

using namespace vernier::runtime;

/// Longer than any message but one with names of thousands of bytes, which is
/// cut. Not a std::string: its destructor must be registered for each thread,
/// and where memory is short the C library aborts there.
static thread_local char threadMessage[8192];

vernier_status_t vernier::runtime::toC(vernier_status_code_t code,
                                       std::string_view message) noexcept {
  if (code == VERNIER_OK && message.empty())
    return {VERNIER_OK, nullptr};
  constexpr std::string_view ending = " ...";
  bool isCut = message.size() >= sizeof(threadMessage);
  size_t length =
      isCut ? sizeof(threadMessage) - 1 - ending.size() : message.size();
  // Between characters of UTF-8, whose later bytes are 10xxxxxx.
  while (isCut && length > 0 && (message[length] & 0xc0) == 0x80)
    --length;
  std::memcpy(threadMessage, message.data(), length);
  if (isCut) {
    std::memcpy(threadMessage + length, ending.data(), ending.size());
    length += ending.size();
  }
  threadMessage[length] = '\0';
  return {code, threadMessage};
}
