//===- NestingTest.cpp - How deep texts are nested
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Interfaces/Nesting.h"

#include "gtest/gtest.h"

#include <string>

using namespace vernier;

static std::string repeat(const std::string &text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i)
    all += text;
  return all;
}

/// Any bracket, and minus signs, which negate each other.
TEST(Nesting, MlirBrackets) {
  for (const char *open : {"(", "[", "{", "<", "( [", "{<", "loc(fused<", "-",
                           "- ", "f() ({", "tuple<", "-> (", "[ -> <"})
    EXPECT_EQ(findDeepNesting("\n" + repeat(open, 300), Syntax::Mlir), 2u)
        << open;
}

/// What is beside each other is not nested, nor is what text only shows.
TEST(Nesting, MlirFlat) {
  for (const char *flat :
       {"() ", "[{}] ", "<()> ", "\"((\" ", "\"\\\"((\" ", "// ((\n", "-> ",
        "() -> () ", "-1 ", "\"(\n", "#a = [[1]]\n", "@\"<<\" "})
    EXPECT_EQ(findDeepNesting(repeat(flat, 3000), Syntax::Mlir), 0u) << flat;
}

/// A bracket that closes nothing takes none of the levels away.
TEST(Nesting, WrongClosing) {
  EXPECT_EQ(findDeepNesting(repeat("(>", 300), Syntax::Mlir), 1u);
  EXPECT_EQ(findDeepNesting(repeat("[}", 300), Syntax::Json), 1u);
  EXPECT_EQ(findDeepNesting(repeat("[>=", 300), Syntax::Mlir), 1u);
}

/// A name stands for what another name stands for, some thousand times.
TEST(Nesting, MlirNames) {
  auto chain = [](unsigned count) {
    std::string text = "#a0 = 1\n";
    for (unsigned i = 1; i < count; ++i)
      text +=
          "#a" + std::to_string(i) + " = [#a" + std::to_string(i - 1) + "]\n";
    return text;
  };
  EXPECT_EQ(findDeepNesting(chain(500), Syntax::Mlir), 0u);
  EXPECT_NE(findDeepNesting(chain(5000), Syntax::Mlir), 0u);
}

TEST(Nesting, Json) {
  EXPECT_EQ(findDeepNesting("\n\n" + repeat("[", 40000), Syntax::Json), 3u);
  EXPECT_EQ(findDeepNesting(repeat("{\"a\":", 40000), Syntax::Json), 1u);
  EXPECT_EQ(findDeepNesting("{\"" + repeat("[", 1000) + "\": \"\\\"[\"}",
                            Syntax::Json),
            0u);
  EXPECT_EQ(findDeepNesting(repeat("[{\"a\": []}],", 1000), Syntax::Json), 0u);
}

/// Flows by their brackets, blocks by their indents.
TEST(Nesting, Yaml) {
  EXPECT_EQ(findDeepNesting("a: " + repeat("[", 300), Syntax::Yaml), 1u);
  EXPECT_EQ(findDeepNesting("# it's\na: " + repeat("{b: ", 300), Syntax::Yaml),
            2u);
  EXPECT_EQ(findDeepNesting(repeat("- ", 300), Syntax::Yaml), 1u);
  EXPECT_EQ(findDeepNesting(repeat("? ", 300), Syntax::Yaml), 1u);
  std::string steps;
  for (unsigned i = 0; i < 300; ++i)
    steps += std::string(i, ' ') + "a:\n";
  EXPECT_EQ(findDeepNesting(steps, Syntax::Yaml), 201u);
  EXPECT_EQ(findDeepNesting(repeat("ops:\n  - a: [b]\n  - c: {d: e}\n", 300),
                            Syntax::Yaml),
            0u);
}
