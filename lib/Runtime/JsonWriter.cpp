//===- JsonWriter.cpp - Printing JSON
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Json.h"

#include <nlohmann/json.hpp>

using namespace vernier::runtime;

namespace {

class Printer {
public:
  explicit Printer(JsonLayout layout)
      : isIndented(layout == JsonLayout::indented) {}

  void print(const Json &json);
  std::string takeText() { return std::move(text); }

private:
  /// A value without elements: those of nlohmann allocate nothing when they are
  /// destroyed.
  void printLeaf(const nlohmann::json &leaf) {
    text += leaf.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  void printScalar(const Json::Value &value);
  void startLine() {
    if (!isIndented)
      return;
    text += '\n';
    text.append(level, ' ');
  }
  template <typename Elements, typename Print>
  void printElements(const Elements &elements, const Print &printElement);

  std::string text;
  bool isIndented;
  size_t level = 0;
};

} // namespace

template <typename Elements, typename Print>
void Printer::printElements(const Elements &elements,
                            const Print &printElement) {
  ++level;
  for (const auto &element : elements) {
    if (&element != &elements.front())
      text += ',';
    startLine();
    printElement(element);
  }
  --level;
  if (!elements.empty())
    startLine();
}

void Printer::printScalar(const Json::Value &value) {
  std::visit(
      [&](const auto &scalar) {
        using Scalar = std::decay_t<decltype(scalar)>;
        if constexpr (std::is_arithmetic_v<Scalar>)
          printLeaf(scalar);
        else
          printLeaf(nullptr);
      },
      value);
}

void Printer::print(const Json &json) {
  if (const Json::Array *array = json.getArray()) {
    text += '[';
    printElements(*array, [&](const Json &element) { print(element); });
    text += ']';
  } else if (const Json::Object *object = json.getObject()) {
    text += '{';
    printElements(*object, [&](const auto &member) {
      printLeaf(member.first);
      text += isIndented ? ": " : ":";
      print(member.second);
    });
    text += '}';
  } else if (const std::string *string = json.getString()) {
    printLeaf(*string);
  } else {
    printScalar(json.value);
  }
}

std::string vernier::runtime::printJson(const Json &json, JsonLayout layout) {
  Printer printer(layout);
  printer.print(json);
  return printer.takeText();
}
