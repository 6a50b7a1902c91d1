//===- Remarks.cpp - What passes say of their decisions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Remarks.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace {

/// MLIR's own form lists keys and values; this one is a sentence.
class RemarkPrinter : public remark::detail::MLIRRemarkStreamerBase {
public:
  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    InFlightDiagnostic diagnostic = emitRemark(remark.getLocation());
    diagnostic << "[" << remark.getCategoryName() << "]";
    bool isFirst = true;
    for (const auto &[key, value, attribute] : remark.getArgs()) {
      if (key == "Remark" || (key == "Reason" && isFirst))
        diagnostic << " " << value;
      else if (key == "Reason")
        diagnostic << " (" << value << ")";
      else
        diagnostic << " " << key << "=" << value;
      isFirst = false;
    }
  }
};

} // namespace

void vernier::printRemarks(MLIRContext &context, llvm::StringRef categories) {
  if (categories.empty())
    return;
  remark::RemarkCategories enabled;
  enabled.passed = enabled.missed = enabled.analysis = enabled.failed =
      categories.str();
  // Fails if there is an engine already, which there is not.
  (void)remark::enableOptimizationRemarks(
      context, std::make_unique<RemarkPrinter>(),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), enabled);
}
