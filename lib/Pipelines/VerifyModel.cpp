//===- VerifyModel.cpp - Checks a model as it was written
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VerifyModel.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Policies/Policy.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Pipelines/OptimizerSpec.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vernier;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// Attributes of the amp dialect that a model may have: those that passes leave
/// for others, so that a stage's output compiles on.
static constexpr StringRef kAmpAttributes[] = {
    amp::kPrecisionAttr,   amp::kPolicyAttr,          amp::kCannotUnderflowAttr,
    amp::kSafeScaleAttr,   amp::kAlignmentAttr,       amp::kUnalignedAttr,
    amp::kResultRangeAttr, amp::kSkippedRoundingsAttr};

/// The attribute of `op` that `name` may have been meant for: one that looks
/// like it, or is part of it ("smoothing", "eps", "role"), or nothing.
static StringRef findMeant(StringRef name, ArrayRef<StringRef> known) {
  if (StringRef nearest = findNearest(name, known); !nearest.empty())
    return nearest;
  auto isPart = [&](StringRef other) {
    return name.size() > 2 && (other.contains(name) || name.contains(other));
  };
  const auto *found = llvm::find_if(known, isPart);
  return found == known.end() ? StringRef() : *found;
}

/// The names that `op` reads. A global's are all of the train dialect.
static SmallVector<StringRef> getKnownNames(Operation *op) {
  SmallVector<StringRef> names;
  for (StringAttr name : op->getName().getAttributeNames())
    names.push_back(name.getValue());
  if (isa<ml_program::GlobalOp>(op))
    llvm::append_range(
        names, ArrayRef<StringRef>{train::kRoleAttr, train::kRangeAttr,
                                   train::kLabelsAttr, train::kGroupAttr});
  return names;
}

/// Whether somebody may read an attribute that the op itself does not.
static bool isRead(NamedAttribute attribute) {
  StringRef name = attribute.getName();
  if (name.starts_with("amp."))
    return llvm::is_contained(kAmpAttributes, name);
  // The train dialect has checked its own; others may leave notes.
  return name.contains('.') && attribute.getNameDialect();
}

static LogicalResult verifyAttributes(Operation *op,
                                      DictionaryAttr attributes) {
  for (NamedAttribute attribute : attributes) {
    if (isRead(attribute))
      continue;
    StringRef name = attribute.getName();
    SmallVector<StringRef> known = getKnownNames(op);
    if (name.starts_with("amp."))
      known.assign(std::begin(kAmpAttributes), std::end(kAmpAttributes));
    InFlightDiagnostic diagnostic = op->emitError("unknown attribute '")
                                    << name << "' of '" << op->getName() << "'";
    if (StringRef meant = findMeant(name, known); !meant.empty())
      diagnostic << "; did you mean '" << meant << "'?";
    if (known.empty())
      diagnostic << "; it has none: drop it";
    else
      diagnostic << " (known: " << llvm::join(known, ", ") << ")";
    return diagnostic;
  }
  return success();
}

/// Of an op, and of the arguments and results of a function.
static LogicalResult verifyAttributes(Operation *op) {
  LogicalResult result =
      verifyAttributes(op, op->getDiscardableAttrDictionary());
  auto function = dyn_cast<func::FuncOp>(op);
  if (!function)
    return result;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (DictionaryAttr attributes = function.getArgAttrDict(i))
      if (failed(verifyAttributes(op, attributes)))
        result = failure();
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (DictionaryAttr attributes = function.getResultAttrDict(i))
      if (failed(verifyAttributes(op, attributes)))
        result = failure();
  return result;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// How many ops calls may add. Compiling takes some 0.1 ms for each op, so that
/// this is half a minute; models of many ops that are written out are no
/// mistake.
static constexpr uint64_t kMostInlinedOps = 250'000;

namespace {

/// Counts the ops that functions have when their calls are inlined, without
/// inlining them: functions that call the next one twice double at each step.
class CallCounter {
public:
  explicit CallCounter(ModuleOp module) : symbols(module) {}

  /// The ops of `function`, or failure if it calls itself, which is reported.
  FailureOr<uint64_t> count(func::FuncOp function);

private:
  /// A function while its calls are counted, one after the other.
  struct Frame {
    func::FuncOp function;
    SmallVector<func::CallOp> calls;
    unsigned next = 0;
    uint64_t total = 0;
  };
  void enter(func::FuncOp function);
  /// Add the ops of the next call, or enter the function that it calls.
  LogicalResult advance(Frame &frame);

  SymbolTable symbols;
  /// No recursion: chains of calls may be long.
  std::vector<Frame> frames;
  /// Nothing while a function is being counted.
  DenseMap<Operation *, std::optional<uint64_t>> counts;
};

} // namespace

void CallCounter::enter(func::FuncOp function) {
  Frame frame{function, {}};
  function.walk([&](Operation *op) {
    ++frame.total;
    if (auto call = dyn_cast<func::CallOp>(op))
      frame.calls.push_back(call);
  });
  counts[function] = std::nullopt;
  frames.push_back(std::move(frame));
}

LogicalResult CallCounter::advance(Frame &frame) {
  func::CallOp call = frame.calls[frame.next];
  auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
  auto place = counts.find(callee);
  if (place == counts.end()) {
    enter(callee);
    return success();
  }
  if (!place->second)
    return call.emitError("'@")
           << call.getCallee() << "' calls itself, through '@"
           << frame.function.getSymName()
           << "'; a model has no recursion: write out what it computes";
  frame.total = llvm::SaturatingAdd(frame.total, *place->second);
  ++frame.next;
  return success();
}

FailureOr<uint64_t> CallCounter::count(func::FuncOp function) {
  if (!counts.count(function))
    enter(function);
  while (!frames.empty()) {
    Frame &frame = frames.back();
    if (frame.next < frame.calls.size()) {
      if (failed(advance(frame)))
        return failure();
      continue;
    }
    counts[frame.function] = frame.total;
    frames.pop_back();
  }
  return *counts[function];
}

static LogicalResult verifyCalls(ModuleOp module) {
  uint64_t written = 0;
  module.walk([&](Operation *) { ++written; });
  CallCounter counter(module);
  for (auto function : module.getOps<func::FuncOp>()) {
    FailureOr<uint64_t> total = counter.count(function);
    if (failed(total))
      return failure();
    if (*total > written && *total - written > kMostInlinedOps)
      return function.emitError("'@")
             << function.getSymName() << "' has " << *total
             << " ops when its calls are inlined, of " << written
             << " that are written; calls may add " << kMostInlinedOps
             << ": let fewer functions call another one more than once";
  }
  return success();
}

LogicalResult vernier::verifyModel(ModuleOp module) {
  LogicalResult result = success();
  module.walk([&](Operation *op) {
    if (failed(verifyAttributes(op)))
      result = failure();
  });
  if (failed(verifyCalls(module)))
    result = failure();
  return result;
}
