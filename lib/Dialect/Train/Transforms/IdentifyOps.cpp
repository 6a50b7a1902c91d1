//===- IdentifyOps.cpp - Gives every op of the model an identity
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Works on the model as it is written, while functions call each other. What
// ops are called must not depend on where they are in the file: an edit
// elsewhere must not move a policy from one op to another.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/Transforms/Passes.h"

#include "vernier/Dialect/Train/IR/Identity.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/JSON.h"

namespace vernier::train {
#define GEN_PASS_DEF_TRAINIDENTIFYOPSPASS
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"
} // namespace vernier::train

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// The name that the model gives to `loc`, the outermost of several.
static StringRef getNameInModel(Location loc) {
  return llvm::TypeSwitch<LocationAttr, StringRef>(loc)
      .Case([](NameLoc named) { return named.getName().getValue(); })
      .Case([](CallSiteLoc call) { return getNameInModel(call.getCallee()); })
      .Case([](FusedLoc fused) {
        for (Location part : fused.getLocations())
          if (StringRef name = getNameInModel(part); !name.empty())
            return name;
        return StringRef();
      })
      .Default([](LocationAttr) { return StringRef(); });
}

/// One line of UTF-8, as policy files and profiles hold it.
static std::string makePrintable(StringRef name) {
  std::string text = llvm::json::fixUTF8(name);
  for (char &c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '_';
  return text;
}

/// The state that `op` loads, or reads without anything in between; or null.
static StringAttr getState(Operation *op) {
  if (auto load = dyn_cast<ml_program::GlobalLoadOp>(op))
    return load.getGlobal().getLeafReference();
  for (Value operand : op->getOperands())
    if (auto load = operand.getDefiningOp<ml_program::GlobalLoadOp>())
      return load.getGlobal().getLeafReference();
  return {};
}

/// What kind of op a person sees: "train.linear", and "@w" for a state and what
/// loads it.
static std::string getKind(Operation *op) {
  if (auto symbol = dyn_cast<SymbolOpInterface>(op);
      symbol && symbol.getNameAttr())
    return ("@" + symbol.getName()).str();
  if (isa<ml_program::GlobalLoadOp>(op))
    return ("@" + getState(op).getValue()).str();
  return op->getName().getStringRef().str();
}

/// The callee of a call by its symbol, or null.
static StringAttr getCallee(Operation *op) {
  auto call = dyn_cast<CallOpInterface>(op);
  auto callee = call ? dyn_cast<SymbolRefAttr>(call.getCallableForCallee())
                     : SymbolRefAttr();
  return callee ? callee.getLeafReference() : StringAttr();
}

/// What `op` would be called if no other op of the function were called so.
static std::string getBaseName(Operation *op) {
  if (StringRef name = getNameInModel(op->getLoc()); !name.empty())
    return makePrintable(name);
  if (StringAttr callee = getCallee(op))
    return makePrintable(callee);
  std::string kind = getKind(op);
  if (StringAttr state = getState(op); state && kind.front() != '@')
    kind += ("@" + state.getValue()).str();
  return makePrintable(kind);
}

//===----------------------------------------------------------------------===//
// Ops of one function
//===----------------------------------------------------------------------===//

namespace {

/// Names unlike each other: "fc", "fc#2", "fc#3".
class UniqueNames {
public:
  std::string add(const std::string &base) {
    unsigned &count = counts[base];
    std::string name;
    do
      name = ++count == 1 ? base : base + "#" + std::to_string(count);
    while (!names.insert(name).second);
    return name;
  }
  /// Whether a path that begins with one of the names may read as `text`.
  bool isPathStart(StringRef text) const {
    for (size_t end = text.find('/'); end != StringRef::npos;
         end = text.find('/', end + 1))
      if (names.contains(text.take_front(end)))
        return true;
    return false;
  }

private:
  llvm::StringMap<unsigned> counts;
  llvm::StringSet<> names;
};

/// Identifies the ops of one function.
class Identifier {
public:
  Identifier(FunctionOpInterface function, bool isCalled)
      : function(function), isCalled(isCalled),
        root(makePrintable(function.getName()) + "/") {}

  void run();

private:
  void identify(Operation *op, UniqueNames &names);

  FunctionOpInterface function;
  bool isCalled;
  std::string root;
  UniqueNames calls, ops;
};

} // namespace

static void setIdentity(Operation *op, StringRef name, StringRef root) {
  Builder builder(op->getContext());
  auto identity =
      IdentityAttr::get(op->getContext(), builder.getStringAttr(name),
                        builder.getStringAttr(makePrintable(getKind(op))),
                        builder.getStringAttr(root));
  op->setLoc(FusedLoc::get({op->getLoc()}, identity, op->getContext()));
}

/// A path begins with the function of its op, or with the first call. What runs
/// `@loss` runs what it calls: the ops of a function are the same to `@loss`
/// and to `@predict`, also where the one calls the other.
void Identifier::identify(Operation *op, UniqueNames &names) {
  if (!getIdentity(op->getLoc()).empty())
    return;
  bool isCall = getCallee(op) != nullptr;
  std::string base = getBaseName(op);
  // The op `g/x` is none of what a call of `g` leads to.
  if (!isCall && calls.isPathStart(base))
    llvm::replace(base, '/', '.');
  setIdentity(op, names.add(base), isCall && !isCalled ? "" : root);
}

void Identifier::run() {
  // A call's path is not that of the function's own ops.
  calls.add(StringRef(root).drop_back().str());
  function.getFunctionBody().walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (getCallee(op))
      identify(op, calls);
  });
  function.getFunctionBody().walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (!getCallee(op))
      identify(op, ops);
  });
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {

struct IdentifyOpsPass
    : train::impl::TrainIdentifyOpsPassBase<IdentifyOpsPass> {
  void runOnOperation() override {
    llvm::DenseSet<StringAttr> called;
    getOperation().walk([&](Operation *op) {
      if (StringAttr callee = getCallee(op))
        called.insert(callee);
    });
    for (Operation &op : *getOperation().getBody()) {
      if (auto function = dyn_cast<FunctionOpInterface>(op))
        Identifier(function, called.contains(function.getNameAttr())).run();
      // States are unique by their symbols; a step is made from @loss.
      if (isa<SymbolOpInterface>(op) && getIdentity(op.getLoc()).empty())
        setIdentity(&op, makePrintable(getKind(&op)), "");
    }
  }
};

} // namespace
