//===- Explain.cpp - What ran in which precision, and why
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/Explain.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

namespace vernier::amp {
#define GEN_PASS_DEF_AMPEXPLAINPASS
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"
} // namespace vernier::amp

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

static std::string typeName(Type type) {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << type;
  return name;
}

/// "encoder.linear model.mlir:12:5": where the op stands in the model, not
/// where it was called from, and without names that only repeat an op's own.
static std::string locationText(Location location) {
  if (auto call = dyn_cast<CallSiteLoc>(location))
    return locationText(call.getCallee());
  if (auto file = dyn_cast<FileLineColLoc>(location))
    return llvm::formatv(
        "{0}:{1}:{2}", llvm::sys::path::filename(file.getFilename().getValue()),
        file.getLine(), file.getColumn());
  if (auto fused = dyn_cast<FusedLoc>(location))
    return fused.getLocations().empty()
               ? ""
               : locationText(fused.getLocations().front());
  auto name = dyn_cast<NameLoc>(location);
  if (!name)
    return "";
  std::string child = locationText(name.getChildLoc());
  StringRef text = name.getName().getValue();
  if (RegisteredOperationName::lookup(text, location.getContext()))
    return child;
  return child.empty() ? text.str() : text.str() + " " + child;
}

/// The element type of the first floating tensor among `types`, or nothing.
static std::string getFloatName(TypeRange types) {
  for (Type type : types)
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      if (isa<FloatType>(tensor.getElementType()))
        return typeName(tensor.getElementType());
  return "";
}

/// Loads, stores, constants and returns move values, and integers have no
/// precision: they decide nothing.
static bool hasRow(Operation *op) {
  if (op->hasTrait<OpTrait::ConstantLike>())
    return false;
  if (op->hasAttr(kPrecisionAttr))
    return true;
  bool hasFloats = !getFloatName(op->getOperandTypes()).empty() ||
                   !getFloatName(op->getResultTypes()).empty();
  return hasFloats && isa<CostOpInterface>(op);
}

/// The types that `op` has, where no decision says more.
static void setTypes(DecisionRow &row, Operation *op) {
  row.result = getFloatName(op->getResultTypes());
  row.operand = getFloatName(op->getOperandTypes());
  if (row.operand.empty())
    row.operand = row.result;
  if (row.result.empty())
    row.result = row.operand;
  if (auto tf32 = op->getAttrOfType<UnitAttr>("tf32"))
    row.operand = "tf32";
  bool isF64 = row.operand == "f64" || row.result == "f64";
  row.accumulate = isF64 ? "f64" : "f32";
}

/// What backward ops inherit from the forward op at their location.
using ForwardRules = DenseMap<Location, std::pair<StringRef, PrecisionAttr>>;

static DecisionRow getRow(Operation *op, const ForwardRules &forwardRules) {
  DecisionRow row;
  row.op = op->getName().getStringRef().str();
  row.location = locationText(op->getLoc());
  row.isBackward = op->hasAttr(train::kBackwardAttr);
  if (auto cost = dyn_cast<CostOpInterface>(op)) {
    row.flops = cost.getFlops();
    row.bytes = cost.getBytes();
  } else {
    row.bytes = ::vernier::detail::countOperandAndResultBytes(op);
  }

  auto precision = op->getAttrOfType<PrecisionAttr>(kPrecisionAttr);
  if (precision && !row.isBackward) {
    row.operand = typeName(precision.getOperand());
    row.accumulate = typeName(precision.getAccumulate());
    row.result = typeName(precision.getResult());
    row.rule = precision.getRule().str();
    row.reason = precision.getReason().str();
    return row;
  }
  setTypes(row, op);
  if (row.isBackward) {
    auto [forward, rule] = forwardRules.lookup(op->getLoc());
    row.rule = rule ? rule.getRule().str() : "backward";
    row.reason =
        rule ? "gradient of " + forward.str() + ": follows its forward op"
             : "gradient: follows its forward op";
  } else if (isa<arith::ExtFOp, arith::TruncFOp>(op)) {
    row.rule = "cast";
    row.reason = row.operand + " to " + row.result;
  } else {
    row.rule = "step";
    row.reason = isa<AmpDialect>(op->getDialect())
                     ? "loss scaling computes in f32"
                     : "the state of training is f32";
  }
  return row;
}

static void collect(FunctionOpInterface function,
                    std::vector<DecisionRow> &rows) {
  ForwardRules forwardRules;
  function.walk([&](Operation *op) {
    auto precision = op->getAttrOfType<PrecisionAttr>(kPrecisionAttr);
    if (precision && !op->hasAttr(train::kBackwardAttr))
      forwardRules.try_emplace(op->getLoc(), op->getName().getStringRef(),
                               precision);
  });
  function.walk([&](Operation *op) {
    if (!hasRow(op))
      return;
    rows.push_back(getRow(op, forwardRules));
    rows.back().function = function.getName().str();
  });
}

std::vector<DecisionRow> amp::collectDecisions(ModuleOp module) {
  std::vector<DecisionRow> rows;
  bool hasStep = module.lookupSymbol("step") != nullptr;
  for (auto function : module.getOps<FunctionOpInterface>())
    if (function.isPublic() && !function.isExternal() &&
        !(hasStep && function.getName() == "loss"))
      collect(function, rows);
  return rows;
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

/// "2.10M", for counts of operations and bytes.
static std::string abbreviate(int64_t count) {
  static constexpr const char *suffixes[] = {"", "k", "M", "G", "T", "P"};
  double value = count;
  unsigned power = 0;
  for (; value >= 1000 && power + 1 < std::size(suffixes); ++power)
    value /= 1000;
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::format(power == 0 ? "%.0f" : "%.2f", value) << suffixes[power];
  return text;
}

namespace {

/// Ops, FLOPs and bytes of one operand type.
struct Total {
  int64_t ops = 0, flops = 0, bytes = 0;
};

} // namespace

static double percent(int64_t part, int64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * part / whole;
}

static void printTotals(ArrayRef<DecisionRow> rows, llvm::raw_ostream &os) {
  llvm::MapVector<StringRef, Total> totals;
  Total whole;
  for (const DecisionRow &row : rows) {
    for (Total *total : {&totals[row.operand], &whole}) {
      total->ops += 1;
      total->flops += row.flops;
      total->bytes += row.bytes;
    }
  }
  for (auto &[type, total] : totals)
    os << llvm::format(
        "  %-5s %6lld ops  %8s FLOPs (%5.1f%%)  %8sB (%5.1f%%)\n",
        type.empty() ? "other" : type.str().c_str(),
        static_cast<long long>(total.ops), abbreviate(total.flops).c_str(),
        percent(total.flops, whole.flops), abbreviate(total.bytes).c_str(),
        percent(total.bytes, whole.bytes));
}

static void printFunction(ArrayRef<DecisionRow> rows, llvm::raw_ostream &os) {
  size_t opWidth = 2, locationWidth = 8;
  for (const DecisionRow &row : rows) {
    opWidth = std::max(opWidth, row.op.size());
    locationWidth = std::max(locationWidth, row.location.size());
  }
  auto printLine = [&](StringRef op, StringRef operand, StringRef accumulate,
                       StringRef result, StringRef flops, StringRef bytes,
                       StringRef location, const Twine &why) {
    os << "  " << llvm::left_justify(op, opWidth) << "  "
       << llvm::left_justify(operand, 7) << "  "
       << llvm::left_justify(accumulate, 8) << "  "
       << llvm::left_justify(result, 6) << "  " << llvm::right_justify(flops, 8)
       << "  " << llvm::right_justify(bytes, 8) << "  "
       << llvm::left_justify(location, locationWidth) << "  " << why << "\n";
  };
  os << "@" << rows.front().function << "\n";
  printLine("op", "operand", "computed", "result", "FLOPs", "bytes", "location",
            "rule: why");
  for (const DecisionRow &row : rows)
    printLine(row.op, row.operand, row.accumulate, row.result,
              abbreviate(row.flops), abbreviate(row.bytes), row.location,
              row.rule + "; " + row.reason);
  printTotals(rows, os);
}

void amp::printDecisions(ArrayRef<DecisionRow> rows, llvm::raw_ostream &os) {
  while (!rows.empty()) {
    ArrayRef<DecisionRow> function =
        rows.take_while([&](const DecisionRow &row) {
          return row.function == rows.front().function;
        });
    printFunction(function, os);
    rows = rows.drop_front(function.size());
    if (!rows.empty())
      os << "\n";
  }
}

namespace {

struct ExplainPass : amp::impl::AmpExplainPassBase<ExplainPass> {
  void runOnOperation() override {
    printDecisions(collectDecisions(getOperation()), llvm::errs());
    markAllAnalysesPreserved();
  }
};

} // namespace
