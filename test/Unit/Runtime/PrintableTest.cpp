//===- PrintableTest.cpp - Text that a terminal would obey
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Runtime/Printable.h"

#include <gtest/gtest.h>

using namespace vernier;

static std::string inLine(std::string_view text) {
  return toPrintable(text, Lines::escaped);
}

TEST(Printable, PlainTextStays) {
  for (const char *text : {"", "layer.0/weight [32, 64] ~", "Grüße, Ελλάδα",
                           "重み", "\xf0\x9f\x99\x82", "e\xcc\x81"})
    EXPECT_EQ(inLine(text), text);
}

// CSI and OSC (colours, titles, the clipboard), a bell, a carriage return that
// writes over what was said, delete, a zero.
TEST(Printable, EscapeSequences) {
  EXPECT_EQ(inLine("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m");
  EXPECT_EQ(inLine("\x1b]52;c;ZXZpbA==\a"), "\\x1b]52;c;ZXZpbA==\\x07");
  EXPECT_EQ(inLine("bad\rok\x7f"), "bad\\x0dok\\x7f");
  EXPECT_EQ(inLine({"a\0b", 3}), "a\\x00b");
  // C1 in UTF-8, and as the bytes that 8-bit terminals take.
  EXPECT_EQ(inLine("\xc2\x9b"
                   "31m"),
            "\\u{9b}31m");
  EXPECT_EQ(inLine("\x9b"
                   "31m"),
            "\\x9b31m");
}

TEST(Printable, Directions) {
  EXPECT_EQ(inLine("a\u202eb\u2066c\u200fd\u061ce\u2069"),
            "a\\u{202e}b\\u{2066}c\\u{200f}d\\u{61c}e\\u{2069}");
  EXPECT_EQ(inLine("\u2028\ufeff\u200b"), "\\u{2028}\\u{feff}\\u{200b}");
}

// Overlong forms, surrogates, too large, cut off: byte by byte.
TEST(Printable, NotUtf8) {
  EXPECT_EQ(inLine("\xc0\x9b"), "\\xc0\\x9b");
  EXPECT_EQ(inLine("\xe0\x80\x9b"), "\\xe0\\x80\\x9b");
  EXPECT_EQ(inLine("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(inLine("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(inLine("\xe2\x82"), "\\xe2\\x82");
  EXPECT_EQ(inLine("\xff"), "\\xff");
}

TEST(Printable, Lines) {
  EXPECT_EQ(inLine("a\n\tb"), "a\\x0a\\x09b");
  EXPECT_EQ(toPrintable("a\n\tb\x1b", Lines::kept), "a\n\tb\\x1b");
}
