//===- PrintableStream.cpp - stderr for messages with text of files
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PrintableStream.h"

#include "vernier/Runtime/Printable.h"

using namespace vernier;

/// How many bytes at the end are the start of a character that is not whole:
/// LLVM prints the lines of a source byte by byte.
static size_t countUnfinished(std::string_view text) {
  for (size_t count = 1; count <= std::min<size_t>(3, text.size()); ++count) {
    auto byte = static_cast<uint8_t>(text[text.size() - count]);
    if ((byte & 0xc0) == 0x80)
      continue; // a later byte: its first one stands before it
    size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > count ? count : 0;
  }
  return 0;
}

void PrintableStream::write_impl(const char *text, size_t size) {
  rest.append(text, size);
  std::string_view whole = rest;
  whole.remove_suffix(countUnfinished(whole));
  target << toPrintable(whole, Lines::kept);
  rest.erase(0, whole.size());
}

void PrintableStream::writeRest() {
  target << toPrintable(rest, Lines::kept);
  rest.clear();
}

llvm::raw_ostream &vernier::printableErrors() {
  static PrintableStream stream(llvm::errs());
  return stream;
}
