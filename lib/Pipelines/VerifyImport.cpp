//===- VerifyImport.cpp - Checks what a model must be
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VerifyImport.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/ContractionOpInterface.h"
#include "vernier/Interfaces/FusionOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace vernier;

/// More elements than any machine holds. The multiply-adds of a contraction of
/// three such tensors, the root of the product of their sizes, and the bytes of
/// many are still far from what 64 bits count.
static constexpr int64_t kMostElements = int64_t(1) << 40;

/// Libraries count rows, columns and pixels in 32 bits, and add a few of them.
static constexpr int64_t kMostRows = int64_t(1) << 30;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// Whether plans hold elements of the type, and kernels compute on them.
static bool isElement(Type type) {
  return type.isF32() || type.isBF16() || type.isF16() ||
         type.isSignlessInteger(1) || type.isSignlessInteger(32) ||
         type.isSignlessInteger(64);
}

/// Why a value of this type cannot be part of a model, or nothing.
static std::string findProblem(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << "'" << type << "'";
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape())
    return "has type " + text +
           "; expected a tensor of static shape: write the batch size into "
           "the model";
  int64_t count = 1;
  for (int64_t extent : tensor.getShape()) {
    if (extent == 0)
      return "has type " + text +
             ", which has no elements; expected extents of 1 or more";
    if (count > kMostElements / extent)
      return "has type " + text + ", which no machine can hold";
    count *= extent;
  }
  if (tensor.getElementType().isF64())
    return "has type " + text +
           "; expected f32, which precision is decided from";
  if (!isElement(tensor.getElementType()))
    return "has type " + text +
           "; expected elements of f32, bf16, f16, i32, i64 or i1: data files "
           "of bytes are read into i32 or f32 exactly";
  return "";
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// Whether plans, checkpoints and messages can hold `name`: text in UTF-8 that
/// C strings do not cut short.
static bool isName(StringRef name) {
  return !name.empty() && !name.contains('\0') && llvm::json::isUTF8(name);
}

/// Whose name this is, if a state cannot have it; or nothing.
static StringRef findOwner(StringRef name) {
  if (name == "step" || name == train::kAccumulateName || name == "refresh")
    return "a function that the compiler adds";
  if (name == "kernels")
    return "the kernels of a plan";
  if (name == "__metadata__")
    return "what a checkpoint says of itself (safetensors)";
  return {};
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// Why concatenation, slices and padding are not ones that copies can do, or
/// nothing.
static StringRef findUnsupportedCopy(Operation *op) {
  auto isDynamic = [](ArrayRef<int64_t> numbers) {
    return llvm::any_of(numbers, [](int64_t number) {
      return ShapedType::isDynamic(number) || number < 0;
    });
  };
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    if (isDynamic(slice.getStaticOffsets()) ||
        llvm::any_of(slice.getStaticStrides(),
                     [](int64_t stride) { return stride != 1; }) ||
        slice.getSourceType().getRank() != slice.getType().getRank())
      return "a slice has static offsets, steps of 1 and the rank of its "
             "source; drop dims by tensor.collapse_shape behind it";
  } else if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    Value value = pad.getConstantPaddingValue();
    if (isDynamic(pad.getStaticLow()) || isDynamic(pad.getStaticHigh()) ||
        !value ||
        !(matchPattern(value, m_AnyZeroFloat()) ||
          matchPattern(value, m_Zero())))
      return "padding has static extents of 0 or more and is the constant 0; "
             "concatenate a constant instead";
  }
  return {};
}

/// Why no kernel and no library can run the op on its extents, or nothing.
static StringRef findUnsupportedExtents(Operation *op) {
  auto isLarge = [](int64_t extent) { return extent > kMostRows; };
  auto contraction = dyn_cast<ContractionOpInterface>(op);
  if (contraction && contraction.isMatrixProduct()) {
    ContractionDims dims = contraction.getContractionDims();
    if (isLarge(dims.m) || isLarge(dims.n) || isLarge(dims.k))
      return "a product has at most 2^30 rows, columns and terms of a sum; "
             "split it";
    return {};
  }
  auto fusible = dyn_cast<FusionOpInterface>(op);
  bool isCall = fusible && (fusible.getFusionKind() == FusionKind::Call ||
                            fusible.getFusionKind() == FusionKind::Contraction);
  if (isCall)
    for (Value value : op->getOperands())
      if (auto type = dyn_cast<RankedTensorType>(value.getType()))
        if (llvm::any_of(type.getShape(), isLarge))
          return "extents are at most 2^30; split it";
  return {};
}

/// Whether the op is written in a model and becomes a kernel, a call or a view;
/// the others are constants, globals, functions and what a padding holds.
static bool isComputed(Operation *op) {
  StringRef dialect = op->getName().getDialectNamespace();
  return llvm::is_contained({"arith", "math", "tensor"}, dialect) &&
         !isa<tensor::PadOp>(op->getParentOp());
}

/// Whether `value` is elements in a form that no pass reads: sparse, say.
static bool isOddForm(Attribute value) {
  return isa_and_nonnull<ElementsAttr>(value) && !isa<DenseElementsAttr>(value);
}

/// The value of a padding is the one scalar of a model.
static bool isPaddingValue(Operation *op) {
  return isa<arith::ConstantOp>(op) && !op->use_empty() &&
         llvm::all_of(op->getUsers(), llvm::IsaPred<tensor::YieldOp>);
}

/// Whether a session can run a function of this name, or has others call it.
static bool isEntryOfModel(func::FuncOp function) {
  return function.isPrivate() ||
         llvm::is_contained({"loss", "predict", "step"}, function.getSymName());
}

namespace {

/// Checks one module, and reports all that is wrong with it.
class Checker {
public:
  explicit Checker(ModuleOp module) : module(module) {}

  LogicalResult run();

private:
  InFlightDiagnostic report(Operation *op) {
    result = failure();
    return op->emitError("after import: ");
  }
  void check(func::FuncOp function);
  void checkLoss(func::FuncOp function);
  void checkNames(func::FuncOp function, unsigned count, StringRef what,
                  llvm::function_ref<Attribute(unsigned)> getName);
  void check(ml_program::GlobalOp global);
  void checkOp(Operation *op);

  ModuleOp module;
  LogicalResult result = success();
};

} // namespace

/// Data and results are bound by names, which files and messages show.
void Checker::checkNames(func::FuncOp function, unsigned count, StringRef what,
                         llvm::function_ref<Attribute(unsigned)> getName) {
  llvm::StringSet<> names;
  for (unsigned i = 0; i < count; ++i) {
    Attribute attribute = getName(i);
    auto name = dyn_cast_or_null<StringAttr>(attribute);
    if (!attribute)
      continue;
    if (!name || !isName(name.getValue()))
      report(function)
          << what << " " << i << " of '" << function.getSymName()
          << "' has the name " << attribute
          << "; expected a train.name of one or more letters (UTF-8)";
    else if (!names.insert(name.getValue()).second)
      report(function) << "two " << what << "s of '" << function.getSymName()
                       << "' have the name " << name
                       << "; expected a train.name of its own for each";
  }
}

void Checker::checkLoss(func::FuncOp function) {
  auto loss = function.getNumResults() == 0
                  ? RankedTensorType()
                  : dyn_cast<RankedTensorType>(function.getResultTypes()[0]);
  if (!loss || loss.getRank() != 0 || !isa<FloatType>(loss.getElementType()))
    report(function)
        << "the first result of 'loss' is no loss; expected a tensor<f32>: "
           "reduce it with train.reduce";
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    auto name = function.getResultAttrOfType<StringAttr>(i, train::kNameAttr);
    if (name && (name.getValue() == "loss") != (i == 0))
      report(function) << "result " << i << " of 'loss' has the name " << name
                       << "; \"loss\" is the name of the first";
  }
}

void Checker::check(func::FuncOp function) {
  if (!isEntryOfModel(function))
    report(function)
        << "'" << function.getSymName()
        << "' is no entry of a model; expected 'loss', 'predict' or 'step': "
           "rename it, or make it private if others call it";
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes()))
    if (std::string problem = findProblem(type); !problem.empty())
      report(function) << "argument " << index << " of '"
                       << function.getSymName() << "' " << problem;
  checkNames(function, function.getNumArguments(), "argument", [&](unsigned i) {
    return function.getArgAttr(i, train::kNameAttr);
  });
  checkNames(function, function.getNumResults(), "result", [&](unsigned i) {
    return function.getResultAttr(i, train::kNameAttr);
  });
  if (function.getSymName() == "loss")
    checkLoss(function);
  if (!function.getBody().hasOneBlock())
    report(function) << "'" << function.getSymName()
                     << "' must be one block without branches";
}

void Checker::check(ml_program::GlobalOp global) {
  if (!isName(global.getSymName()))
    report(global) << "a state has the name " << global.getSymNameAttr()
                   << "; expected one or more letters (UTF-8)";
  if (StringRef owner = findOwner(global.getSymName()); !owner.empty())
    report(global) << "'@" << global.getSymName() << "' is the name of "
                   << owner << "; rename this state";
  if (std::string problem = findProblem(global.getType()); !problem.empty())
    report(global) << "'@" << global.getSymName() << "' " << problem;
  if (!global.getValueAttr())
    report(global) << "'@" << global.getSymName()
                   << "' has no initial value; expected one in parentheses "
                      "behind the name, such as (#train.kaiming), "
                      "(#train.constant<0.0>) or (dense<...> : "
                   << global.getType() << ")";
  for (StringRef name : {train::kLogicalShapeAttr, train::kCopyOfAttr})
    if (global->hasAttr(name))
      report(global) << "'@" << global.getSymName() << "' has '" << name
                     << "', which the compiler sets; drop it";
  if (isOddForm(global.getValueAttr()))
    report(global) << "'@" << global.getSymName() << "' has the initial value "
                   << global.getValueAttr() << "; expected dense<...>";
  auto value = dyn_cast_or_null<TypedAttr>(global.getValueAttr());
  if (value && value.getType() != global.getType())
    report(global) << "'@" << global.getSymName() << "' has type "
                   << global.getType() << ", but an initial value of type "
                   << value.getType();
}

void Checker::checkOp(Operation *op) {
  if (isa<func::CallOp>(op))
    report(op) << "a call remains; run --inline first (recursion is not "
                  "supported)";
  StringRef dialect = op->getName().getDialectNamespace();
  bool isKnown = llvm::is_contained({"builtin", "func", "arith", "math",
                                     "tensor", "ml_program", "train", "amp"},
                                    dialect);
  if (!isKnown)
    report(op) << "'" << op->getName()
               << "' is not part of a model; expected train, arith, math, "
                  "tensor, ml_program or func";
  if (isComputed(op) && !isa<FusionOpInterface>(op))
    report(op) << "no kernel computes '" << op->getName()
               << "'; write it with other ops";
  if (auto constant = dyn_cast<arith::ConstantOp>(op);
      constant && isOddForm(constant.getValue()))
    report(op) << "a constant has the value " << constant.getValue()
               << "; expected dense<...>";
  if (StringRef problem = findUnsupportedCopy(op); !problem.empty())
    report(op) << "unsupported '" << op->getName() << "': " << problem;
  if (StringRef problem = findUnsupportedExtents(op); !problem.empty())
    report(op) << "unsupported extents of '" << op->getName()
               << "': " << problem;
  for (Type type : op->getResultTypes())
    if (!isPaddingValue(op))
      if (std::string problem = findProblem(type); !problem.empty())
        report(op) << "a result " << problem;
}

LogicalResult Checker::run() {
  module.walk([&](Operation *op) {
    if (auto function = dyn_cast<func::FuncOp>(op))
      check(function);
    else if (auto global = dyn_cast<ml_program::GlobalOp>(op))
      check(global);
    else
      checkOp(op);
  });
  return result;
}

LogicalResult vernier::verifyImport(ModuleOp module) {
  return Checker(module).run();
}
