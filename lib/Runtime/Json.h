//===- Json.h - JSON that others wrote, and ours
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_JSON_H
#define VERNIER_RUNTIME_JSON_H

#include "Runtime/Status.h"

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

namespace vernier::runtime {

/// A JSON value; its members stand in the order of the text. It is not that of
/// nlohmann, whose arrays and objects allocate when they are destroyed: where
/// memory has run out, that ends the process. This one only frees.
struct Json {
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;
  /// Integers are unsigned unless they are negative. Behind pointers, so that
  /// hostile text does not become a large multiple of its size.
  using Value = std::variant<std::nullptr_t, bool, uint64_t, int64_t, double,
                             std::unique_ptr<std::string>,
                             std::unique_ptr<Array>, std::unique_ptr<Object>>;

  Json() = default;
  explicit Json(Value value) : value(std::move(value)) {}
  Json(uint64_t number) : value(number) {}
  Json(int64_t number)
      : value(number < 0 ? Value(number) : Value(uint64_t(number))) {}
  Json(double number) : value(number) {}
  Json(const std::string &text) : value(std::make_unique<std::string>(text)) {}
  Json(const char *text) : value(std::make_unique<std::string>(text)) {}
  Json(Array array) : value(std::make_unique<Array>(std::move(array))) {}
  template <typename T>
  Json(const std::vector<T> &elements)
      : Json(Array(elements.begin(), elements.end())) {}
  /// Without members.
  static Json makeObject() { return Json(Value(std::make_unique<Object>())); }

  /// What it holds, or null if it is of another kind.
  const std::string *getString() const;
  const Array *getArray() const;
  const Object *getObject() const;
  /// Whether it is a non-negative integer, and which.
  bool getUnsigned(uint64_t &number) const;

  /// The member `key`, or null if there is none.
  const Json *find(std::string_view key) const;
  const std::string *findString(std::string_view key) const;
  const Array *findArray(std::string_view key) const;
  bool findUnsigned(std::string_view key, uint64_t &number) const;

  /// Of an object: a member behind the others, whose key is new.
  void add(std::string_view key, Json member);
  /// Of an object: a member in the place of the one with this key, if any.
  void set(std::string_view key, Json member);

  Value value;
};

/// Parse one JSON object, strictly: no duplicate keys, at most 16 levels, valid
/// UTF-8, nothing after it but white space (JsonReader.cpp).
Status parseJson(const char *text, size_t size, Json &object);

/// In one line without spaces, or each element in a line of its own, which is
/// indented by one.
enum class JsonLayout { line, indented };

/// JsonWriter.cpp
std::string printJson(const Json &json, JsonLayout layout);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_JSON_H
