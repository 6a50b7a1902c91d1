//===- Nesting.cpp - How deep a text is nested
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One pass over the text that knows of each language no more than its brackets,
// strings and comments. It may find too many levels, never too few: a bracket
// that closes nothing counts for nothing.
//
//===----------------------------------------------------------------------===//

#include "vernier/Interfaces/Nesting.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace llvm;
using namespace vernier;

/// MLIR's parser overflows 8 MB at some 4,000 levels, LLVM's JSON and YAML
/// readers at some 40,000; instrumented builds at a tenth. Nobody writes 100.
static constexpr size_t kDeepest = 200;

/// Names may stand for what other names stand for: locations of calls within
/// calls do, as frameworks write them. No parser calls itself for these, but
/// whatever walks over them does.
static constexpr size_t kDeepestNamed = 2'000;

namespace {

/// The state between two characters of the text.
class Scanner {
public:
  Scanner(StringRef text, Syntax syntax) : text(text), syntax(syntax) {}
  /// The line that is nested too deeply, or 0.
  unsigned run();

private:
  bool isDeep() const;
  void readCharacter();
  void readBracket(char c);
  void skipString();
  void beginLine();
  void readAlias();
  void endAlias();

  StringRef text;
  Syntax syntax;
  size_t place = 0;
  unsigned line = 1;
  /// Brackets that are open.
  SmallVector<char> open;
  /// YAML's indents that are open.
  SmallVector<size_t> indents;
  /// MLIR: minus signs in a row, each of which negates the next.
  size_t signs = 0;
  /// MLIR: how deep named types and attributes are nested themselves, the name
  /// that is being defined, and the deepest place of its definition.
  StringMap<size_t> aliases;
  StringRef defined;
  size_t deepest = 0;
};

} // namespace

static char getOpening(char closing) {
  switch (closing) {
  case ')':
    return '(';
  case ']':
    return '[';
  case '}':
    return '{';
  default:
    return '<';
  }
}

bool Scanner::isDeep() const {
  return open.size() + indents.size() + signs > kDeepest ||
         deepest > kDeepestNamed;
}

/// `place` is at the opening quote, and then at the closing one or the end.
void Scanner::skipString() {
  for (++place; place < text.size() && text[place] != '"'; ++place)
    if (text[place] == '\\')
      ++place;
    else if (text[place] == '\n' && syntax == Syntax::Mlir)
      return; // MLIR's strings end with their line.
}

void Scanner::readBracket(char c) {
  bool hasAngles = syntax == Syntax::Mlir;
  if (c == '{' || c == '[' || (hasAngles && (c == '(' || c == '<')))
    open.push_back(c);
  else if (!open.empty() && open.back() == getOpening(c))
    open.pop_back();
}

/// Block sequences nest by their indents, several in one line ("- - - x").
void Scanner::beginLine() {
  size_t begin = text.find_first_not_of(' ', place);
  if (begin == StringRef::npos || text[begin] == '\n')
    return;
  while (!indents.empty() && indents.back() >= begin - place)
    indents.pop_back();
  indents.push_back(begin - place);
  for (size_t i = begin; i + 1 < text.size() && text[i + 1] == ' ' &&
                         (text[i] == '-' || text[i] == '?' || text[i] == ':');
       i = text.find_first_not_of(' ', i + 1))
    indents.push_back(i + 1 - place);
}

/// At the # or ! of a name. A name in front of '=' is defined, others stand for
/// what they were defined as.
void Scanner::readAlias() {
  size_t end = place + 1;
  while (end < text.size() && (isAlnum(text[end]) || text[end] == '_' ||
                               text[end] == '$' || text[end] == '-'))
    ++end;
  StringRef name = text.slice(place, end);
  place = end - 1;
  if (open.empty() && text.substr(end).ltrim().starts_with("=")) {
    endAlias();
    defined = name;
    return;
  }
  deepest = std::max(deepest, aliases.lookup(name) + open.size());
}

/// What a name stands for ends where the next one is defined, at the latest.
void Scanner::endAlias() {
  if (!defined.empty())
    aliases[defined] = deepest + 1;
  defined = StringRef();
  deepest = 0;
}

void Scanner::readCharacter() {
  char c = text[place];
  bool isMlir = syntax == Syntax::Mlir;
  if (c == '"' && syntax != Syntax::Yaml)
    return skipString();
  if (isMlir && text.substr(place).starts_with("//")) {
    place = std::min(text.find('\n', place), text.size()) - 1;
    return;
  }
  if (isMlir && text.substr(place).starts_with("->")) {
    ++place; // An arrow closes nothing.
    return;
  }
  if (isMlir && (c == '#' || c == '!'))
    return readAlias();
  if (isMlir && !isSpace(c))
    signs = c == '-' ? signs + 1 : 0;
  if (StringRef("()[]{}<>").contains(c))
    readBracket(c);
  deepest = std::max(deepest, open.size());
}

unsigned Scanner::run() {
  for (; place < text.size(); ++place) {
    if (syntax == Syntax::Yaml && (place == 0 || text[place - 1] == '\n'))
      beginLine();
    if (text[place] == '\n')
      ++line;
    readCharacter();
    if (isDeep())
      return line;
  }
  return 0;
}

unsigned vernier::findDeepNesting(StringRef text, Syntax syntax) {
  return Scanner(text, syntax).run();
}

std::string vernier::describeDeepNesting(Syntax syntax) {
  StringRef what = syntax == Syntax::Mlir   ? "regions, attributes and types"
                   : syntax == Syntax::Json ? "arrays and objects"
                                            : "lists and mappings";
  return ("nested more than " + Twine(kDeepest) + " levels deep; expected " +
          what + " of a few levels")
      .str();
}
