//===- Printable.h - Text of files as a terminal may show it
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names and messages come from files, and a terminal obeys what it is shown:
// escape sequences move the cursor, set titles, write to the clipboard; marks
// of direction make text read otherwise than it is (CVE-2021-42574). Header
// only, for the tools on both sides of the plan.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_PRINTABLE_H
#define VERNIER_RUNTIME_PRINTABLE_H

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace vernier {

/// How long the UTF-8 sequence at the start of `text` is, and the character in
/// it; 0 if there is none, or not a whole one.
inline size_t decodeUtf8(std::string_view text, uint32_t &character) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t first = text.empty() ? 0xff : byte(0);
  size_t length = first < 0x80   ? 1
                  : first < 0xc2 ? 0
                  : first < 0xe0 ? 2
                  : first < 0xf0 ? 3
                  : first < 0xf5 ? 4
                                 : 0;
  if (length == 0 || length > text.size())
    return 0;
  character = length == 1 ? first : first & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
    character = character << 6 | (byte(i) & 0x3f);
  }
  // The shortest form only, and no halves of UTF-16.
  static constexpr uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool isCharacter = character >= least[length] && character <= 0x10ffff &&
                     (character < 0xd800 || character > 0xdfff);
  return isCharacter ? length : 0;
}

/// Whether a terminal shows a character and does nothing else: no control
/// character of C0 or C1, no mark of direction, no separator of lines.
inline bool isShown(uint32_t character) {
  auto isIn = [&](uint32_t first, uint32_t last) {
    return character >= first && character <= last;
  };
  return character >= 0x20 && !isIn(0x7f, 0x9f) && character != 0x61c &&
         !isIn(0x200b, 0x200f) && !isIn(0x2028, 0x202e) &&
         !isIn(0x2066, 0x2069) && character != 0xfeff &&
         !isIn(0xe0000, 0xe007f); // tags, which show nothing
}

/// Which control characters are kept.
enum class Lines { escaped, kept };

/// `text` with \\xNN for bytes and \\u{N} for characters that a terminal would
/// obey. Lines::kept leaves newlines and tabs, for text of several lines.
inline std::string toPrintable(std::string_view text, Lines lines) {
  std::string result;
  while (!text.empty()) {
    uint32_t character = 0;
    size_t length = decodeUtf8(text, character);
    char escaped[16] = "";
    bool isLayout = character == '\n' || character == '\t';
    if (length == 0)
      std::snprintf(escaped, sizeof escaped, "\\x%02x",
                    static_cast<uint8_t>(text[0]));
    else if (isLayout ? lines == Lines::escaped : !isShown(character))
      std::snprintf(escaped, sizeof escaped,
                    character < 0x80 ? "\\x%02x" : "\\u{%x}", character);
    result += *escaped ? std::string_view(escaped) : text.substr(0, length);
    text.remove_prefix(length ? length : 1);
  }
  return result;
}

} // namespace vernier

#endif // VERNIER_RUNTIME_PRINTABLE_H
