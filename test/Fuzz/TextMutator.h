//===- TextMutator.h - Mutations of text that keep its words
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Single bytes hardly ever lead through a parser. These mutations take the
// words, numbers and signs of a text for its letters: they drop, repeat,
// exchange and replace them, with others of the same text, of another seed, or
// with numbers at the edges of their types.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TEST_FUZZ_TEXTMUTATOR_H
#define VERNIER_TEST_FUZZ_TEXTMUTATOR_H

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace vernier::fuzz {

/// Mutates texts; the same random numbers give the same texts.
class TextMutator {
public:
  /// Read all files below `folder` as seeds.
  void readSeeds(const std::string &folder);
  bool hasSeeds() const { return !seeds.empty(); }

  /// A text made of `text`, or of a seed: a compiler whose libraries are not
  /// instrumented has no other way to reach them all again.
  std::string mutate(const std::string &text, uint32_t random) const;

private:
  std::vector<std::string> seeds;
};

} // namespace vernier::fuzz

#endif // VERNIER_TEST_FUZZ_TEXTMUTATOR_H
