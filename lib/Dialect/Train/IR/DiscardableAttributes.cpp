//===- DiscardableAttributes.cpp - train attributes on other dialects' ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MLIR keeps attributes that it does not know, so that a misspelt one would be
// lost without a word. This is the table of all that the dialect reads.
//
//===----------------------------------------------------------------------===//

#include "DiscardableAttributes.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vernier::train;

namespace {

/// One attribute of the table in the dialect's description.
struct KnownAttribute {
  StringRef name;
  /// AttributePlaces.
  unsigned places;
  StringRef expected;
  /// Null: the dialect has a constraint of its own for it.
  bool (*isValid)(Attribute);
};

} // namespace

static std::optional<double> getNumber(Attribute attribute) {
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return number.getValueAsDouble();
  if (auto number = dyn_cast<IntegerAttr>(attribute))
    return static_cast<double>(number.getInt());
  return std::nullopt;
}

/// Two numbers in order.
static bool isRange(Attribute attribute) {
  auto bounds = dyn_cast<ArrayAttr>(attribute);
  if (!bounds || bounds.size() != 2)
    return false;
  std::optional<double> low = getNumber(bounds[0]), high = getNumber(bounds[1]);
  return low && high && *low <= *high;
}

static bool isNames(Attribute attribute) {
  auto names = dyn_cast<ArrayAttr>(attribute);
  return names && llvm::all_of(names, llvm::IsaPred<StringAttr>);
}

template <typename AttrTy> static bool isKind(Attribute attribute) {
  return isa<AttrTy>(attribute);
}

static constexpr KnownAttribute kKnown[] = {
    {kRoleAttr, OnGlobal, "a role", nullptr},
    {kCopyOfAttr, OnGlobal, "a symbol", isKind<FlatSymbolRefAttr>},
    {kLogicalShapeAttr, OnGlobal, "an array<i64: ...>",
     isKind<DenseI64ArrayAttr>},
    {kGroupAttr, OnGlobal, "a string", isKind<StringAttr>},
    {kLabelsAttr, OnGlobal, "an array of strings", isNames},
    {kOptimizerAttr, OnGlobal, "a dictionary of settings",
     isKind<DictionaryAttr>},
    {kRangeAttr, OnGlobal | OnArgument,
     "two numbers in order, such as [-1.0, 1.0]", isRange},
    {kNameAttr, OnArgument | OnResult, "a string", isKind<StringAttr>},
    {kClassesAttr, OnArgument, "an integer", isKind<IntegerAttr>},
    {kBackwardAttr, OnOp, "no value", isKind<UnitAttr>},
    {kOperandGradientsAttr, OnOp, "types", nullptr},
    {kGradientTypesAttr, OnOp, "a #train.gradient_types",
     isKind<GradientTypesAttr>},
    {kGradientOrderAttr, OnOp, "an array of strings", isNames},
};

/// The places of an attribute, as a reader calls them.
static std::string describe(unsigned places) {
  SmallVector<StringRef> names;
  if (places & OnGlobal)
    names.push_back("an ml_program.global");
  if (places & OnArgument)
    names.push_back("an argument of a function");
  if (places & OnResult)
    names.push_back("a result of a function");
  if (places & OnOp)
    names.push_back("an op");
  return llvm::join(names, " or ");
}

/// What follows the message about an unknown name: the nearest one, or all that
/// can be at this place.
static std::string suggest(StringRef name, AttributePlace place) {
  StringRef nearest;
  unsigned best = 4;
  SmallVector<StringRef> names;
  for (const KnownAttribute &known : kKnown) {
    if (known.places & place)
      names.push_back(known.name);
    unsigned distance = name.edit_distance(known.name);
    if (distance < best) {
      best = distance;
      nearest = known.name;
    }
  }
  if (!nearest.empty())
    return ("did you mean '" + nearest + "'?").str();
  return "expected " + llvm::join(names, ", ");
}

LogicalResult vernier::train::verifyDiscardableAttribute(Location loc,
                                                         NamedAttribute named,
                                                         AttributePlace place) {
  StringRef name = named.getName();
  const KnownAttribute *known = llvm::find_if(
      kKnown, [&](const KnownAttribute &other) { return other.name == name; });
  if (known == std::end(kKnown))
    return emitError(loc, "unknown attribute '")
           << name << "'; " << suggest(name, place);
  if (!(known->places & place))
    return emitError(loc, "'")
           << name << "' is read on " << describe(known->places) << ", not on "
           << describe(place);
  if (known->isValid && !known->isValid(named.getValue()))
    return emitError(loc, "'") << name << "' is " << named.getValue()
                               << "; expected " << known->expected;
  return success();
}
