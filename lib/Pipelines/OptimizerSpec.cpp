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
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Regex.h"

#include <cfloat>

using namespace llvm;
using namespace vernier;

static constexpr StringRef kOptimizers[] = {"sgd", "adam", "adamw"};

/// The settings of --train-attach-optimizer.
static constexpr StringRef kKeys[] = {
    "lr",           "beta1",       "beta2",      "eps",
    "weight-decay", "momentum",    "nesterov",   "schedule",
    "warmup-steps", "total-steps", "final-lr",   "clip-norm",
    "clip-scope",   "ema-decay",   "parameters", "group"};

/// What other libraries call some of them.
static constexpr std::pair<StringRef, StringRef> kOtherNames[] = {
    {"learning-rate", "lr"},     {"epsilon", "eps"},
    {"betas", "beta1"},          {"wd", "weight-decay"},
    {"l2", "weight-decay"},      {"decay", "weight-decay"},
    {"max-norm", "clip-norm"},   {"grad-clip", "clip-norm"},
    {"min-lr", "final-lr"},      {"steps", "total-steps"},
    {"lr-scheduler", "schedule"}};

static bool isOfSgd(StringRef key) {
  return is_contained({"momentum", "nesterov"}, key);
}
static bool isOfAdam(StringRef key) {
  return is_contained({"beta1", "beta2", "eps"}, key);
}

/// The settings that `optimizer` has.
static SmallVector<StringRef> getKeys(StringRef optimizer) {
  SmallVector<StringRef> keys;
  copy_if(kKeys, std::back_inserter(keys), [&](StringRef key) {
    return optimizer == "sgd" ? !isOfAdam(key) : !isOfSgd(key);
  });
  return keys;
}

StringRef vernier::findNearest(StringRef name, ArrayRef<StringRef> candidates) {
  StringRef nearest;
  // Two letters are always near to nothing.
  unsigned best = name.empty() ? 0 : std::max<unsigned>(2, name.size() / 3) + 1;
  for (StringRef candidate : candidates) {
    // Another case is no other word.
    unsigned distance =
        name.lower() == candidate.lower() ? 0 : name.edit_distance(candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

Error vernier::makeUnknown(StringRef flag, StringRef what, StringRef name,
                           ArrayRef<StringRef> candidates) {
  return makeUnknown(flag, what, name, candidates,
                     findNearest(name, candidates));
}

Error vernier::makeUnknown(StringRef flag, StringRef what, StringRef name,
                           ArrayRef<StringRef> candidates, StringRef nearest) {
  std::string message = (flag + ": unknown " + what + " '" + name + "'").str();
  if (!nearest.empty())
    message += ("; did you mean '" + nearest + "'?").str();
  message += " (known: " + join(candidates, ", ") + ")";
  return createStringError(inconvertibleErrorCode(), message);
}

static Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), "--optimizer: " + message);
}

/// An unknown setting; the nearest is one that others call so, one that looks
/// like it, or one that begins as it does ("momentum_decay", "warmup").
static Error makeUnknownSetting(StringRef rawKey, StringRef key,
                                StringRef optimizer) {
  SmallVector<StringRef> keys = getKeys(optimizer);
  StringRef nearest = findNearest(key, keys);
  for (auto [other, name] : kOtherNames)
    if (key == other && is_contained(keys, name))
      nearest = name;
  for (StringRef known : keys)
    if (nearest.empty() && (key.starts_with((known + "-").str()) ||
                            known.starts_with((key + "-").str())))
      nearest = known;
  return makeUnknown("--optimizer", "setting", rawKey, keys, nearest);
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
  spec.text = text.str();
  spec.passOptions = ("optimizer=" + parts.front()).str();
  train::TrainAttachOptimizerPassOptions options;
  StringSet<> given;
  for (StringRef part : ArrayRef(parts).drop_front()) {
    auto [rawKey, value] = part.split('=');
    std::string key = rawKey.str();
    llvm::replace(key, '_', '-');
    if (!is_contained(kKeys, key))
      return makeUnknownSetting(rawKey, key, parts.front());
    if (!is_contained(getKeys(parts.front()), key))
      return makeError("'" + rawKey + "' is a setting of " +
                       (isOfAdam(key) ? "adam and adamw" : "sgd") +
                       ", not of " + parts.front());
    if (!given.insert(key).second)
      return makeError("'" + text + "' gives " + key + " twice");
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
  // Formulas may be written with 0; a run meets a gradient of 0 sooner or
  // later.
  if (problem.empty() && given.contains("eps") && options.epsilon < FLT_MIN)
    problem = "eps divides 0 by 0 where a gradient is 0, expected a number "
              "above 0, normal in f32";
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
