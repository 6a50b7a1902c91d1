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

Policy::Choice Policy::choose(PrecisionOpInterface op) {
  StringRef opName = op->getName().getStringRef();
  Choice choice{op.getPrecisionClass(), compute, "", ""};
  std::string label;
  auto entry = ops.find(opName);
  if (entry != ops.end()) {
    choice.precisionClass = entry->second.precisionClass;
    label = entry->second.policy + "/" + opName.str();
  } else if (defaultClass) {
    choice.precisionClass = *defaultClass;
    label = defaultPolicy + "/default";
  } else {
    label = defaultPolicy + "/" + opName.str();
  }

  // Most policies have no override, and most of those none by location: the
  // location is printed when it is first asked for.
  std::string location;
  for (Override &candidate : overrides) {
    if (candidate.op && !candidate.op->match(opName))
      continue;
    if (candidate.location && location.empty()) {
      llvm::raw_string_ostream os(location);
      printSearchable(op.getLoc(), os);
    }
    if (candidate.location && !candidate.location->match(location))
      continue;
    candidate.wasUsed = true;
    if (candidate.precisionClass)
      choice.precisionClass = *candidate.precisionClass;
    if (candidate.compute)
      choice.compute = candidate.compute;
    choice.reason = candidate.reason;
    label = candidate.label;
    break;
  }
  choice.rule =
      label + ": " + stringifyPrecisionClass(choice.precisionClass).str();
  return choice;
}

std::vector<std::string> Policy::getUnusedOverrides() const {
  std::vector<std::string> labels;
  for (const Override &candidate : overrides)
    if (!candidate.wasUsed)
      labels.push_back(candidate.label);
  return labels;
}
