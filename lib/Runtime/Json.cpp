//===- Json.cpp - JSON that others wrote
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Json.h"

#include <set>
#include <vector>

using namespace vernier::runtime;

Status vernier::runtime::parseJson(const char *text, size_t size,
                                   nlohmann::json &object) {
  using Event = nlohmann::json::parse_event_t;
  constexpr int maxDepth = 16;
  std::string problem;
  std::vector<std::set<std::string>> keys; // of the objects around this place
  auto check = [&](int depth, Event event, nlohmann::json &value) {
    if (depth > maxDepth && problem.empty())
      problem = "nested too deeply";
    if (event == Event::object_start)
      keys.emplace_back();
    else if (event == Event::object_end)
      keys.pop_back();
    else if (event == Event::key &&
             !keys.back().insert(value.get<std::string>()).second)
      problem = "the key '" + value.get<std::string>() + "' occurs twice";
    return problem.empty();
  };
  try {
    object = nlohmann::json::parse(text, text + size, check,
                                   /*allow_exceptions=*/true);
  } catch (const nlohmann::json::exception &error) {
    if (problem.empty())
      problem = error.what();
  }
  if (problem.empty() && !object.is_object())
    problem = "expected an object";
  return problem.empty() ? Status() : badFile("bad JSON: ", problem);
}

const std::string *vernier::runtime::getString(const nlohmann::json &object,
                                               const char *key) {
  auto found = object.find(key);
  return found == object.end() ? nullptr
                               : found->get_ptr<const std::string *>();
}

bool vernier::runtime::getUnsigned(const nlohmann::json &object,
                                   const char *key, uint64_t &value) {
  auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned())
    return false;
  value = found->get<uint64_t>();
  return true;
}
