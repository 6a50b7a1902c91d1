//===- ExplainJson.cpp - The explanation as a file, and back
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/Explain.md documents the fields. A field that changes its meaning or
// goes away raises kVersion; a new one does not.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/Explain.h"
#include "vernier/Interfaces/Nesting.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;
namespace json = llvm::json;

static constexpr StringLiteral kSchema = "vernier.explain";
static constexpr int64_t kVersion = 1;

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// Names in locations are bytes; JSON is UTF-8.
static std::string utf8(StringRef text) { return json::fixUTF8(text); }

static void writeContraction(const ContractionUse &use, json::OStream &out) {
  out.attribute("batch", use.batch);
  out.attribute("m", use.m);
  out.attribute("n", use.n);
  out.attribute("k", use.k);
  out.attribute("accelerated", use.isAccelerated);
  out.attribute("why", utf8(use.why));
  out.attribute("inputGradient", use.inputGradient);
  out.attribute("weightGradient", use.weightGradient);
}

static void writeRow(int64_t id, const DecisionRow &row, json::OStream &out) {
  out.attribute("id", id);
  out.attribute("op", utf8(row.op));
  out.attribute("name", utf8(row.name));
  out.attribute("identity", utf8(row.identity));
  out.attribute("location", utf8(row.place));
  out.attribute("phase", stringifyPhase(row.phase));
  out.attribute("shape", row.shape);
  out.attribute("operand", row.operand);
  out.attribute("accumulate", row.accumulate);
  out.attribute("result", row.result);
  out.attribute("rule", utf8(row.rule));
  out.attribute("reason", utf8(row.reason));
  out.attribute("competing", utf8(row.competing));
  out.attribute("cast", row.isCast);
  out.attribute("flops", row.flops);
  out.attribute("bytes", row.bytes);
  out.attribute("castBytes", row.castBytes);
  out.attribute("inputs", row.inputs);
  out.attributeArray("reads", [&] {
    for (const std::string &name : row.reads)
      out.value(utf8(name));
  });
  if (row.forward >= 0)
    out.attribute("forward", row.forward);
  if (row.contraction)
    out.attributeObject("contraction",
                        [&] { writeContraction(*row.contraction, out); });
}

/// A property of ops and the name of its field.
struct Property {
  StringRef field;
  llvm::function_ref<StringRef(const DecisionRow &)> of;
};

/// Sums that a reader could make itself, for scripts that only want those: over
/// the ops that have both properties in common.
static void writeSums(ArrayRef<DecisionRow> rows, Property first,
                      Property second, json::OStream &out) {
  struct Sum {
    int64_t ops = 0, flops = 0, bytes = 0;
  };
  llvm::MapVector<std::pair<StringRef, StringRef>, Sum> sums;
  for (const DecisionRow &row : rows) {
    Sum &sum = sums[{first.of(row), second.of(row)}];
    sum.ops += 1;
    sum.flops += row.flops;
    sum.bytes += row.bytes;
  }
  for (auto &[key, sum] : sums)
    out.object([&, &key = key, &sum = sum] {
      out.attribute(first.field, utf8(key.first));
      out.attribute(second.field, utf8(key.second));
      out.attribute("ops", sum.ops);
      out.attribute("flops", sum.flops);
      out.attribute("bytes", sum.bytes);
    });
}

static void writeFunction(ArrayRef<DecisionRow> rows, json::OStream &out) {
  out.attribute("name", utf8(rows.front().function));
  auto typeOf = [](const DecisionRow &row) -> StringRef { return row.operand; };
  auto opOf = [](const DecisionRow &row) -> StringRef { return row.op; };
  auto phaseOf = [](const DecisionRow &row) {
    return stringifyPhase(row.phase);
  };
  out.attributeArray("totals", [&] {
    writeSums(rows, {"type", typeOf}, {"phase", phaseOf}, out);
  });
  out.attributeArray(
      "kinds", [&] { writeSums(rows, {"op", opOf}, {"type", typeOf}, out); });
  out.attributeArray("ops", [&] {
    int64_t id = 0;
    for (const DecisionRow &row : rows)
      out.object([&] { writeRow(id++, row, out); });
  });
}

static void writeMemory(const MemoryRow &row, json::OStream &out) {
  out.attribute("where", utf8(row.where));
  out.attribute("holds", row.holds);
  out.attribute("type", row.type);
  out.attribute("bytes", row.bytes);
}

void amp::printJson(const Explanation &explanation, llvm::raw_ostream &os) {
  json::OStream out(os, /*IndentSize=*/1);
  out.object([&] {
    out.attribute("schema", kSchema);
    out.attribute("version", kVersion);
    out.attribute("model", utf8(explanation.model));
    out.attributeObject("options", [&] {
      for (const auto &[key, value] : explanation.options)
        out.attribute(key, utf8(value));
    });
    out.attributeArray("functions", [&] {
      for (ArrayRef<DecisionRow> rows : splitByFunction(explanation.rows))
        out.object([&] { writeFunction(rows, out); });
    });
    out.attributeArray("memory", [&] {
      for (const MemoryRow &row : explanation.memory)
        out.object([&] { writeMemory(row, out); });
    });
  });
  os << "\n";
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

// The mapper finds these by their argument, and says where a field is wrong.
namespace vernier::amp {

static bool fromJSON(const json::Value &value, Phase &phase, json::Path path) {
  auto text = value.getAsString();
  for (Phase known : {Phase::Forward, Phase::Backward, Phase::Update})
    if (text && *text == stringifyPhase(known)) {
      phase = known;
      return true;
    }
  path.report("expected forward, backward or update");
  return false;
}

static bool fromJSON(const json::Value &value, ContractionUse &use,
                     json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("batch", use.batch) && map.map("m", use.m) &&
         map.map("n", use.n) && map.map("k", use.k) &&
         map.map("accelerated", use.isAccelerated) && map.map("why", use.why) &&
         map.mapOptional("inputGradient", use.inputGradient) &&
         map.mapOptional("weightGradient", use.weightGradient);
}

static bool fromJSON(const json::Value &value, DecisionRow &row,
                     json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("op", row.op) && map.map("name", row.name) &&
         map.mapOptional("identity", row.identity) &&
         map.map("location", row.place) && map.map("phase", row.phase) &&
         map.map("shape", row.shape) && map.map("operand", row.operand) &&
         map.map("accumulate", row.accumulate) &&
         map.map("result", row.result) && map.map("rule", row.rule) &&
         map.map("reason", row.reason) && map.map("competing", row.competing) &&
         map.map("cast", row.isCast) && map.map("flops", row.flops) &&
         map.map("bytes", row.bytes) && map.map("castBytes", row.castBytes) &&
         map.map("inputs", row.inputs) && map.map("reads", row.reads) &&
         map.mapOptional("forward", row.forward) &&
         map.map("contraction", row.contraction);
}

static bool fromJSON(const json::Value &value, MemoryRow &row,
                     json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("where", row.where) && map.map("holds", row.holds) &&
         map.map("type", row.type) && map.map("bytes", row.bytes);
}

namespace {

struct FunctionRows {
  std::string name;
  std::vector<DecisionRow> rows;
};

bool fromJSON(const json::Value &value, FunctionRows &function,
              json::Path path) {
  json::ObjectMapper map(value, path);
  if (!map || !map.map("name", function.name) || !map.map("ops", function.rows))
    return false;
  for (DecisionRow &row : function.rows)
    row.function = function.name;
  return true;
}

} // namespace

} // namespace vernier::amp

llvm::Expected<Explanation> amp::parseJson(StringRef text) {
  if (unsigned line = findDeepNesting(text, Syntax::Json))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "line " + Twine(line) + ": " +
                                       describeDeepNesting(Syntax::Json));
  llvm::Expected<json::Value> value = json::parse(text);
  if (!value)
    return value.takeError();
  json::Path::Root root("explanation");
  auto makeError = [](const Twine &message) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
  };
  const json::Object *object = value->getAsObject();
  if (!object || object->getString("schema") != StringRef(kSchema))
    return makeError("it is not an explanation: expected what "
                     "--explain=json writes");
  if (object->getInteger("version") != kVersion)
    return makeError("it is of another version of the schema; this "
                     "compiler reads version " +
                     Twine(kVersion));
  Explanation explanation;
  std::vector<FunctionRows> functions;
  std::map<std::string, std::string> options;
  json::ObjectMapper map(*value, root);
  if (!map.map("model", explanation.model) || !map.map("options", options) ||
      !map.map("functions", functions) ||
      !map.map("memory", explanation.memory))
    return root.getError();
  explanation.options.assign(options.begin(), options.end());
  for (FunctionRows &function : functions)
    llvm::move(function.rows, std::back_inserter(explanation.rows));
  return explanation;
}
