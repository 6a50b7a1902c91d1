//===- ExplainHtml.cpp - The explanation as one page
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The page (ExplainPage/) is embedded when the compiler is built; here it gets
// the JSON of printJson.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/Explain.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

static constexpr char kPage[] =
#include "ExplainPage.inc"
    ;
static constexpr StringLiteral kDataMark = "{{data}}";

void amp::printHtml(const Explanation &explanation, llvm::raw_ostream &os) {
  auto [before, after] = StringRef(kPage).split(kDataMark);
  std::string data;
  llvm::raw_string_ostream dataStream(data);
  printJson(explanation, dataStream);
  os << before;
  // No text of the model may end the script element that holds the data: every
  // '<' is inside a JSON string, where this spelling means the same.
  for (char c : data)
    if (c == '<')
      os << "\\u003c";
    else
      os << c;
  os << after;
}
