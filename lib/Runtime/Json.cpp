//===- Json.cpp - JSON values
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Json.h"

using namespace vernier::runtime;

template <typename T> static const T *getIf(const Json &json) {
  const auto *found = std::get_if<std::unique_ptr<T>>(&json.value);
  return found ? found->get() : nullptr;
}

const std::string *Json::getString() const { return getIf<std::string>(*this); }

const Json::Array *Json::getArray() const { return getIf<Array>(*this); }

const Json::Object *Json::getObject() const { return getIf<Object>(*this); }

bool Json::getUnsigned(uint64_t &number) const {
  const auto *found = std::get_if<uint64_t>(&value);
  if (found)
    number = *found;
  return found;
}

const Json *Json::find(std::string_view key) const {
  if (const Object *object = getObject())
    for (const auto &[name, member] : *object)
      if (name == key)
        return &member;
  return nullptr;
}

const std::string *Json::findString(std::string_view key) const {
  const Json *member = find(key);
  return member ? member->getString() : nullptr;
}

const Json::Array *Json::findArray(std::string_view key) const {
  const Json *member = find(key);
  return member ? member->getArray() : nullptr;
}

bool Json::findUnsigned(std::string_view key, uint64_t &number) const {
  const Json *member = find(key);
  return member && member->getUnsigned(number);
}

void Json::add(std::string_view key, Json member) {
  std::get<std::unique_ptr<Object>>(value)->emplace_back(key,
                                                         std::move(member));
}

void Json::set(std::string_view key, Json member) {
  for (auto &[name, present] : *std::get<std::unique_ptr<Object>>(value))
    if (name == key) {
      present = std::move(member);
      return;
    }
  add(key, std::move(member));
}
