//===- JsonLines.cpp - Where a value of a JSON text stands
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// llvm::json keeps no places. The text is known to be well formed, so walking
// to a value needs no more than to skip strings and brackets.
//
//===----------------------------------------------------------------------===//

#include "JsonLines.h"

using namespace llvm;

/// Drop the string at the start of `text`, and return what is between its
/// quotes.
static StringRef takeString(StringRef &text) {
  size_t end = 1;
  while (end < text.size() && text[end] != '"')
    end += text[end] == '\\' ? 2 : 1;
  StringRef string = text.slice(1, end);
  text = text.drop_front(std::min(end + 1, text.size()));
  return string;
}

/// Drop the value at the start of `text`: up to the comma or bracket behind it.
static void skipValue(StringRef &text) {
  int depth = 0;
  while (!text.empty()) {
    char c = text.front();
    if (c == '"') {
      takeString(text);
      continue;
    }
    if (depth == 0 && (c == ',' || c == ']' || c == '}'))
      return;
    depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
    text = text.drop_front();
  }
}

/// Go to the next member of what was entered; false at its end.
static bool nextMember(StringRef &text) {
  skipValue(text);
  if (!text.consume_front(","))
    return false;
  text = text.ltrim();
  return true;
}

/// Go from an object to the value of a field.
static bool enterField(StringRef &text, StringRef field) {
  if (!text.consume_front("{"))
    return false;
  text = text.ltrim();
  do {
    if (text.empty() || text.front() != '"')
      return false;
    bool isIt = takeString(text) == field;
    text = text.ltrim().drop_front(1).ltrim(); // the colon
    if (isIt)
      return true;
  } while (nextMember(text));
  return false;
}

/// Go from an array to one of its values.
static bool enterIndex(StringRef &text, unsigned index) {
  if (!text.consume_front("["))
    return false;
  text = text.ltrim();
  for (; index > 0; --index)
    if (!nextMember(text))
      return false;
  return true;
}

/// Follow one part of a path, ".name" or "[3]".
static bool follow(StringRef &text, StringRef &path) {
  unsigned index;
  if (path.consume_front("["))
    return !path.consumeInteger(10, index) && path.consume_front("]") &&
           enterIndex(text, index);
  if (!path.consume_front("."))
    return false;
  StringRef field =
      path.take_until([](char c) { return c == '.' || c == '['; });
  path = path.drop_front(field.size());
  return enterField(text, field);
}

unsigned vernier::amp::findJsonLine(StringRef text, StringRef message) {
  unsigned line = 1;
  StringRef start = message;
  if (start.consume_front("[") && !start.consumeInteger(10, line))
    return line;
  size_t at = message.rfind(" at profile");
  StringRef path =
      at == StringRef::npos
          ? StringRef()
          : message.drop_front(at + StringRef(" at profile").size());
  // What a field that is missing is missing from stands where it begins.
  StringRef rest = text.ltrim(), found = rest;
  while (!path.empty() && follow(rest, path))
    found = rest;
  return 1 + text.drop_back(found.size()).count('\n');
}
