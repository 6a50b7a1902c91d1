//===- PolicyReader.cpp - Reads policy files
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A policy is read node by node, so that every mistake is reported where it
// stands in the file, with what was expected there.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Policies/Policy.h"

#include "vernier/Interfaces/ContractionOpInterface.h"
#include "vernier/Interfaces/Nesting.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLParser.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

namespace {
struct Preset {
  StringRef name, text;
};
} // namespace

static const Preset kPresets[] = {
#include "Presets.inc"
};

static constexpr StringRef kClasses[] = {"low", "full", "full-inside", "widest",
                                         "follow"};
static constexpr StringRef kStrategies[] = {"lists", "propagate", "min-cut"};
static constexpr StringRef kComputeTypes[] = {"f32", "tf32", "bf16", "f16"};
static constexpr StringRef kRefusals[] = {"unrepaired-cross-entropy",
                                          "other-16-bit-type"};
static constexpr StringRef kUnsafeValues[] = {"f32", "warn"};
static constexpr StringRef kResultTypes[] = {"f32", "bf16", "f16"};

std::vector<StringRef> Policy::getPresetNames() {
  std::vector<StringRef> names;
  for (const Preset &preset : kPresets)
    names.push_back(preset.name);
  llvm::sort(names);
  return names;
}

static const Preset *findPreset(StringRef name) {
  for (const Preset &preset : kPresets)
    if (preset.name == name)
      return &preset;
  return nullptr;
}

/// "; did you mean 'x'?" with the candidate nearest to `word`, or nothing if
/// none is near.
static std::string suggest(StringRef word, ArrayRef<StringRef> candidates) {
  StringRef best;
  unsigned bestDistance = std::max<size_t>(2, word.size() / 3) + 1;
  for (StringRef candidate : candidates) {
    unsigned distance = word.edit_distance_insensitive(
        candidate, /*AllowReplacements=*/true, bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best.empty() ? "" : ("; did you mean '" + best + "'?").str();
}

/// "unknown class 'lo': expected low, full, ...; did you mean 'low'?"
static std::string unknown(StringRef what, StringRef word,
                           ArrayRef<StringRef> expected) {
  return ("unknown " + what + " '" + word + "': expected " +
          llvm::join(expected, ", ") + suggest(word, expected))
      .str();
}

//===----------------------------------------------------------------------===//
// PolicyReader
//===----------------------------------------------------------------------===//

namespace vernier::amp {

class PolicyReader {
public:
  PolicyReader(MLIRContext *context, llvm::MemoryBufferRef buffer)
      : context(context), fileName(buffer.getBufferIdentifier()),
        stream(buffer, sources, /*ShowColors=*/false) {
    sources.setDiagHandler(report, this);
  }

  FailureOr<Policy> read();

private:
  using Handler = llvm::function_ref<LogicalResult(
      StringRef key, llvm::yaml::Node *keyNode, llvm::yaml::Node *value)>;

  /// Turn a message of the YAML parser, or ours, into an MLIR diagnostic.
  static void report(const llvm::SMDiagnostic &message, void *reader);

  LogicalResult fail(llvm::yaml::Node *node, const Twine &message) {
    stream.printError(node, message);
    return failure();
  }
  /// Where `node` is in the file.
  Location getPlace(llvm::yaml::Node *node) const {
    auto [line, column] =
        sources.getLineAndColumn(node->getSourceRange().Start);
    return FileLineColLoc::get(context, fileName, line, column);
  }
  /// Read a mapping; no key may occur twice.
  LogicalResult readMapping(llvm::yaml::Node *node, StringRef what,
                            Handler handler);
  FailureOr<std::string> readText(llvm::yaml::Node *node, const Twine &what);
  FailureOr<PrecisionClass> readClass(llvm::yaml::Node *node);
  FailureOr<FloatType> readCompute(llvm::yaml::Node *node);
  /// Read in which types a gradient is computed and written.
  FailureOr<Policy::Gradient> readGradient(llvm::yaml::Node *node);
  FailureOr<FloatType> readGradientResult(llvm::yaml::Node *node);
  /// Read "f32", the only type that `what` may have.
  FailureOr<bool> readF32(llvm::yaml::Node *node, StringRef what);
  LogicalResult readRefusals(llvm::yaml::Node *node);
  LogicalResult readUnsafe(llvm::yaml::Node *node);
  /// Read "false": what is enabled needs no line.
  FailureOr<bool> readDisabled(llvm::yaml::Node *node);
  LogicalResult readAttributes(llvm::yaml::Node *node,
                               Policy::Override &result);
  /// One class for all compute types, or a mapping from them to classes.
  LogicalResult readClasses(llvm::yaml::Node *node, Policy::Entry &entry);
  FailureOr<llvm::Regex> readPattern(llvm::yaml::Node *node, bool isWhole);

  LogicalResult readKey(StringRef key, llvm::yaml::Node *keyNode,
                        llvm::yaml::Node *value);
  LogicalResult readOp(StringRef opName, llvm::yaml::Node *keyNode,
                       llvm::yaml::Node *value);
  LogicalResult readOverrides(llvm::yaml::Node *node);
  FailureOr<Policy::Override> readOverride(llvm::yaml::Node *node);
  /// The values of an override's mapping by their keys.
  using Values = llvm::StringMap<llvm::yaml::Node *>;
  /// Fail where a value of an override can change nothing.
  LogicalResult checkEffects(const Policy::Override &line,
                             const Values &values);
  /// The same where its pattern of op names rules that out.
  LogicalResult checkOpsOf(const Policy::Override &line, const Values &values);
  /// Give each line about gradients the name of its rule.
  void nameGradientRules();
  LogicalResult addBase();

  MLIRContext *context;
  StringRef fileName;
  llvm::SourceMgr sources;
  llvm::yaml::Stream stream;
  Policy policy;
  std::string base;
  bool hasDefault = false, hasRefusals = false;
};

} // namespace vernier::amp

void PolicyReader::report(const llvm::SMDiagnostic &message, void *reader) {
  auto *self = static_cast<PolicyReader *>(reader);
  // SMDiagnostic counts lines from 1 and columns from 0; an empty file has
  // neither.
  mlir::emitError(FileLineColLoc::get(self->context, self->fileName,
                                      std::max(message.getLineNo(), 1),
                                      std::max(message.getColumnNo(), 0) + 1))
      << message.getMessage();
}

LogicalResult PolicyReader::readMapping(llvm::yaml::Node *node, StringRef what,
                                        Handler handler) {
  auto *mapping = dyn_cast_or_null<llvm::yaml::MappingNode>(node);
  if (!mapping)
    return fail(node, "expected " + what + ", a mapping of 'key: value' lines");
  llvm::StringSet<> seen;
  for (llvm::yaml::KeyValueNode &entry : *mapping) {
    llvm::yaml::Node *keyNode = entry.getKey();
    FailureOr<std::string> key = readText(keyNode, "a key");
    if (failed(key))
      return failure();
    if (!seen.insert(*key).second)
      return fail(keyNode,
                  "'" + *key + "' occurs twice: keep one of the lines");
    if (failed(handler(*key, keyNode, entry.getValue())))
      return failure();
  }
  return failure(stream.failed());
}

FailureOr<std::string> PolicyReader::readText(llvm::yaml::Node *node,
                                              const Twine &what) {
  auto *scalar = dyn_cast_or_null<llvm::yaml::ScalarNode>(node);
  if (!scalar || scalar->getRawValue().empty())
    return fail(node, "expected " + what + ", a single word or string");
  SmallString<32> storage;
  return scalar->getValue(storage).str();
}

FailureOr<PrecisionClass> PolicyReader::readClass(llvm::yaml::Node *node) {
  FailureOr<std::string> text = readText(node, "a class");
  if (failed(text))
    return failure();
  if (auto precisionClass = symbolizePrecisionClass(*text))
    return *precisionClass;
  return fail(node, unknown("class", *text, kClasses));
}

FailureOr<FloatType> PolicyReader::readCompute(llvm::yaml::Node *node) {
  FailureOr<std::string> text = readText(node, "a compute type");
  if (failed(text))
    return failure();
  if (FloatType type = symbolizeComputeType(*text, context))
    return type;
  return fail(node, unknown("compute type", *text, kComputeTypes));
}

FailureOr<FloatType> PolicyReader::readGradientResult(llvm::yaml::Node *node) {
  FailureOr<std::string> text = readText(node, "a result type");
  if (failed(text))
    return failure();
  if (!llvm::is_contained(kResultTypes, *text))
    return fail(node, unknown("result type", *text, kResultTypes));
  return symbolizeComputeType(*text, context);
}

FailureOr<Policy::Gradient> PolicyReader::readGradient(llvm::yaml::Node *node) {
  static constexpr StringRef keys[] = {"compute", "result"};
  Policy::Gradient gradient;
  LogicalResult status = readMapping(
      node, "'compute' and 'result' of a gradient",
      [&](StringRef key, llvm::yaml::Node *keyNode, llvm::yaml::Node *value) {
        if (!llvm::is_contained(keys, key))
          return fail(keyNode, unknown("key", key, keys));
        bool isCompute = key == "compute";
        FailureOr<FloatType> type =
            isCompute ? readCompute(value) : readGradientResult(value);
        if (succeeded(type))
          (isCompute ? gradient.compute : gradient.result) = *type;
        return LogicalResult(type);
      });
  if (failed(status))
    return failure();
  if (!gradient)
    return fail(node, "expected 'compute' or 'result' (or both), so that the "
                      "gradient gets a type");
  return gradient;
}

FailureOr<bool> PolicyReader::readF32(llvm::yaml::Node *node, StringRef what) {
  FailureOr<std::string> text = readText(node, what);
  if (failed(text))
    return failure();
  if (*text == "f32")
    return true;
  return fail(node, what + " is '" + *text +
                        "': expected f32, the only type that can be asked for; "
                        "leave the line out for the type of the class");
}

FailureOr<bool> PolicyReader::readDisabled(llvm::yaml::Node *node) {
  FailureOr<std::string> text = readText(node, "true or false");
  if (failed(text))
    return failure();
  if (*text != "false")
    return fail(node, "'enabled' is '" + *text +
                          "': expected false, which leaves the ops as the "
                          "model has them");
  return true;
}

LogicalResult PolicyReader::readAttributes(llvm::yaml::Node *node,
                                           Policy::Override &result) {
  return readMapping(
      node, "attribute names with patterns of their values",
      [&](StringRef key, llvm::yaml::Node *, llvm::yaml::Node *value) {
        FailureOr<llvm::Regex> pattern = readPattern(value, /*isWhole=*/false);
        if (failed(pattern))
          return failure();
        result.attributes.emplace_back(key.str(), std::move(*pattern));
        return success();
      });
}

LogicalResult PolicyReader::readClasses(llvm::yaml::Node *node,
                                        Policy::Entry &entry) {
  auto readInto = [&](StringRef type, llvm::yaml::Node *value) {
    FailureOr<PrecisionClass> precisionClass = readClass(value);
    if (succeeded(precisionClass))
      entry[type.str()] = {{*precisionClass, ""}};
    return LogicalResult(precisionClass);
  };
  if (isa_and_nonnull<llvm::yaml::MappingNode>(node))
    return readMapping(
        node, "compute types with classes",
        [&](StringRef key, llvm::yaml::Node *keyNode, llvm::yaml::Node *value) {
          if (!symbolizeComputeType(key, context))
            return fail(keyNode, unknown("compute type", key, kComputeTypes));
          return readInto(key, value);
        });
  FailureOr<PrecisionClass> precisionClass = readClass(node);
  if (failed(precisionClass))
    return failure();
  for (StringRef type : kComputeTypes)
    entry[type.str()] = {{*precisionClass, ""}};
  return success();
}

FailureOr<llvm::Regex> PolicyReader::readPattern(llvm::yaml::Node *node,
                                                 bool isWhole) {
  FailureOr<std::string> text = readText(node, "a regular expression");
  if (failed(text))
    return failure();
  llvm::Regex pattern(isWhole ? "^(" + *text + ")$" : *text);
  std::string error;
  if (!pattern.isValid(error))
    return fail(node, "'" + *text + "' is not a regular expression: " + error);
  return pattern;
}

/// Whether a policy can decide anything about ops of this name.
static bool hasPrecision(StringRef opName, MLIRContext *context) {
  return OperationName(opName, context).hasInterface<PrecisionOpInterface>();
}

LogicalResult PolicyReader::readOp(StringRef opName, llvm::yaml::Node *keyNode,
                                   llvm::yaml::Node *value) {
  if (!RegisteredOperationName::lookup(opName, context)) {
    SmallVector<StringRef> known;
    for (RegisteredOperationName registered :
         context->getRegisteredOperations())
      if (registered.hasInterface<PrecisionOpInterface>())
        known.push_back(registered.getStringRef());
    return fail(keyNode, "unknown op '" + opName +
                             "': expected a full name such as train.linear" +
                             suggest(opName, known));
  }
  if (!hasPrecision(opName, context))
    return fail(keyNode, "'" + opName +
                             "' has no precision to decide: expected an op "
                             "that computes with floating-point tensors");
  return readClasses(value, policy.ops[opName]);
}

FailureOr<Policy::Override> PolicyReader::readOverride(llvm::yaml::Node *node) {
  static constexpr StringRef keys[] = {
      "op",      "identity", "location", "attributes",     "class",
      "compute", "result",   "enabled",  "input_gradient", "weight_gradient",
      "reason"};
  Policy::Override result;
  result.place = getPlace(node);
  auto assign = [](auto &field, auto value) -> LogicalResult {
    if (failed(value))
      return failure();
    field = std::move(*value);
    return success();
  };
  Values values;
  LogicalResult status = readMapping(
      node, "an override",
      [&](StringRef key, llvm::yaml::Node *keyNode, llvm::yaml::Node *value) {
        values[key] = value;
        if (key == "op")
          return assign(result.op, readPattern(value, /*isWhole=*/true));
        if (key == "identity")
          return assign(result.identity, readText(value, "an identity"));
        if (key == "location")
          return assign(result.location, readPattern(value, /*isWhole=*/false));
        if (key == "class")
          return assign(result.precisionClass, readClass(value));
        if (key == "compute")
          return assign(result.compute, readCompute(value));
        if (key == "attributes")
          return readAttributes(value, result);
        if (key == "result")
          return assign(result.keepsFullResult, readF32(value, "the result"));
        if (key == "input_gradient")
          return assign(result.inputGradient, readGradient(value));
        if (key == "weight_gradient")
          return assign(result.weightGradient, readGradient(value));
        if (key == "enabled")
          return assign(result.isDisabled, readDisabled(value));
        if (key == "reason")
          return assign(result.reason, readText(value, "a reason"));
        return fail(keyNode, unknown("key", key, keys));
      });
  if (failed(status))
    return failure();
  if (!result.hasCondition())
    return fail(node, "expected 'op', 'identity', 'location' or 'attributes' "
                      "(or several), so that the override has something to "
                      "match");
  if (!result.hasEffect())
    return fail(node, "expected 'class', 'compute', 'result', 'enabled', "
                      "'input_gradient' or 'weight_gradient' (or several), so "
                      "that the override has an effect");
  if (failed(checkEffects(result, values)) ||
      failed(checkOpsOf(result, values)))
    return failure();
  return result;
}

LogicalResult PolicyReader::checkEffects(const Policy::Override &line,
                                         const Values &values) {
  bool hasOther = line.precisionClass || line.compute || line.keepsFullResult ||
                  line.asksForGradients();
  if (line.isDisabled && hasOther)
    return fail(values.lookup("enabled"),
                "'enabled: false' leaves the ops as the model has them: "
                "expected no other effect beside it");
  if (!line.compute || !line.precisionClass ||
      *line.precisionClass == PrecisionClass::Low)
    return success();
  if (*line.precisionClass == PrecisionClass::Full && line.compute.isF32())
    return success();
  return fail(values.lookup("compute"),
              "'compute' has no effect on the class " +
                  stringifyPrecisionClass(*line.precisionClass) +
                  ": expected the class low, or no 'compute'");
}

LogicalResult PolicyReader::checkOpsOf(const Policy::Override &line,
                                       const Values &values) {
  SmallVector<StringRef> named;
  if (line.op)
    for (RegisteredOperationName op : context->getRegisteredOperations())
      if (line.op->match(op.getStringRef()))
        named.push_back(op.getStringRef());
  if (named.empty()) // a warning, if the model has none either
    return success();
  auto isContraction = [&](StringRef name) {
    return OperationName(name, context).hasInterface<ContractionOpInterface>();
  };
  if (llvm::none_of(named,
                    [&](StringRef n) { return hasPrecision(n, context); }))
    return fail(values.lookup("op"),
                "'" + named.front() +
                    "' has no precision to decide: expected an op that "
                    "computes with floating-point tensors");
  for (StringRef key : {"input_gradient", "weight_gradient"})
    if (values.count(key) && llvm::none_of(named, isContraction))
      return fail(values.lookup(key),
                  "'" + named.front() +
                      "' is no contraction: gradients of other ops are "
                      "computed in f32 anyway");
  return success();
}

LogicalResult PolicyReader::readOverrides(llvm::yaml::Node *node) {
  auto *sequence = dyn_cast_or_null<llvm::yaml::SequenceNode>(node);
  if (!sequence)
    return fail(node, "expected a list of overrides, each '- op: PATTERN' or "
                      "'- location: PATTERN' with a class");
  for (llvm::yaml::Node &item : *sequence) {
    FailureOr<Policy::Override> candidate = readOverride(&item);
    if (failed(candidate))
      return failure();
    policy.overrides.push_back(std::move(*candidate));
  }
  return failure(stream.failed());
}

LogicalResult PolicyReader::readRefusals(llvm::yaml::Node *node) {
  auto *sequence = dyn_cast_or_null<llvm::yaml::SequenceNode>(node);
  if (!sequence)
    return fail(node, "expected a list of what is refused: " +
                          llvm::join(ArrayRef<StringRef>(kRefusals), ", "));
  hasRefusals = true;
  for (llvm::yaml::Node &item : *sequence) {
    FailureOr<std::string> text = readText(&item, "what is refused");
    if (failed(text))
      return failure();
    if (!llvm::is_contained(kRefusals, *text))
      return fail(&item, unknown("refusal", *text, kRefusals));
    policy.refusals.insert(*text == kRefusals[0]
                               ? Refusal::UnrepairedCrossEntropy
                               : Refusal::OtherHalf);
  }
  return failure(stream.failed());
}

LogicalResult PolicyReader::readUnsafe(llvm::yaml::Node *node) {
  FailureOr<std::string> text = readText(node, "what becomes of unsafe values");
  if (failed(text))
    return failure();
  if (!llvm::is_contained(kUnsafeValues, *text))
    return fail(node, unknown("treatment", *text, kUnsafeValues));
  policy.unsafe =
      *text == kUnsafeValues[0] ? UnsafeValues::F32 : UnsafeValues::Warn;
  return success();
}

LogicalResult PolicyReader::readKey(StringRef key, llvm::yaml::Node *keyNode,
                                    llvm::yaml::Node *value) {
  static constexpr StringRef keys[] = {
      "name",      "base",           "compute",         "accumulate",
      "split_k",   "strategy",       "default",         "ops",
      "overrides", "input_gradient", "weight_gradient", "refuse",
      "unsafe"};
  if (key == "ops")
    return readMapping(value, "op names with their classes",
                       [&](StringRef opName, llvm::yaml::Node *opNode,
                           llvm::yaml::Node *classNode) {
                         return readOp(opName, opNode, classNode);
                       });
  if (key == "overrides")
    return readOverrides(value);
  if (key == "refuse")
    return readRefusals(value);
  if (key == "unsafe")
    return readUnsafe(value);
  if (key == "compute") {
    FailureOr<FloatType> type = readCompute(value);
    if (succeeded(type))
      policy.compute = *type;
    return type;
  }
  if (key == "input_gradient" || key == "weight_gradient") {
    FailureOr<Policy::Gradient> gradient = readGradient(value);
    if (succeeded(gradient))
      (key == "input_gradient" ? policy.inputGradient : policy.weightGradient) =
          *gradient;
    return LogicalResult(gradient);
  }
  // Sums in 16 bits are no choice: the IR has none.
  if (key == "accumulate")
    return readF32(value, "the accumulate type");
  if (key == "split_k")
    return readF32(value, "the type of partial sums");
  if (key == "strategy") {
    FailureOr<std::string> text = readText(value, "a strategy");
    if (failed(text))
      return failure();
    policy.strategy = symbolizeStrategy(*text);
    if (!policy.strategy)
      return fail(value, unknown("strategy", *text, kStrategies));
    return success();
  }
  if (key != "name" && key != "base" && key != "default")
    return fail(keyNode, unknown("key", key, keys));

  FailureOr<std::string> text = readText(value, "the " + key.str());
  if (failed(text))
    return failure();
  if (key == "name") {
    policy.name = *text;
  } else if (key == "base") {
    if (!findPreset(*text))
      return fail(value, unknown("preset", *text, Policy::getPresetNames()));
    base = *text;
  } else {
    hasDefault = true;
    policy.defaultClass = symbolizePrecisionClass(*text);
    policy.leavesRestUntouched = *text == "untouched";
    SmallVector<StringRef> expected(std::begin(kClasses), std::end(kClasses));
    expected.append({"op", "untouched"});
    if (!policy.defaultClass && *text != "op" && !policy.leavesRestUntouched)
      return fail(value, unknown("default", *text, expected));
  }
  return success();
}

void PolicyReader::nameGradientRules() {
  auto name = [](StringRef label, Policy::Gradient &input,
                 Policy::Gradient &weight) {
    input.rule = (label + ": input_gradient").str();
    weight.rule = (label + ": weight_gradient").str();
  };
  name(policy.name, policy.inputGradient, policy.weightGradient);
  for (Policy::Override &candidate : policy.overrides)
    name(candidate.label, candidate.inputGradient, candidate.weightGradient);
}

/// Fill in from the base what this file leaves open; its lines come last, so
/// that the file's own match first.
LogicalResult PolicyReader::addBase() {
  FailureOr<Policy> parent = Policy::load(base, context);
  if (failed(parent))
    return failure();
  if (!policy.compute)
    policy.compute = parent->compute;
  if (!policy.strategy)
    policy.strategy = parent->strategy;
  if (!policy.unsafe)
    policy.unsafe = parent->unsafe;
  if (!policy.inputGradient)
    policy.inputGradient = parent->inputGradient;
  if (!policy.weightGradient)
    policy.weightGradient = parent->weightGradient;
  if (!hasDefault) {
    policy.defaultClass = parent->defaultClass;
    policy.leavesRestUntouched = parent->leavesRestUntouched;
    policy.defaultPolicy = parent->defaultPolicy;
  }
  if (!hasRefusals)
    policy.refusals = parent->refusals;
  for (auto &entry : parent->ops)
    for (auto &[type, lines] : entry.getValue())
      for (Policy::Listed &line : lines) {
        ++line.depth;
        policy.ops[entry.getKey()][type].push_back(std::move(line));
      }
  for (Policy::Override &candidate : parent->overrides) {
    ++candidate.depth;
    policy.overrides.push_back(std::move(candidate));
  }
  return success();
}

FailureOr<Policy> PolicyReader::read() {
  auto document = stream.begin();
  llvm::yaml::Node *root =
      document == stream.end() ? nullptr : document->getRoot();
  if (stream.failed())
    return failure();
  LogicalResult status = readMapping(
      root, "a policy",
      [&](StringRef key, llvm::yaml::Node *keyNode, llvm::yaml::Node *value) {
        return readKey(key, keyNode, value);
      });
  if (failed(status))
    return failure();
  if (policy.name.empty())
    return fail(root, "expected 'name: ...', by which rules and remarks call "
                      "the policy");
  policy.defaultPolicy = policy.name;
  for (auto &entry : policy.ops)
    for (auto &[type, lines] : entry.getValue())
      lines.front().policy = policy.name;
  for (auto [index, candidate] : llvm::enumerate(policy.overrides))
    candidate.label = policy.name + "/overrides[" + std::to_string(index) + "]";
  nameGradientRules();
  if (!base.empty() && failed(addBase()))
    return failure();
  if (!policy.compute)
    return fail(root, "expected 'compute: ...' (" +
                          llvm::join(ArrayRef<StringRef>(kComputeTypes), ", ") +
                          ") or a 'base' that has one");
  if (++document != stream.end()) {
    llvm::yaml::Node *rest = document->getRoot();
    return stream.failed()
               ? failure()
               : fail(rest, "a second document: expected one policy in a file");
  }
  return stream.failed() ? FailureOr<Policy>(failure()) : std::move(policy);
}

std::string Policy::getReadError(StringRef presetOrFile) {
  if (findPreset(presetOrFile))
    return "";
  auto buffer = llvm::MemoryBuffer::getFile(presetOrFile, /*IsText=*/true);
  if (buffer)
    return "";
  return ("cannot read policy '" + presetOrFile +
          "': " + buffer.getError().message() + "; expected a preset (" +
          llvm::join(getPresetNames(), ", ") +
          "), auto, or the path of a policy file" +
          suggest(presetOrFile, getPresetNames()))
      .str();
}

/// Read a policy that somebody wrote.
static FailureOr<Policy> readPolicy(MLIRContext *context,
                                    llvm::MemoryBufferRef buffer) {
  if (unsigned line = findDeepNesting(buffer.getBuffer(), Syntax::Yaml))
    return mlir::emitError(FileLineColLoc::get(
               context, buffer.getBufferIdentifier(), line, 1))
           << describeDeepNesting(Syntax::Yaml);
  return PolicyReader(context, buffer).read();
}

FailureOr<Policy> Policy::load(StringRef presetOrFile, MLIRContext *context) {
  if (const Preset *preset = findPreset(presetOrFile)) {
    std::string label = "policies/" + preset->name.str() + ".yaml";
    FailureOr<Policy> policy =
        PolicyReader(context, llvm::MemoryBufferRef(preset->text, label))
            .read();
    // Few models have all the ops that a preset speaks of.
    if (succeeded(policy))
      for (Override &line : policy->overrides)
        line.place.reset();
    return policy;
  }
  auto buffer = llvm::MemoryBuffer::getFile(presetOrFile, /*IsText=*/true);
  if (!buffer)
    return mlir::emitError(UnknownLoc::get(context))
           << getReadError(presetOrFile);
  return readPolicy(context, (*buffer)->getMemBufferRef());
}

FailureOr<Policy> Policy::load(StringRef presetOrFile, ModuleOp module) {
  if (presetOrFile != "auto")
    return load(presetOrFile, module.getContext());
  auto text = module->getAttrOfType<StringAttr>(kPolicyAttr);
  if (!text)
    return module.emitError(
        "the policy auto is chosen from measured numbers: run "
        "--amp-assign-by-profile before --amp-autocast");
  return readPolicy(module.getContext(),
                    llvm::MemoryBufferRef(text.getValue(), "policy auto"));
}
