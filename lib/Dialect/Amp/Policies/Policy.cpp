//===- Policy.cpp - Which precision each op gets, as data
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a policy answers. PolicyReader.cpp says how it comes out of its file.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Policies/Policy.h"

#include "vernier/Dialect/Train/IR/Identity.h"
#include "vernier/Interfaces/ContractionOpInterface.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

FloatType amp::symbolizeComputeType(StringRef name, MLIRContext *context) {
  Builder builder(context);
  return llvm::StringSwitch<FloatType>(name)
      .Case("f32", builder.getF32Type())
      .Case("tf32", builder.getTF32Type())
      .Case("bf16", builder.getBF16Type())
      .Case("f16", builder.getF16Type())
      .Default({});
}

StringRef amp::stringifyStrategy(Strategy strategy) {
  switch (strategy) {
  case Strategy::Lists:
    return "lists";
  case Strategy::Propagate:
    return "propagate";
  case Strategy::MinCut:
    return "min-cut";
  }
  llvm_unreachable("unknown strategy");
}

std::optional<Strategy> amp::symbolizeStrategy(StringRef name) {
  return llvm::StringSwitch<std::optional<Strategy>>(name)
      .Case("lists", Strategy::Lists)
      .Case("propagate", Strategy::Propagate)
      .Case("min-cut", Strategy::MinCut)
      .Default(std::nullopt);
}

/// `vernier/train.linear: low`
static std::string makeRule(StringRef label, PrecisionClass precisionClass) {
  return (label + ": " + stringifyPrecisionClass(precisionClass)).str();
}

/// The names and the file:line:col of `loc`, separated by spaces.
static void printSearchable(Location loc, llvm::raw_ostream &os) {
  llvm::TypeSwitch<LocationAttr>(loc)
      .Case([&](NameLoc name) {
        os << name.getName().getValue() << " ";
        printSearchable(name.getChildLoc(), os);
      })
      .Case([&](FileLineColLoc file) {
        os << file.getFilename().getValue() << ":" << file.getLine() << ":"
           << file.getColumn() << " ";
      })
      .Case([&](CallSiteLoc call) {
        printSearchable(call.getCallee(), os);
        printSearchable(call.getCaller(), os);
      })
      .Case([&](FusedLoc fused) {
        for (Location part : fused.getLocations())
          printSearchable(part, os);
      });
}

/// The name of a compute type in policy files.
static StringRef getTypeKey(FloatType type) {
  if (type.isTF32())
    return "tf32";
  return type.isBF16() ? "bf16" : type.isF16() ? "f16" : "f32";
}

class Policy::Searched {
public:
  explicit Searched(Operation *op) : op(op) {}

  Operation *getOp() const { return op; }
  StringRef getIdentity() {
    if (!identity)
      identity = train::getIdentity(op->getLoc());
    return *identity;
  }
  /// Names, file:line:col and the identity, separated by spaces.
  StringRef getLocation() {
    if (location.empty()) {
      llvm::raw_string_ostream os(location);
      printSearchable(op->getLoc(), os);
      os << getIdentity() << " ";
    }
    return location;
  }

private:
  Operation *op;
  std::optional<std::string> identity;
  std::string location;
};

bool Policy::Override::matches(Searched &candidate) const {
  if (identity && candidate.getIdentity() != *identity)
    return false;
  if (location && !location->match(candidate.getLocation()))
    return false;
  return llvm::all_of(attributes, [&](const auto &attribute) {
    Attribute value = candidate.getOp()->getAttr(attribute.first);
    if (!value)
      return false;
    std::string printed;
    llvm::raw_string_ostream os(printed);
    os << value;
    return attribute.second.match(printed);
  });
}

ArrayRef<Policy::Listed> Policy::getListed(StringRef opName) const {
  auto entry = ops.find(opName);
  if (entry == ops.end())
    return {};
  auto lines = entry->second.find(getTypeKey(compute).str());
  return lines == entry->second.end() ? ArrayRef<Listed>()
                                      : ArrayRef<Listed>(lines->second);
}

Policy::ByName Policy::look(OperationName opName, PrecisionClass ownClass) {
  ByName result{ownClass, false, "", {}};
  StringRef text = opName.getStringRef();
  std::string label = defaultPolicy + "/" + text.str();
  ArrayRef<Listed> listed = getListed(text);
  if (!listed.empty()) {
    result.precisionClass = listed.front().precisionClass;
    label = listed.front().policy + "/" + text.str();
  } else if (leavesRestUntouched) {
    result.isDisabled = true;
    label = defaultPolicy + "/default";
  } else if (defaultClass) {
    result.precisionClass = *defaultClass;
    label = defaultPolicy + "/default";
  }
  result.rule = makeRule(label, result.precisionClass);
  for (Override &candidate : overrides)
    if ((listed.empty() || candidate.depth <= listed.front().depth) &&
        (!candidate.op || candidate.op->match(text)))
      result.overrides.push_back(&candidate);
  return result;
}

FloatType Policy::getRefusedType() const {
  Builder builder(compute.getContext());
  if (!refuses(Refusal::OtherHalf))
    return {};
  if (compute.isBF16())
    return builder.getF16Type();
  return compute.isF16() ? FloatType(builder.getBF16Type()) : FloatType();
}

StringRef Policy::getUnsafeRule(PrecisionClass precisionClass) {
  std::string &rule = unsafeRules[precisionClass];
  if (rule.empty())
    rule = makeRule(name + "/unsafe", precisionClass);
  return rule;
}

Policy::Choice Policy::choose(PrecisionOpInterface op) {
  PrecisionClass ownClass = op.getPrecisionClass();
  OperationName opName = op->getName();
  auto [entry, isNew] =
      cache.try_emplace({opName.getAsOpaquePointer(), ownClass});
  if (isNew)
    entry->second = look(opName, ownClass);
  const ByName &byName = entry->second;
  Choice choice{byName.precisionClass,
                compute,
                byName.rule,
                "",
                byName.isDisabled,
                /*keepsFullResult=*/false,
                keepsUnsafe(),
                /*isForced=*/false,
                getRefusedType(),
                &inputGradient,
                &weightGradient};

  Searched searched(op);
  for (Override *candidate : byName.overrides) {
    if (!candidate->matches(searched))
      continue;
    candidate->wasUsed = true;
    candidate->metContraction |= isa<ContractionOpInterface>(op.getOperation());
    if (candidate->precisionClass)
      choice.precisionClass = *candidate->precisionClass;
    if (candidate->compute)
      choice.compute = candidate->compute;
    candidate->metLow |= choice.precisionClass == PrecisionClass::Low;
    candidate->metFullInside |= op.computesInFullPrecision();
    choice.reason = candidate->reason;
    choice.isDisabled = candidate->isDisabled;
    choice.keepsFullResult = candidate->keepsFullResult;
    choice.isForced = candidate->precisionClass || candidate->compute;
    if (candidate->inputGradient)
      choice.inputGradient = &candidate->inputGradient;
    if (candidate->weightGradient)
      choice.weightGradient = &candidate->weightGradient;
    std::string &rule = candidate->rules[choice.precisionClass];
    if (rule.empty())
      rule = makeRule(candidate->label, choice.precisionClass);
    choice.rule = rule;
    break;
  }
  return choice;
}

std::vector<Policy::Candidate>
Policy::getCandidates(PrecisionOpInterface op) const {
  StringRef opName = op->getName().getStringRef();
  std::vector<Candidate> byName;
  auto add = [&](PrecisionClass precisionClass, const Twine &label) {
    byName.push_back(
        {precisionClass, compute, makeRule(label.str(), precisionClass)});
  };
  ArrayRef<Listed> listed = getListed(opName);
  for (const Listed &line : listed)
    add(line.precisionClass, line.policy + "/" + opName);
  if (defaultClass) {
    add(*defaultClass, defaultPolicy + "/default");
    add(op.getPrecisionClass(), opName + " itself");
  } else {
    add(op.getPrecisionClass(), defaultPolicy + "/" + opName);
  }

  std::vector<Candidate> candidates;
  Searched searched(op);
  // Lines of `ops` come before the overrides of a base.
  auto next = byName.begin();
  for (const Override &line : overrides) {
    if ((line.op && !line.op->match(opName)) || !line.matches(searched))
      continue;
    for (; !listed.empty() && listed.front().depth < line.depth;
         listed = listed.drop_front())
      candidates.push_back(*next++);
    Candidate candidate = *next;
    if (line.precisionClass)
      candidate.precisionClass = *line.precisionClass;
    if (line.compute)
      candidate.compute = line.compute;
    candidate.rule = makeRule(line.label, candidate.precisionClass);
    candidates.push_back(std::move(candidate));
  }
  candidates.insert(candidates.end(), next, byName.end());
  return candidates;
}

std::vector<Policy::IdleOverride> Policy::getIdleOverrides() const {
  std::vector<IdleOverride> idle;
  auto add = [&](const Override &line, StringRef problem) {
    idle.push_back({*line.place, line.label, problem.str()});
  };
  for (const Override &line : overrides) {
    if (!line.place)
      continue;
    if (!line.wasUsed && line.identity)
      add(line, "is about '" + *line.identity +
                    "', which this model does not have, has as an op of "
                    "another kind, or decides by an earlier line");
    else if (!line.wasUsed)
      add(line, "matches no op, or only such that earlier lines decide");
    else if (line.asksForGradients() && !line.metContraction)
      add(line, "asks for types of gradients, but matches no contraction: "
                "other gradients are computed in f32 anyway");
    else if (line.compute && !line.precisionClass && !line.metLow)
      add(line, "asks for a compute type, but matches no op of the class low: "
                "the other classes compute in f32");
    else if (line.keepsFullResult && !line.metFullInside)
      add(line, "asks for an f32 result, but matches only ops that write the "
                "type that they read");
  }
  return idle;
}
