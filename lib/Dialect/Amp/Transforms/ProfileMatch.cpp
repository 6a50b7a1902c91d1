//===- ProfileMatch.cpp - Which ops a profile speaks of
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProfileMatch.h"

#include "vernier/Dialect/Train/IR/Identity.h"
#include "vernier/Interfaces/ContractionOpInterface.h"

#include "mlir/IR/Diagnostics.h"

#include <optional>
#include <set>

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

ProfileKey amp::getKey(Operation *op) {
  std::string name = train::getOpInModel(op->getLoc());
  if (!RegisteredOperationName::lookup(name, op->getContext()))
    name = op->getName().getStringRef().str();
  return {name, train::getIdentity(op->getLoc())};
}

/// More names than these say no more.
static constexpr size_t kMostNames = 8;

/// "'a/train.linear@w' (train.linear)", and so on.
static std::string describeKeys(ArrayRef<ProfileKey> keys) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (auto &[op, identity] : keys.take_front(kMostNames))
    os << (text.empty() ? "" : ", ") << "'" << identity << "' (" << op << ")";
  if (keys.size() > kMostNames)
    os << " and " << keys.size() - kMostNames << " more";
  return text;
}

void amp::warnOfUnknownProducts(const Profile &profile, StringRef path,
                                FunctionOpInterface loss) {
  std::set<ProfileKey> known, profiled;
  SmallVector<ProfileKey> unknown, gone;
  std::optional<Location> firstUnknown;
  for (const ProductProfile &product : profile.products)
    if (product.role == kForwardRole)
      profiled.insert({product.op, product.identity});
  loss.walk([&](ContractionOpInterface op) {
    ProfileKey key = getKey(op);
    if (!known.insert(key).second || profiled.count(key))
      return;
    unknown.push_back(key);
    if (!firstUnknown)
      firstUnknown = op.getLoc();
  });
  if (firstUnknown)
    emitWarning(*firstUnknown)
        << "the profile has no numbers of " << describeKeys(unknown)
        << "; record one of the model as it is now";
  for (const ProfileKey &key : profiled)
    if (!known.count(key))
      gone.push_back(key);
  if (!gone.empty())
    emitWarning(FileLineColLoc::get(loss.getContext(), path, 1, 1))
        << "the profile has numbers of " << describeKeys(gone)
        << ", which this model does not have: they are not used";
}
