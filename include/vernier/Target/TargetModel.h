//===- TargetModel.h - Hardware facts that passes ask for
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TARGET_TARGETMODEL_H
#define VERNIER_TARGET_TARGETMODEL_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace vernier {

/// What a device can do. Passes ask this class, never a constant of their own.
class TargetModel {
public:
  /// Parse `cpu` (portable x86-64-v3), `cpu:native`, or `cpu:NAME` with an LLVM
  /// x86-64 CPU name (`x86-64-v4`, `znver5`, ...); or `cuda:sm_NN`, a GPU that
  /// passes know facts of though no device runs its plans yet. The error names
  /// what is missing and what would do.
  static llvm::Expected<TargetModel> parse(llvm::StringRef spelling);
  /// The same for those that make kernels and plans: a GPU is an error.
  static llvm::Expected<TargetModel> parseDevice(llvm::StringRef spelling);

  /// The canonical spelling, `cpu:x86-64-v3`; `native` is resolved to the name
  /// and features of the machine.
  llvm::StringRef getName() const { return name; }
  llvm::StringRef getTriple() const { return triple; }
  llvm::StringRef getCpu() const { return cpu; }
  /// LLVM's feature string, "+avx2,+fma,...", sorted.
  llvm::StringRef getFeatures() const { return features; }
  /// The features that the machine must have to run the code, by the names of
  /// /proc/cpuinfo: {"avx2", "fma", "f16c", ...}.
  const std::vector<std::string> &getRequiredFeatures() const {
    return requiredFeatures;
  }

  /// f32 lanes of one vector register.
  int64_t getVectorWidth() const { return vectorWidth; }
  /// Whether contractions multiply operands of `type` natively: f32 always;
  /// tf32, f16, bf16 and f8 where the GPU's tensor cores take them; bf16 on a
  /// CPU with AVX512-BF16 or AMX. What is not native is computed in f32 with
  /// the roundings of the IR.
  bool hasNativeContraction(mlir::Type type) const;
  /// Elements that leading dimensions of `type` should be a multiple of for the
  /// tensor cores: 16 for f8, 8 for 16 bits, 4 for tf32, 1 where there is
  /// nothing to gain.
  int64_t getLeadingDimensionMultiple(mlir::Type type) const;
  /// FLOP/s of the tensor cores on dense operands of `type`; 0 where they do
  /// not take it (f32 is not tf32), and on CPUs.
  double getTensorCoreRate(mlir::Type type) const;
  /// Bytes that the memory moves in a second; 0 where it is not known.
  double getMemoryBandwidth() const;
  /// How many times as long a product takes whose rows do not begin at
  /// multiples of 16 bytes.
  double getMisalignedSlowdown() const;
  /// Bytes that every buffer is aligned to.
  int64_t getBufferAlignment() const { return 64; }

  /// What is published of a GPU.
  struct Gpu;

private:
  static llvm::Expected<TargetModel> parseGpu(llvm::StringRef spelling,
                                              llvm::StringRef name);

  const Gpu *gpu = nullptr;
  std::string name, triple, cpu, features;
  std::vector<std::string> requiredFeatures;
  int64_t vectorWidth = 8;
  bool hasBf16 = false;
};

} // namespace vernier

#endif // VERNIER_TARGET_TARGETMODEL_H
