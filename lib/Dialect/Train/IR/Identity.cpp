//===- Identity.cpp - What an op of the model is called
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// --train-identify-ops puts an #train.identity on each op's location, and on
// each call's; inlining leaves `callsite(op at call)`, the path of calls.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/IR/Identity.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

/// Append the calls that led to an op, the outermost first, and the op itself;
/// false if one of them has no identity. Of fused ops the first stands for all.
static bool collectFrames(Location loc, SmallVectorImpl<IdentityAttr> &frames) {
  if (auto identified = dyn_cast<FusedLocWith<IdentityAttr>>(loc)) {
    frames.push_back(identified.getMetadata());
    return true;
  }
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return collectFrames(call.getCaller(), frames) &&
           collectFrames(call.getCallee(), frames);
  if (auto named = dyn_cast<NameLoc>(loc))
    return collectFrames(named.getChildLoc(), frames);
  auto fused = dyn_cast<FusedLoc>(loc);
  size_t count = frames.size();
  return fused && llvm::any_of(fused.getLocations(), [&](Location part) {
           frames.truncate(count);
           return collectFrames(part, frames);
         });
}

std::string train::getIdentity(Location loc) {
  SmallVector<IdentityAttr> frames;
  if (!collectFrames(loc, frames))
    return "";
  std::string path = frames.front().getRoot().str();
  StringRef separator = "";
  for (IdentityAttr frame : frames) {
    path += (separator + frame.getName().getValue()).str();
    separator = "/";
  }
  return path;
}

std::string train::getOpInModel(Location loc) {
  SmallVector<IdentityAttr> frames;
  return collectFrames(loc, frames) ? frames.back().getOp().str() : "";
}

std::string train::getPlace(Location loc) {
  return llvm::TypeSwitch<LocationAttr, std::string>(loc)
      .Case([](FileLineColLoc file) -> std::string {
        return llvm::formatv(
            "{0}:{1}:{2}",
            llvm::sys::path::filename(file.getFilename().getValue()),
            file.getLine(), file.getColumn());
      })
      .Case([](NameLoc named) { return getPlace(named.getChildLoc()); })
      .Case([](CallSiteLoc call) { return getPlace(call.getCallee()); })
      .Case([](FusedLoc fused) {
        for (Location part : fused.getLocations())
          if (std::string place = getPlace(part); !place.empty())
            return place;
        return std::string();
      })
      .Default([](LocationAttr) { return std::string(); });
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

GradientOfAttr train::getGradientOf(Location loc) {
  auto marked = dyn_cast<FusedLocWith<GradientOfAttr>>(loc);
  return marked ? marked.getMetadata() : GradientOfAttr();
}

Location train::markGradient(Location forward, GradientOfAttr gradient) {
  return FusedLoc::get({forward}, gradient, gradient.getContext());
}

Location train::getForwardLocation(Location loc) {
  auto marked = dyn_cast<FusedLocWith<GradientOfAttr>>(loc);
  return marked ? FusedLoc::get(loc.getContext(), marked.getLocations()) : loc;
}
