//===- Npy.cpp - The header of a .npy array
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "\x93NUMPY", major, minor, header length (2 bytes in version 1, else 4), then
// a Python dictionary such as
//   {'descr': '<f4', 'fortran_order': False, 'shape': (32, 64), }
// padded with spaces and ended by a newline. See numpy.lib.format.
//
//===----------------------------------------------------------------------===//

#include "vernier/Runtime/Npz.h"

#include <limits>

using namespace vernier;

namespace {

struct TypeInfo {
  NpyType type;
  const char *name;
  const char *descr; ///< without the byte order
  size_t size;
};

constexpr TypeInfo typeTable[] = {
    {NpyType::Bool, "bool", "b1", 1},   {NpyType::I8, "int8", "i1", 1},
    {NpyType::U8, "uint8", "u1", 1},    {NpyType::I16, "int16", "i2", 2},
    {NpyType::U16, "uint16", "u2", 2},  {NpyType::I32, "int32", "i4", 4},
    {NpyType::U32, "uint32", "u4", 4},  {NpyType::I64, "int64", "i8", 8},
    {NpyType::U64, "uint64", "u8", 8},  {NpyType::F16, "float16", "f2", 2},
    {NpyType::F32, "float32", "f4", 4}, {NpyType::F64, "float64", "f8", 8},
};

const TypeInfo &lookup(NpyType type) {
  return typeTable[static_cast<size_t>(type)];
}

[[noreturn]] void refuse(const std::string &message) {
  throw NpzError(VERNIER_BAD_FILE, message);
}

/// The text of a header quoted for a message: short, and printable whatever the
/// file holds.
std::string quoted(std::string_view text) {
  std::string result = "'";
  for (char c : text.substr(0, 24))
    result += c >= 0x20 && c < 0x7f ? c : '?';
  return result + "'";
}

/// Reads the few Python literals that a header is made of.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest(text) {}

  void parse(NpyInfo &info) {
    expect('{');
    while (!accept('}')) {
      parsePair(info);
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skipSpace();
    if (!rest.empty())
      refuse("its header goes on after the dictionary: " + quoted(rest));
    if (!hasDescr || !hasOrder || !hasShape)
      refuse("its header lacks 'descr', 'fortran_order' or 'shape'");
    // A vector is the same in both orders.
    if (fortranOrder && info.shape.size() > 1)
      refuse("it is in Fortran order; save numpy.ascontiguousarray(a) instead");
  }

private:
  void parsePair(NpyInfo &info) {
    std::string_view key = parseString();
    expect(':');
    if (key == "descr")
      once(hasDescr), parseDescr(info);
    else if (key == "fortran_order")
      once(hasOrder), parseBool();
    else if (key == "shape")
      once(hasShape), parseShape(info);
    else
      refuse("its header has an unknown key " + quoted(key));
  }

  void once(bool &seen) {
    if (seen)
      refuse("its header has a key twice");
    seen = true;
  }

  void parseDescr(NpyInfo &info) {
    skipSpace();
    if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
      refuse(
          "it is a structured array; save each field as an array of its own");
    std::string_view descr = parseString();
    if (descr.size() < 2)
      refuse("its type " + quoted(descr) + " is not a numpy type");
    if (descr[0] == '>')
      refuse("it is big endian (" + quoted(descr) +
             "); save a.astype(a.dtype.newbyteorder('<')) instead");
    for (const TypeInfo &type : typeTable)
      if (descr.substr(1) == type.descr &&
          (descr[0] == '<' || (descr[0] == '|' && type.size == 1))) {
        info.type = type.type;
        return;
      }
    refuse("its type " + quoted(descr) +
           " is not supported; use bool, int8 to int64, uint8 to uint64, "
           "float16, float32 or float64");
  }

  void parseBool() {
    skipSpace();
    if (rest.substr(0, 5) == "False")
      fortranOrder = false, rest.remove_prefix(5);
    else if (rest.substr(0, 4) == "True")
      fortranOrder = true, rest.remove_prefix(4);
    else
      refuse("'fortran_order' is neither True nor False");
  }

  /// (), (3,) or (3, 4), also with a comma at the end.
  void parseShape(NpyInfo &info) {
    info.shape.clear();
    expect('(');
    while (!accept(')')) {
      info.shape.push_back(parseExtent());
      if (info.shape.size() > 32) // numpy's own limit until 2.0
        refuse("it has more than 32 dimensions");
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  int64_t parseExtent() {
    skipSpace();
    constexpr int64_t max = std::numeric_limits<int64_t>::max();
    int64_t value = 0;
    size_t digits = 0;
    for (; digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9';
         ++digits) {
      int digit = rest[digits] - '0';
      if (value > (max - digit) / 10)
        refuse("an extent of its shape is too large");
      value = value * 10 + digit;
    }
    if (digits == 0)
      refuse("its shape is not a tuple of numbers: " + quoted(rest));
    rest.remove_prefix(digits);
    return value;
  }

  std::string_view parseString() {
    skipSpace();
    if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
      refuse("its header is not a dictionary of strings: " + quoted(rest));
    size_t end = rest.find(rest[0], 1);
    if (end == std::string_view::npos)
      refuse("its header has a string without an end");
    std::string_view result = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    return result;
  }

  void skipSpace() {
    while (!rest.empty() && (rest[0] == ' ' || rest[0] == '\n'))
      rest.remove_prefix(1);
  }

  bool accept(char c) {
    skipSpace();
    if (rest.empty() || rest[0] != c)
      return false;
    rest.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!accept(c))
      refuse(std::string("its header should have '") + c + "' at " +
             quoted(rest));
  }

  std::string_view rest;
  bool hasDescr = false, hasOrder = false, hasShape = false;
  bool fortranOrder = false;
};

/// numpy itself refuses headers longer than this.
constexpr size_t maxHeaderSize = 10000;
const std::string cutOff = "its header is cut off or longer than " +
                           std::to_string(maxHeaderSize) + " bytes";

} // namespace

const char *vernier::npyTypeName(NpyType type) { return lookup(type).name; }
size_t vernier::npyTypeSize(NpyType type) { return lookup(type).size; }

uint64_t NpyInfo::elements() const {
  uint64_t count = 1;
  for (int64_t extent : shape)
    count *= static_cast<uint64_t>(extent);
  return count;
}

std::string vernier::shapeString(const std::vector<int64_t> &shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

/// Where the header's dictionary starts in a file of this version.
static size_t dictionaryStart(unsigned major) { return major > 1 ? 12 : 10; }

size_t vernier::npyHeaderBytes(std::string_view bytes) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  if (bytes.size() < npyPrefixBytes || bytes.substr(0, 6) != "\x93NUMPY")
    refuse("it is not a .npy array (no \\x93NUMPY at its start)");
  unsigned major = byte(6);
  if (major < 1 || major > 3 || byte(7) != 0)
    refuse("its .npy version is " + std::to_string(major) + "." +
           std::to_string(byte(7)) + "; versions 1.0, 2.0 and 3.0 are read");
  size_t size = byte(8) | byte(9) << 8;
  if (major > 1)
    size |= static_cast<size_t>(byte(10)) << 16 | static_cast<size_t>(byte(11))
                                                      << 24;
  if (size > maxHeaderSize)
    refuse(cutOff);
  return dictionaryStart(major) + size;
}

size_t vernier::parseNpyHeader(std::string_view bytes, NpyInfo &info) {
  size_t end = npyHeaderBytes(bytes);
  if (end > bytes.size())
    refuse(cutOff);
  size_t start = dictionaryStart(static_cast<uint8_t>(bytes[6]));
  std::string_view header = bytes.substr(start, end - start);
  if (header.empty() || header.back() != '\n')
    refuse("its header does not end with a newline");
  HeaderParser(header).parse(info);

  // The product of the extents, with room for the element size.
  uint64_t limit = std::numeric_limits<int64_t>::max() / npyTypeSize(info.type);
  uint64_t count = 1;
  for (int64_t extent : info.shape)
    if (extent != 0 && count > limit / static_cast<uint64_t>(extent))
      refuse("its shape " + shapeString(info.shape) + " is too large");
    else
      count *= static_cast<uint64_t>(extent);
  return end;
}

std::string vernier::npyHeader(const NpyInfo &info) {
  const TypeInfo &type = lookup(info.type);
  std::string dict =
      std::string("{'descr': '") + (type.size == 1 ? '|' : '<') + type.descr +
      "', 'fortran_order': False, 'shape': " + shapeString(info.shape) + ", }";
  // Data starts at a multiple of 64; the header ends with a newline.
  dict.append(63 - (10 + dict.size()) % 64, ' ');
  dict += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(dict.size() & 0xff);
  header += static_cast<char>(dict.size() >> 8);
  return header + dict;
}
