//===- JsonReader.cpp - Parsing JSON strictly
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

using namespace vernier::runtime;

static constexpr size_t maxDepth = 16;

namespace {

/// Makes values of the parser's events; a function that returns false ends it.
class Reader final : public nlohmann::json_sax<nlohmann::json> {
public:
  explicit Reader(Json &root) : root(root) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(int64_t value) override { return add(value); }
  bool number_unsigned(uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string &) override {
    return add(value);
  }
  bool string(std::string &value) override {
    return add(std::make_unique<std::string>(value));
  }
  bool binary(nlohmann::json::binary_t &) override {
    return refuse("binary data"); // of other formats than JSON
  }
  bool start_object(size_t) override {
    return open(std::make_unique<Json::Object>());
  }
  bool start_array(size_t) override {
    return open(std::make_unique<Json::Array>());
  }
  bool end_array() override {
    around.pop_back();
    return true;
  }
  bool key(std::string &name) override;
  bool end_object() override;
  bool parse_error(size_t, const std::string &,
                   const nlohmann::json::exception &error) override {
    return refuse(error.what());
  }

  std::string problem; ///< "" if there is none

private:
  bool add(Json::Value value);
  bool open(Json::Value value);
  bool refuse(std::string why) {
    problem = std::move(why);
    return false;
  }
  Json::Array *getArray() {
    auto *array =
        std::get_if<std::unique_ptr<Json::Array>>(&around.back()->value);
    return array ? array->get() : nullptr;
  }
  Json::Object &getObject() {
    return *std::get<std::unique_ptr<Json::Object>>(around.back()->value);
  }

  Json &root;
  /// The arrays and objects around this place. Only the last one grows, so that
  /// none of them moves.
  std::vector<Json *> around;
  Json *added = nullptr; ///< the last value
};

} // namespace

bool Reader::add(Json::Value value) {
  if (around.size() > maxDepth)
    return refuse("nested too deeply");
  if (around.empty())
    added = &root;
  else if (Json::Array *array = getArray())
    added = &array->emplace_back();
  else
    added = &getObject().back().second;
  added->value = std::move(value);
  return true;
}

bool Reader::open(Json::Value value) {
  if (!add(std::move(value)))
    return false;
  around.push_back(added);
  return true;
}

bool Reader::key(std::string &name) {
  if (around.size() > maxDepth)
    return refuse("nested too deeply");
  getObject().emplace_back(name, Json());
  return true;
}

bool Reader::end_object() {
  std::vector<std::string_view> names;
  for (const auto &[name, member] : getObject())
    names.push_back(name);
  std::sort(names.begin(), names.end());
  auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end())
    return refuse(join("the key '", *twice, "' occurs twice"));
  around.pop_back();
  return true;
}

Status vernier::runtime::parseJson(const char *text, size_t size,
                                   Json &object) {
  Reader reader(object);
  nlohmann::json::sax_parse(text, text + size, &reader);
  if (!reader.problem.empty())
    return badFile("bad JSON: ", reader.problem);
  return object.getObject() ? Status()
                            : badFile("bad JSON: expected an object");
}
