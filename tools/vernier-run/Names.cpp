//===- Names.cpp - Suggestions for misspelt names
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Names.h"

#include <algorithm>

using namespace vernier::run;

size_t vernier::run::editDistance(std::string_view a, std::string_view b) {
  // Rows i-2, i-1 and i of the table of Damerau (restricted to adjacent swaps).
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1),
      row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before = above;
    above = row;
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = above[j - 1] + (a[i - 1] != b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string
vernier::run::didYouMean(std::string_view name,
                         const std::vector<std::string> &candidates) {
  const std::string *best = nullptr;
  // A third of the letters may be wrong; a prefix is always a good guess.
  size_t bestDistance = std::max<size_t>(1, name.size() / 3) + 1;
  for (const std::string &candidate : candidates) {
    size_t distance = editDistance(name, candidate);
    bool prefix =
        name.size() > 2 && candidate.compare(0, name.size(), name) == 0;
    if (prefix)
      distance = std::min<size_t>(distance, 1);
    if (distance < bestDistance) {
      best = &candidate;
      bestDistance = distance;
    }
  }
  return best ? "; did you mean '" + *best + "'?" : "";
}

std::string vernier::run::joined(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}
