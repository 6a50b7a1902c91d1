//===- JsonTest.cpp - Reading and printing JSON
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Json.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace vernier::runtime;

static void expectBad(const std::string &part, const std::string &text) {
  Json json;
  Status status = parseJson(text.data(), text.size(), json);
  EXPECT_EQ(status.getCode(), VERNIER_BAD_FILE) << text;
  EXPECT_NE(status.getMessage().find("bad JSON: " + part), std::string::npos)
      << status.getMessage();
}

// What is read prints as the library prints what it has read.
TEST(Json, PrintsAsTheLibrary) {
  for (const std::string text :
       {R"({})", R"( { "a" : [ ] , "b" : { } } )",
        R"({"z":1,"a":{"y":[1,[2,[]],{"x":null}],"b":true},"c":false})",
        R"({"n":[0,-0,-1,1.0,-0.0,1e5,1e-7,0.1,3.4028234663852886e38,5e-324,)"
        R"(9007199254740993,18446744073709551615,18446744073709551616,)"
        R"(-9223372036854775808,-9223372036854775809]})",
        R"({"":"","q\"\\\/\b\f\n\r\t":"\u0000\u001f\u007f\u00e9\ud83d\ude00"})",
        "{\"\u00e9\":\"\xf0\x9f\x98\x80\"}", "\xef\xbb\xbf{\"a\":1}\n"}) {
    Json json;
    Status status = parseJson(text.data(), text.size(), json);
    ASSERT_TRUE(status.ok()) << text << status.getMessage();
    auto library = nlohmann::ordered_json::parse(text);
    EXPECT_EQ(printJson(json, JsonLayout::line), library.dump());
    EXPECT_EQ(printJson(json, JsonLayout::indented), library.dump(1));
  }
}

// What is no UTF-8 does not make a file that nobody can read.
TEST(Json, ReplacesBadText) {
  Json json = Json::makeObject();
  json.add("a\xff", "\xc3");
  EXPECT_EQ(printJson(json, JsonLayout::line), "{\"a\ufffd\":\"\ufffd\"}");
}

TEST(Json, Members) {
  Json json = Json::makeObject();
  json.add("a", uint64_t(7));
  json.set("b", std::vector<int64_t>{1, -2});
  json.set("a", "x");
  EXPECT_EQ(printJson(json, JsonLayout::line), R"({"a":"x","b":[1,-2]})");
  uint64_t number = 0;
  EXPECT_FALSE(json.findUnsigned("a", number));
  EXPECT_EQ(*json.findString("a"), "x");
  EXPECT_EQ(json.find("c"), nullptr);
  const Json::Array &array = *json.findArray("b");
  EXPECT_TRUE(array[0].getUnsigned(number));
  EXPECT_EQ(number, 1u);
  EXPECT_FALSE(array[1].getUnsigned(number));
  EXPECT_EQ(array[1].find("a"), nullptr);
}

TEST(Json, Refuses) {
  expectBad("expected an object", "[1]");
  expectBad("expected an object", "7");
  expectBad("the key 'a' occurs twice", R"({"a":1,"b":2,"a":3})");
  expectBad("the key 'a' occurs twice", R"({"b":[{"a":1,"\u0061":3}]})");
  // Where else the same key is does not matter.
  std::string nested = R"({"a":{"a":1},"b":[{"a":1},{"a":1}]})";
  Json json;
  EXPECT_TRUE(parseJson(nested.data(), nested.size(), json).ok());
  for (const char *text :
       {"", "{", "{\"a\":}", "{\"a\":1,}", "{}{}", "{}x", "{\"a\":01}",
        "{\"a\":NaN}", "{\"a\":\"\n\"}", "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc0\x80\"}", "{\"a\":\"\\ud800\"}", "{'a':1}", "/**/{}"})
    expectBad("[json.exception.parse_error.101]", text);
  expectBad("[json.exception.out_of_range.406]", "{\"a\":1e999}");
}

// Sixteen levels are enough.
TEST(Json, Depth) {
  auto nest = [](int levels, const std::string &inner) {
    std::string text;
    for (int i = 0; i < levels; ++i)
      text += i % 2 ? "[" : "{\"a\":";
    text += inner;
    for (int i = levels - 1; i >= 0; --i)
      text += i % 2 ? ']' : '}';
    return text;
  };
  Json json;
  std::string good = nest(16, "1");
  EXPECT_TRUE(parseJson(good.data(), good.size(), json).ok());
  expectBad("nested too deeply", nest(17, "1"));
  expectBad("nested too deeply", nest(17, "[]"));
  expectBad("nested too deeply", nest(100000, "1"));
}
