//===- CpuTarget.h - The facts of an x86-64 processor
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TARGET_CPUTARGET_H
#define VERNIER_TARGET_CPUTARGET_H

#include "vernier/Target/TargetModel.h"

namespace vernier {

/// An x86-64 processor by the name that LLVM gives it, with AVX2, FMA and F16C
/// at least.
class CpuTarget : public TargetModel {
public:
  /// The CPU `cpu`, "" (x86-64-v3) or "native", that differs from others of its
  /// name by `features`; `spelling` is what messages quote.
  static llvm::Expected<std::unique_ptr<TargetModel>>
  parse(llvm::StringRef spelling, llvm::StringRef cpu,
        llvm::StringRef features);

  static bool classof(const TargetModel *model) {
    return model->getKind() == Kind::Cpu;
  }

  /// What LLVM makes code for: triple, CPU and getFeatures().
  llvm::StringRef getTriple() const;
  llvm::StringRef getCpu() const;

  llvm::Error checkDevice() const override;
  std::vector<std::string> getRequiredFeatures() const override;
  bool hasNativeContraction(mlir::Type type) const override;
  int64_t getLeadingDimensionMultiple(mlir::Type type) const override;
  double getTensorCoreRate(mlir::Type type) const override;
  double getMemoryBandwidth() const override;
  double getMisalignedSlowdown() const override;
  int64_t getBufferAlignment() const override;
  int64_t getVectorWidth() const override;

private:
  CpuTarget(llvm::StringRef cpu, std::string features);

  std::vector<std::string> requiredFeatures;
  bool hasAvx512 = false, hasBf16 = false;
};

} // namespace vernier

#endif // VERNIER_TARGET_CPUTARGET_H
