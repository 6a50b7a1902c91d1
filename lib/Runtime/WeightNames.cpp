//===- WeightNames.cpp - Which tensor of a file a state takes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/WeightNames.h"

#include <algorithm>
#include <optional>
#include <string_view>

using namespace vernier::runtime;

static bool startsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

static bool endsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() &&
         text.substr(text.size() - end.size()) == end;
}

/// What the `*` of `pattern` stands for in `text`: "" if there is none and they
/// are equal, nothing if they do not fit.
static std::optional<std::string_view> match(std::string_view pattern,
                                             std::string_view text) {
  size_t star = pattern.find('*');
  if (star == std::string_view::npos)
    return pattern == text ? std::optional<std::string_view>("") : std::nullopt;
  std::string_view before = pattern.substr(0, star),
                   after = pattern.substr(star + 1);
  if (text.size() < before.size() + after.size() || !startsWith(text, before) ||
      !endsWith(text, after))
    return std::nullopt;
  return text.substr(before.size(), text.size() - before.size() - after.size());
}

Status WeightNames::add(const vernier_rename_t &rename) {
  if (!rename.state || !rename.tensor || !*rename.state)
    return invalidArgument("a rule for names is null or has no state");
  Rule rule{rename.state, rename.tensor};
  auto countStars = [](const std::string &name) {
    return std::count(name.begin(), name.end(), '*');
  };
  auto stars = countStars(rule.state);
  bool fits = rule.tensor.empty() || stars == countStars(rule.tensor);
  if (stars > 1 || !fits)
    return invalidArgument("'", rule.state, "=", rule.tensor,
                           "': expected one * on both sides, or none");
  rules.push_back(std::move(rule));
  return {};
}

std::string WeightNames::translate(const std::string &state) {
  for (Rule &rule : rules) {
    std::optional<std::string_view> found = match(rule.state, state);
    if (!found)
      continue;
    rule.isUsed = true;
    std::string name = rule.tensor;
    if (size_t star = name.find('*'); star != std::string::npos)
      name.replace(star, 1, *found);
    return name;
  }
  return state;
}

Status WeightNames::checkAllUsed() const {
  for (const Rule &rule : rules)
    if (!rule.isUsed)
      return invalidArgument(
          "'", rule.state, "=", rule.tensor, "' renames nothing: no weight is ",
          "called '", rule.state,
          "', or an earlier rule fits it; the plan's name comes first");
  return {};
}
