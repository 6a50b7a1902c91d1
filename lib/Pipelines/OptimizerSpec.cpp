//===- OptimizerSpec.cpp - The --optimizer flag
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Pipelines/OptimizerSpec.h"

#include "vernier/Dialect/Train/Transforms/OptimizerOptions.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Regex.h"

using namespace llvm;
using namespace vernier;

static constexpr StringRef kOptimizers[] = {"sgd", "adam", "adamw"};

/// The settings of --train-attach-optimizer.
static constexpr StringRef kKeys[] = {
    "lr",       "beta1",     "beta2",     "eps",          "weight-decay",
    "momentum", "nesterov",  "schedule",  "warmup-steps", "total-steps",
    "final-lr", "clip-norm", "ema-decay", "parameters",   "group"};

StringRef vernier::findNearest(StringRef name, ArrayRef<StringRef> candidates) {
  StringRef nearest;
  unsigned best = std::max<unsigned>(2, name.size() / 3) + 1;
  for (StringRef candidate : candidates) {
    unsigned distance = name.edit_distance(candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

Error vernier::makeUnknown(StringRef flag, StringRef what, StringRef name,
                           ArrayRef<StringRef> candidates) {
  std::string message = (flag + ": unknown " + what + " '" + name + "'").str();
  StringRef nearest = findNearest(name, candidates);
  if (!nearest.empty())
    message += ("; did you mean '" + nearest + "'?").str();
  message += " (known: " + join(candidates, ", ") + ")";
  return createStringError(inconvertibleErrorCode(), message);
}

static Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), "--optimizer: " + message);
}

/// Set one option, if it is of this kind.
static bool setOption(train::OptimizerOption option, StringRef value) {
  if (option.word)
    *option.word = value.str();
  else if (option.flag)
    return (*option.flag = value == "true") || value == "false";
  else if (option.count)
    return !value.getAsInteger(10, *option.count);
  return option.word || (option.number && !value.getAsDouble(*option.number));
}

Expected<OptimizerSpec> OptimizerSpec::parse(StringRef text) {
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  if (!is_contained(kOptimizers, parts.front()))
    return makeUnknown("--optimizer", "optimizer", parts.front(), kOptimizers);
  OptimizerSpec spec;
  spec.passOptions = ("optimizer=" + parts.front()).str();
  train::TrainAttachOptimizerPassOptions options;
  for (StringRef part : ArrayRef(parts).drop_front()) {
    auto [rawKey, value] = part.split('=');
    std::string key = rawKey.str();
    llvm::replace(key, '_', '-');
    if (!is_contained(kKeys, key))
      return makeUnknown("--optimizer", "setting", rawKey, kKeys);
    bool isOfSgd = is_contained({"momentum", "nesterov"}, key);
    bool isOfAdam = is_contained({"beta1", "beta2", "eps"}, key);
    if (parts.front() == "sgd" ? isOfAdam : isOfSgd)
      return makeError("'" + rawKey + "' is a setting of " +
                       (isOfAdam ? "adam and adamw" : "sgd") + ", not of " +
                       parts.front());
    if (key == "nesterov" && value.empty())
      value = "true";
    if (key == "parameters" || key == "group") {
      (key == "group" ? spec.group : spec.parameters) = value.str();
      continue;
    }
    train::OptimizerOption option = train::findOptimizerOption(key, options);
    if (value.empty() || !setOption(option, value))
      return makeError("'" + part + "' is not a setting; expected " + key +
                       (option.word   ? "=WORD"
                        : option.flag ? "=true or false"
                                      : "=NUMBER"));
    spec.passOptions += (" " + key + "=" + value).str();
  }
  std::string problem = train::findOptimizerProblem(options);
  if (!problem.empty())
    return makeError("'" + text + "': " + problem);
  if (spec.group.empty() != spec.parameters.empty())
    return makeError("'" + text +
                     "' needs both, group=NAME and parameters=REGEX, or none");
  std::string reason;
  if (!spec.parameters.empty() && !Regex(spec.parameters).isValid(reason))
    return makeError("'parameters=" + spec.parameters +
                     "' is no regular expression: " + reason);
  return spec;
}
