//===- LossScaleSpec.cpp - The --loss-scale flag
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Pipelines/LossScaleSpec.h"

#include "vernier/Pipelines/OptimizerSpec.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

#include <cfloat>
#include <cmath>

using namespace llvm;
using namespace vernier;

namespace {

/// One setting of a dynamic scale.
struct Setting {
  StringRef key, option, expected;
  /// Whether a number is in range; null: the value is one of kRefills.
  bool (*isValid)(double);
};

} // namespace

static constexpr StringRef kModes[] = {"auto", "dynamic", "none"};

static constexpr StringRef kRefills[] = {"apex", "megatron", "deepspeed",
                                         "deepspeed_consecutive"};

/// Normal, so that dividing by it does not overflow.
static bool isScale(double x) { return x >= FLT_MIN && x <= FLT_MAX; }
static bool isCount(double x) {
  return x >= 1 && x <= INT32_MAX && x == std::floor(x);
}

static constexpr Setting kSettings[] = {
    {"init", "init-scale", "a positive normal number of f32", isScale},
    {"growth-factor", "growth-factor", "a number above 1, finite in f32",
     [](double x) { return x > 1 && x <= FLT_MAX; }},
    {"backoff-factor", "backoff-factor", "a number between 0 and 1",
     [](double x) { return x > 0 && x < 1; }},
    {"growth-interval", "growth-interval", "a whole number of 1 or more steps",
     isCount},
    {"hysteresis", "hysteresis", "a whole number of 1 or more overflows",
     isCount},
    {"refill", "hysteresis-refill", "", nullptr},
    {"min", "min-scale", "0 or a positive normal number of f32",
     [](double x) { return x == 0 || isScale(x); }},
    {"max", "max-scale", "a positive normal number of f32", isScale},
};

static Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(),
                           "--loss-scale: " + message);
}

/// Append the option of one `key=value`; numbers are kept in `numbers`.
static Error parseSetting(StringRef text, std::string &options,
                          StringMap<double> &numbers) {
  auto [rawKey, value] = text.split('=');
  std::string key = rawKey.str();
  llvm::replace(key, '_', '-');
  const Setting *setting =
      llvm::find_if(kSettings, [&](const Setting &s) { return s.key == key; });
  if (setting == std::end(kSettings)) {
    SmallVector<StringRef> keys;
    for (const Setting &known : kSettings)
      keys.push_back(known.key);
    return makeUnknown("--loss-scale", "setting", rawKey, keys);
  }
  if (numbers.count(key))
    return makeError(key + " is given twice");
  double number = 0;
  if (!setting->isValid) {
    if (!is_contained(kRefills, value))
      return makeUnknown("--loss-scale", "refill", value, kRefills);
  } else if (value.getAsDouble(number) || !setting->isValid(number)) {
    return makeError("'" + text + "': expected " + key + "=NUMBER, " +
                     setting->expected);
  }
  numbers[key] = number;
  options += (" " + setting->option + "=" + value).str();
  return Error::success();
}

Expected<LossScaleSpec> LossScaleSpec::parse(StringRef text) {
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  StringRef name = parts.front();
  LossScaleSpec spec;
  spec.text = text.str();
  double number;
  if (!name.getAsDouble(number) && isScale(number)) {
    spec.mode = Mode::Static;
    spec.passOptions = ("init-scale=" + name).str();
  } else if (is_contained(kModes, name)) {
    spec.mode = name == "auto"   ? Mode::Auto
                : name == "none" ? Mode::None
                                 : Mode::Dynamic;
  } else {
    return makeError("'" + name +
                     "' is none of auto, dynamic, none or a positive number");
  }
  bool isFixed = spec.mode == Mode::Static || spec.mode == Mode::None;
  if (isFixed && parts.size() > 1)
    return makeError("'" + parts[1] +
                     "' is a setting of dynamic or auto, not of '" + name +
                     "'");
  StringMap<double> numbers;
  for (StringRef part : ArrayRef(parts).drop_front())
    if (Error error = parseSetting(part, spec.passOptions, numbers))
      return error;
  if (numbers.count("refill") && !(numbers.lookup("hysteresis") > 1))
    return makeError("refill says when hysteresis is refilled: give "
                     "hysteresis=2 or more");
  if (numbers.count("min") && numbers.count("max") &&
      numbers["min"] > numbers["max"])
    return makeError("min is above max");
  if (numbers.count("init") && numbers["init"] < numbers.lookup("min"))
    return makeError("init is below min");
  if (numbers.count("init") && numbers.count("max") &&
      numbers["init"] > numbers["max"])
    return makeError("init is above max");
  return spec;
}
