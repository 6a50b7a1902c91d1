//===- CudaTarget.h - The facts of an NVIDIA GPU
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TARGET_CUDATARGET_H
#define VERNIER_TARGET_CUDATARGET_H

#include "vernier/Target/TargetModel.h"

namespace vernier {

/// A GPU by its architecture, sm_80, with the numbers of its usual training
/// card.
class CudaTarget : public TargetModel {
public:
  /// What is published of one architecture.
  struct Facts;

  /// The architecture `architecture`; `spelling` is what messages quote.
  static llvm::Expected<std::unique_ptr<TargetModel>>
  parse(llvm::StringRef spelling, llvm::StringRef architecture);

  static bool classof(const TargetModel *model) {
    return model->getKind() == Kind::Cuda;
  }

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
  explicit CudaTarget(const Facts &facts);

  const Facts &facts;
};

} // namespace vernier

#endif // VERNIER_TARGET_CUDATARGET_H
