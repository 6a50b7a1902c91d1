//===- ProfiledRanges.cpp - What a profile says of ranges
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProfiledRanges.h"

#include "ProfileMatch.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/ContractionOpInterface.h"

#include <map>

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

/// No element was larger; nothing if some were not finite.
static std::optional<MeasuredRange> getRange(const TensorProfile &tensor) {
  if (tensor.notFinite)
    return std::nullopt;
  Interval range = Interval::between(-tensor.maxMagnitude, tensor.maxMagnitude)
                       .widened(kRelativeSlack); // of the digits in the file
  return MeasuredRange{range, tensor.rms};
}

static void addState(const TensorProfile &tensor, const MeasuredRange &range,
                     ModuleOp module, RangeAssumptions &assumptions) {
  auto global = module.lookupSymbol<ml_program::GlobalOp>(tensor.name);
  auto role = global ? global->getAttrOfType<StringAttr>(train::kRoleAttr)
                     : StringAttr();
  if (role && role.getValue() == tensor.role)
    assumptions.globals[tensor.name] = range;
}

namespace {

/// The products of the forward pass of each op; a formula that was rewritten
/// may have left several.
using ProductsByKey =
    std::map<ProfileKey, SmallVector<const ProductProfile *, 1>>;

} // namespace

/// The largest of what `pick` chooses of `products`.
static std::optional<MeasuredRange>
joinRanges(const Profile &profile, ArrayRef<const ProductProfile *> products,
           int64_t ProductProfile::*pick) {
  std::optional<MeasuredRange> joined;
  for (const ProductProfile *product : products) {
    std::optional<MeasuredRange> range =
        getRange(profile.tensors[product->*pick]);
    if (!range)
      return std::nullopt;
    if (joined) {
      range->range = range->range.joined(joined->range);
      range->rms = std::max(range->rms, joined->rms);
    }
    joined = range;
  }
  return joined;
}

static void addContraction(ContractionOpInterface op, const Profile &profile,
                           const ProductsByKey &products,
                           RangeAssumptions &assumptions) {
  auto found = products.find(getKey(op));
  if (found == products.end())
    return;
  auto add = [&](Value value, int64_t ProductProfile::*pick) {
    if (auto range = joinRanges(profile, found->second, pick))
      assumptions.values[value] = *range;
  };
  add(op.getLhsOperand().get(), &ProductProfile::lhs);
  add(op.getRhsOperand().get(), &ProductProfile::rhs);
  add(op->getResult(0), &ProductProfile::result);
}

RangeAssumptions amp::getMeasuredRanges(const Profile &profile, ModuleOp module,
                                        FunctionOpInterface function) {
  RangeAssumptions assumptions;
  for (const TensorProfile &tensor : profile.tensors) {
    std::optional<MeasuredRange> range = getRange(tensor);
    if (range && tensor.role == "input")
      assumptions.inputs[tensor.name] = *range;
    else if (range)
      addState(tensor, *range, module, assumptions);
  }
  ProductsByKey products;
  for (const ProductProfile &product : profile.products)
    if (product.role == kForwardRole)
      products[{product.op, product.identity}].push_back(&product);
  // A step's gradients are called as the ops that they belong to.
  function.walk([&](ContractionOpInterface op) {
    if (!op->hasAttr(train::kBackwardAttr))
      addContraction(op, profile, products, assumptions);
  });
  return assumptions;
}
