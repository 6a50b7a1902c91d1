//===- TextMutator.cpp - Mutations of text that keep its words
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TextMutator.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace vernier::fuzz;
namespace fs = std::filesystem;

using Words = std::vector<std::string>;
using Random = std::mt19937;

static constexpr const char *edges[] = {"0",
                                        "1",
                                        "-1",
                                        "2",
                                        "7",
                                        "65536",
                                        "2147483648",
                                        "4294967296",
                                        "1e308",
                                        "1e-300",
                                        "nan",
                                        "inf",
                                        "-0.0",
                                        "0x7FC00000",
                                        "?",
                                        "*",
                                        "dense<>",
                                        "\"\"",
                                        "1000000007",
                                        "9223372036854775807",
                                        "18446744073709551616"};

void TextMutator::readSeeds(const std::string &folder) {
  if (!fs::is_directory(folder))
    return;
  for (const fs::directory_entry &entry :
       fs::recursive_directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    if (entry.is_regular_file())
      seeds.emplace_back(std::istreambuf_iterator<char>(file),
                         std::istreambuf_iterator<char>());
  }
  // Directories have no order of their own.
  std::sort(seeds.begin(), seeds.end());
}

static bool isWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
}

/// Words, and every other character alone.
static Words split(const std::string &text) {
  Words words;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    while (isWord(text[i]) && end < text.size() && isWord(text[end]))
      ++end;
    words.push_back(text.substr(i, end - i));
    i = end;
  }
  return words;
}

static size_t pick(Random &random, size_t count) {
  return count ? random() % count : 0;
}

/// One change of `words`, which are not empty.
static void change(Words &words, const Words &donor, Random &random) {
  size_t at = pick(random, words.size());
  size_t count = std::min(1 + pick(random, 8), words.size() - at);
  auto begin = words.begin() + static_cast<ptrdiff_t>(at);
  auto end = begin + static_cast<ptrdiff_t>(count);
  size_t from = pick(random, donor.size());
  switch (random() % 8) {
  case 0:
    words.erase(begin, end);
    break;
  case 1: { // again, here
    Words copy(begin, end);
    words.insert(begin, copy.begin(), copy.end());
    break;
  }
  case 2:
    std::swap(*begin, words[pick(random, words.size())]);
    break;
  case 3:
  case 4:
    *begin = words[pick(random, words.size())];
    break;
  case 5: // a number where one was, most likely
    while (begin != words.end() &&
           !std::isdigit(static_cast<unsigned char>((*begin)[0])))
      ++begin;
    if (begin != words.end())
      *begin = edges[pick(random, std::size(edges))];
    break;
  case 6: // a piece of another text
    if (from < donor.size())
      words.insert(begin, donor.begin() + static_cast<ptrdiff_t>(from),
                   donor.begin() +
                       static_cast<ptrdiff_t>(std::min(
                           from + 1 + pick(random, 40), donor.size())));
    break;
  default:
    (*begin)[pick(random, begin->size())] = static_cast<char>(random());
  }
}

std::string TextMutator::mutate(const std::string &text,
                                uint32_t number) const {
  Random random(number);
  bool takesSeed = hasSeeds() && (text.empty() || random() % 2);
  Words words = split(takesSeed ? seeds[pick(random, seeds.size())] : text);
  Words donor = hasSeeds() ? split(seeds[pick(random, seeds.size())]) : words;
  for (size_t i = 1 + pick(random, 4); i > 0 && !words.empty(); --i)
    change(words, donor, random);
  std::string result;
  for (const std::string &word : words)
    result += word;
  return result;
}
