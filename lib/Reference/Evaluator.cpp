//===- Evaluator.cpp - Walks a function and evaluates its ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Reference/Evaluator.h"

#include "OpTable.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Reference/Rounding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace vernier::reference {

static const OpTable &getOpTable() {
  static const OpTable table = [] {
    OpTable table;
    addFloatArithmetic(table);
    addIntegerArithmetic(table);
    addCasts(table);
    addShapes(table);
    addReductions(table);
    addContractions(table);
    addImages(table);
    addIndices(table);
    addChannels(table);
    addActivations(table);
    addNormalizations(table);
    addLosses(table);
    addOptimizers(table);
    addLossScaling(table);
    return table;
  }();
  return table;
}

namespace {

/// The deepest chain of calls: a function that calls itself never ends.
constexpr unsigned kMaxCallDepth = 100;

/// The values of one block while it is evaluated; each is dropped after its
/// last use.
class Frame {
public:
  void set(Value value, Tensor tensor) {
    unsigned uses = std::distance(value.use_begin(), value.use_end());
    if (uses)
      values[value] = {std::move(tensor), uses};
  }

  const Tensor &get(Value value) const {
    return values.find(value)->second.first;
  }

  void releaseOperands(Operation *op) {
    for (Value operand : op->getOperands()) {
      auto it = values.find(operand);
      if (it != values.end() && --it->second.second == 0)
        values.erase(it);
    }
  }

private:
  llvm::DenseMap<Value, std::pair<Tensor, unsigned>> values;
};

class Evaluator {
public:
  Evaluator(State &state, const EvaluatorOptions &options)
      : state(state), options(options) {}

  FailureOr<SmallVector<Tensor>> runFunction(func::FuncOp function,
                                             ArrayRef<Tensor> inputs);

private:
  FailureOr<SmallVector<Tensor>> runBlock(Block &block,
                                          ArrayRef<Tensor> inputs);
  FailureOr<SmallVector<Tensor>> runOp(Operation *op, Frame &frame);
  FailureOr<SmallVector<Tensor>> runTableOp(Operation *op, Frame &frame);
  FailureOr<SmallVector<Tensor>> runCall(func::CallOp call, Frame &frame);
  FailureOr<SmallVector<Tensor>> runConstant(arith::ConstantOp op);
  FailureOr<SmallVector<Tensor>> runLoad(ml_program::GlobalLoadOp op);

  State &state;
  const EvaluatorOptions &options;
  SymbolTableCollection symbols;
  unsigned callDepth = 0;
};

} // namespace

static SmallVector<Tensor> copyOperands(Operation *op, const Frame &frame) {
  SmallVector<Tensor> tensors;
  for (Value operand : op->getOperands())
    tensors.push_back(frame.get(operand));
  return tensors;
}

FailureOr<SmallVector<Tensor>> Evaluator::runFunction(func::FuncOp function,
                                                      ArrayRef<Tensor> inputs) {
  if (function.isDeclaration())
    return function.emitError("cannot evaluate @")
           << function.getSymName()
           << ": it has no body; define it in the module";
  if (!function.getBody().hasOneBlock())
    return function.emitError("cannot evaluate @")
           << function.getSymName()
           << ": it has several blocks, but a graph has one; run --inline and "
              "--canonicalize, or lower its control flow before";
  return runBlock(function.getBody().front(), inputs);
}

FailureOr<SmallVector<Tensor>> Evaluator::runBlock(Block &block,
                                                   ArrayRef<Tensor> inputs) {
  Frame frame;
  for (auto [argument, input] : llvm::zip_equal(block.getArguments(), inputs))
    frame.set(argument, input);
  for (Operation &op : block.without_terminator()) {
    FailureOr<SmallVector<Tensor>> results = runOp(&op, frame);
    if (failed(results))
      return failure();
    frame.releaseOperands(&op);
    for (auto [value, tensor] : llvm::zip_equal(op.getResults(), *results))
      frame.set(value, std::move(tensor));
  }
  return copyOperands(block.getTerminator(), frame);
}

FailureOr<SmallVector<Tensor>> Evaluator::runOp(Operation *op, Frame &frame) {
  using Results = FailureOr<SmallVector<Tensor>>;
  return TypeSwitch<Operation *, Results>(op)
      .Case([&](arith::ConstantOp constant) { return runConstant(constant); })
      .Case([&](func::CallOp call) { return runCall(call, frame); })
      .Case([&](ml_program::GlobalLoadOp load) { return runLoad(load); })
      .Case([&](ml_program::GlobalStoreOp store) -> Results {
        state[store.getGlobal().getLeafReference().str()] =
            frame.get(store.getValue());
        return SmallVector<Tensor>();
      })
      .Case([&](train::FusionOp fusion) {
        return runBlock(fusion.getBody().front(), copyOperands(fusion, frame));
      })
      .Case([&](train::GradientOp gradient) -> Results {
        return gradient.emitOpError(
            "has no value of its own: run --train-differentiate before "
            "evaluating");
      })
      .Default([&](Operation *op) { return runTableOp(op, frame); });
}

/// Round every element of the results of `op` as its types say; in exact mode
/// only integers, which wrap around.
static void roundResults(Operation *op, MutableArrayRef<Tensor> results,
                         bool exact) {
  auto isF64 = [](Type type) { return getElementTypeOrSelf(type).isF64(); };
  bool inF64 = llvm::any_of(op->getOperandTypes(), isF64) ||
               llvm::any_of(op->getResultTypes(), isF64);
  for (Tensor &result : results) {
    if (exact && isa<FloatType>(result.elementType))
      continue;
    for (double &element : result.elements)
      element = inF64 ? roundToType(element, result.elementType)
                      : roundThroughF32(element, result.elementType);
  }
}

FailureOr<SmallVector<Tensor>> Evaluator::runTableOp(Operation *op,
                                                     Frame &frame) {
  const OpTable::Function *function =
      getOpTable().lookup(op->getName().getStringRef());
  if (!function)
    return op->emitOpError(
        "cannot be evaluated: the evaluator knows train, amp, "
        "ml_program, and arith, math and tensor ops on tensors "
        "of static shape");
  SmallVector<const Tensor *> operands;
  for (Value operand : op->getOperands())
    operands.push_back(&frame.get(operand));
  SmallVector<Tensor> results;
  for (Type type : op->getResultTypes())
    results.emplace_back(type);
  Invocation invocation{operands, results, options};
  if (failed((*function)(op, invocation)))
    return failure();
  roundResults(op, results, options.exact);
  return results;
}

FailureOr<SmallVector<Tensor>> Evaluator::runCall(func::CallOp call,
                                                  Frame &frame) {
  auto callee =
      symbols.lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
  if (callDepth == kMaxCallDepth)
    return call.emitOpError("is nested in ")
           << kMaxCallDepth << " calls: @" << call.getCallee()
           << " seems to call itself, and a graph has no recursion";
  ++callDepth;
  FailureOr<SmallVector<Tensor>> results =
      runFunction(callee, copyOperands(call, frame));
  --callDepth;
  return results;
}

FailureOr<SmallVector<Tensor>> Evaluator::runConstant(arith::ConstantOp op) {
  FailureOr<Tensor> tensor = toTensor(op.getValue(), op.getType());
  if (failed(tensor))
    return op.emitOpError(
        "cannot be evaluated: its value is not a dense, float "
        "or integer attribute");
  return SmallVector<Tensor>{std::move(*tensor)};
}

FailureOr<SmallVector<Tensor>> Evaluator::runLoad(ml_program::GlobalLoadOp op) {
  auto it = state.find(op.getGlobal().getLeafReference().str());
  if (it == state.end())
    return op.emitOpError("reads @")
           << op.getGlobal().getLeafReference().getValue()
           << ", which has no value: give it one in the state";
  return SmallVector<Tensor>{it->second};
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

LogicalResult initializeState(ModuleOp module, State &state,
                              const EvaluatorOptions &options) {
  for (auto global : module.getOps<ml_program::GlobalOp>()) {
    std::string name = global.getSymName().str();
    if (state.count(name))
      continue;
    Attribute value = global.getValueAttr();
    if (auto constant = dyn_cast_or_null<train::ConstantAttr>(value)) {
      Tensor tensor(global.getType());
      double element = constant.getValue();
      if (!options.exact)
        element = roundToType(element, tensor.elementType);
      tensor.elements.assign(tensor.size(), element);
      state[name] = std::move(tensor);
      continue;
    }
    FailureOr<Tensor> tensor =
        value ? toTensor(value, global.getType()) : FailureOr<Tensor>();
    if (failed(tensor))
      return global.emitOpError("@")
             << name << " has no value written out: give it one in the state "
             << "(random initial values are the runtime's)";
    state[name] = std::move(*tensor);
  }
  return success();
}

FailureOr<SmallVector<Tensor>> evaluate(func::FuncOp function,
                                        ArrayRef<Tensor> inputs, State &state,
                                        const EvaluatorOptions &options) {
  if (inputs.size() != function.getNumArguments())
    return function.emitError("@")
           << function.getSymName() << " takes " << function.getNumArguments()
           << " inputs, but " << inputs.size() << " are given";
  for (auto [index, input] : llvm::enumerate(inputs)) {
    Tensor expected(function.getArgumentTypes()[index]);
    if (input.shape != expected.shape)
      return function.emitError("input ")
             << index << " of @" << function.getSymName() << " must be "
             << function.getArgumentTypes()[index] << ", but has shape ["
             << ArrayRef<int64_t>(input.shape) << "]";
  }
  return Evaluator(state, options).runFunction(function, inputs);
}

} // namespace vernier::reference
