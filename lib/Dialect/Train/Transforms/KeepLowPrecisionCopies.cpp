//===- KeepLowPrecisionCopies.cpp - 16-bit copies of parameters
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A step that rounds its parameters reads 4 bytes and writes 2 for each, before
// the contraction reads them; a copy that the update rounds beside the new
// parameter costs the 2 written bytes only.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/Transforms/Passes.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"

namespace vernier::train {
#define GEN_PASS_DEF_TRAINKEEPLOWPRECISIONCOPIESPASS
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"
} // namespace vernier::train

using namespace mlir;
using namespace vernier::train;
using ml_program::GlobalLoadOp;
using ml_program::GlobalOp;
using ml_program::GlobalStoreOp;

/// The function that derives copies from their masters.
static constexpr StringLiteral kRefresh = "refresh";

/// The name of an element type in the names of copies: bf16 or f16.
static std::string getTypeName(Type elementType) {
  std::string name;
  llvm::raw_string_ostream(name) << elementType;
  return name;
}

namespace {

/// The copies of one module.
struct CopyKeeper {
  explicit CopyKeeper(ModuleOp module) : module(module), symbols(module) {}

  void run();
  GlobalOp getMasterOf(arith::TruncFOp truncate);
  GlobalOp getCopy(GlobalOp master, RankedTensorType type);
  void storeCopies(GlobalStoreOp store);
  void writeRefresh();

  ModuleOp module;
  SymbolTable symbols;
  /// The copies of each master, in the order in which they were asked for.
  llvm::MapVector<Operation *, SmallVector<GlobalOp, 1>> copies;
};

struct KeepLowPrecisionCopiesPass
    : vernier::train::impl::TrainKeepLowPrecisionCopiesPassBase<
          KeepLowPrecisionCopiesPass> {
  void runOnOperation() override { CopyKeeper(getOperation()).run(); }
};

} // namespace

/// The parameter or frozen value that is loaded only to be rounded here.
GlobalOp CopyKeeper::getMasterOf(arith::TruncFOp truncate) {
  auto load = truncate.getIn().getDefiningOp<GlobalLoadOp>();
  auto type = dyn_cast<RankedTensorType>(truncate.getType());
  if (!load || !type || type.getElementTypeBitWidth() != 16)
    return {};
  auto global = symbols.lookup<GlobalOp>(load.getGlobal().getLeafReference());
  if (!global)
    return {};
  auto role = global->getAttrOfType<StringAttr>(kRoleAttr);
  bool isMaster = role && (role.getValue() == kParameterRole ||
                           role.getValue() == kFrozenRole);
  return isMaster ? global : GlobalOp();
}

/// The copy of `master` of this type, made on the first call.
GlobalOp CopyKeeper::getCopy(GlobalOp master, RankedTensorType type) {
  for (GlobalOp copy : copies[master])
    if (copy.getType() == type)
      return copy;
  OpBuilder builder(master->getContext());
  std::string name =
      (master.getSymName() + "." + getTypeName(type.getElementType())).str();
  auto copy = GlobalOp::create(builder, master.getLoc(), name, type,
                               /*is_mutable=*/true, /*value=*/Attribute(),
                               builder.getStringAttr("private"));
  copy->setAttr(kRoleAttr, builder.getStringAttr(kCopyRole));
  copy->setAttr(kCopyOfAttr, FlatSymbolRefAttr::get(master.getSymNameAttr()));
  symbols.insert(copy, std::next(Block::iterator(master)));
  copies[master].push_back(copy);
  remark::passed(master.getLoc(), remark::RemarkOpts::name("Copy").category(
                                      "train-keep-low-precision-copies"))
      << remark::reason("@{0} is kept in {1} beside its master @{2}",
                        copy.getSymName(), getTypeName(type.getElementType()),
                        master.getSymName());
  return copy;
}

/// Store the rounded value beside a new value of a master.
void CopyKeeper::storeCopies(GlobalStoreOp store) {
  auto found =
      copies.find(symbols.lookup(store.getGlobal().getLeafReference()));
  if (found == copies.end())
    return;
  OpBuilder builder(store->getContext());
  builder.setInsertionPointAfter(store);
  for (GlobalOp copy : found->second) {
    Value rounded = arith::TruncFOp::create(builder, store.getLoc(),
                                            copy.getType(), store.getValue());
    GlobalStoreOp::create(builder, store.getLoc(),
                          FlatSymbolRefAttr::get(copy.getSymNameAttr()),
                          rounded);
  }
}

/// @refresh() stores the rounded master in every copy.
void CopyKeeper::writeRefresh() {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Location loc = module.getLoc();
  auto function = func::FuncOp::create(builder, loc, kRefresh,
                                       builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  for (auto &[master, copiesOfMaster] : copies) {
    auto global = cast<GlobalOp>(master);
    Location globalLoc = global.getLoc();
    Value value =
        GlobalLoadOp::create(builder, globalLoc, global.getType(),
                             FlatSymbolRefAttr::get(global.getSymNameAttr()));
    for (GlobalOp copy : copiesOfMaster) {
      Value rounded =
          arith::TruncFOp::create(builder, globalLoc, copy.getType(), value);
      GlobalStoreOp::create(builder, globalLoc,
                            FlatSymbolRefAttr::get(copy.getSymNameAttr()),
                            rounded);
    }
  }
  func::ReturnOp::create(builder, loc);
}

void CopyKeeper::run() {
  // A module with @refresh has its copies already.
  if (symbols.lookup(kRefresh))
    return;
  module.walk([&](arith::TruncFOp truncate) {
    GlobalOp master = getMasterOf(truncate);
    if (!master)
      return;
    auto type = cast<RankedTensorType>(truncate.getType());
    GlobalOp copy = getCopy(master, type);
    // Where the master is loaded, so that no store of it lies between.
    auto load = truncate.getIn().getDefiningOp<GlobalLoadOp>();
    OpBuilder builder(module.getContext());
    builder.setInsertionPointAfter(load);
    auto copyLoad =
        GlobalLoadOp::create(builder, load.getLoc(), type,
                             FlatSymbolRefAttr::get(copy.getSymNameAttr()));
    truncate.replaceAllUsesWith(copyLoad.getResult());
    truncate.erase();
    if (load->use_empty())
      load->erase();
  });
  if (copies.empty())
    return;
  SmallVector<GlobalStoreOp> stores;
  module.walk([&](GlobalStoreOp store) { stores.push_back(store); });
  for (GlobalStoreOp store : stores)
    storeCopies(store);
  writeRefresh();
}
