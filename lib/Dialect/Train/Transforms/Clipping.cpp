//===- Clipping.cpp - Which gradients share a norm that is bounded
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A bound on the norm keeps the direction of a step only if all of its
// gradients are multiplied by one factor (Pascanu et al. 2013), so the groups
// of an optimizer share a norm unless they ask for their own.
//
//===----------------------------------------------------------------------===//

#include "Clipping.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

static std::string getName(const ClipRequest &request) {
  return request.group.empty() ? "default" : request.group;
}

/// "0.5": formatv alone would write two decimals.
static std::string getText(double number) {
  SmallString<16> text;
  APFloat(number).toString(text);
  return text.str().str();
}

std::string Clipping::describe(size_t gradientCount) const {
  return llvm::formatv(
      "{0}: one norm over {1} gradients of {2} groups, at most "
      "{3}",
      getNormName(), gradientCount, members.size(), getText(maxNorm));
}

static std::string describeDifference(const ClipRequest &a,
                                      const ClipRequest &b) {
  return llvm::formatv(
      "clip-norm is {0} in group '{1}' but {2} in group '{3}': one norm bounds "
      "the gradients of all groups; give each group the same clip-norm, or "
      "clip-scope=group to one that is to be clipped by a norm of its own",
      getText(a.maxNorm), getName(a), getText(b.maxNorm), getName(b));
}

/// The clipping of all groups that do not ask for their own; no members if
/// there is none.
static Clipping findShared(ArrayRef<ClipRequest> requests, double defaultNorm,
                           std::string &problem) {
  Clipping shared{0, "", {}};
  const ClipRequest *first = nullptr;
  for (auto [index, request] : llvm::enumerate(requests)) {
    bool isLeftOut = request.maxNorm == 0 && defaultNorm != 0;
    if (request.isAlone || isLeftOut)
      continue;
    if (!first)
      first = &request;
    else if (request.maxNorm != first->maxNorm && problem.empty())
      problem = describeDifference(*first, request);
    if (request.maxNorm > 0)
      shared.members.push_back(index);
  }
  shared.maxNorm = first ? first->maxNorm : 0;
  return shared;
}

std::vector<Clipping>
vernier::train::findClippings(ArrayRef<ClipRequest> requests,
                              double defaultNorm, std::string &problem) {
  std::vector<Clipping> clippings;
  Clipping shared = findShared(requests, defaultNorm, problem);
  bool isShared = !shared.members.empty();
  if (isShared)
    clippings.push_back(std::move(shared));
  for (auto [index, request] : llvm::enumerate(requests)) {
    if (!request.isAlone || request.maxNorm == 0)
      continue;
    // The plain name is that of the norm which most gradients have.
    bool isPlain = request.group.empty() && !isShared;
    clippings.push_back({request.maxNorm,
                         isPlain ? "" : "." + getName(request),
                         {static_cast<unsigned>(index)}});
  }
  return clippings;
}

Value vernier::train::createClipFactor(OpBuilder &builder, Value norm,
                                       double maxNorm) {
  Location loc = norm.getLoc();
  auto type = cast<ShapedType>(norm.getType());
  auto constant = [&](double value) -> Value {
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(type, builder.getF32FloatAttr(value)));
  };
  Value above = arith::AddFOp::create(builder, loc, norm, constant(1.0e-6));
  Value ratio = arith::DivFOp::create(builder, loc, constant(maxNorm), above);
  return arith::MinimumFOp::create(builder, loc, ratio, constant(1.0));
}
