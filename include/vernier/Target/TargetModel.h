//===- TargetModel.h - What passes ask of the device
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

#include <memory>
#include <string>
#include <vector>

namespace vernier {

/// The facts of one device, as questions. Passes ask them, never a constant of
/// their own and never which device it is; a backend, which is made for one,
/// casts to its class. Immutable, so that any thread may ask.
class TargetModel {
public:
  enum class Kind { Cpu, Cuda };

  /// The model of `cpu` (portable x86-64-v3), `cpu:native`, or `cpu:NAME` with
  /// an LLVM x86-64 CPU name (`x86-64-v4`, `znver5`, ...); or of `cuda:sm_NN`,
  /// a GPU that passes know facts of though no device runs its plans yet.
  /// `features`: how a CPU differs from others of its name, as getFeatures()
  /// says it. The error names what is missing and what would do.
  static llvm::Expected<std::unique_ptr<TargetModel>>
  parse(llvm::StringRef spelling, llvm::StringRef features = "");

  virtual ~TargetModel();

  Kind getKind() const { return kind; }
  /// The canonical spelling, `cpu:x86-64-v3`; `native` is resolved to the name
  /// of the machine's CPU.
  llvm::StringRef getName() const { return name; }
  /// LLVM's feature string, "+avx512fp16,-sse4a", sorted: what there is beyond
  /// the name, and what is missing. parse(getName(), getFeatures()) is an equal
  /// model on every machine.
  llvm::StringRef getFeatures() const { return features; }

  /// Success if a runtime has a device for plans of this target; the error says
  /// up to which stage its facts serve.
  virtual llvm::Error checkDevice() const = 0;
  /// What a machine must have to run the code, by the names that the device
  /// reports its own by: {"avx2", "fma", "f16c", ...} of /proc/cpuinfo,
  /// {"sm_80"}.
  virtual std::vector<std::string> getRequiredFeatures() const = 0;

  /// Whether contractions multiply operands of `type` natively and sum in f32:
  /// f32 always; tf32, f16, bf16 and f8 where the GPU's tensor cores take them;
  /// bf16 on a CPU with AVX512-BF16. What is not native is computed in f32 with
  /// the roundings of the IR.
  virtual bool hasNativeContraction(mlir::Type type) const = 0;
  /// Elements that leading dimensions of `type` should be a multiple of for the
  /// tensor cores: 16 for f8, 8 for 16 bits, 4 for tf32, 1 where there is
  /// nothing to gain.
  virtual int64_t getLeadingDimensionMultiple(mlir::Type type) const = 0;
  /// FLOP/s of the tensor cores on dense operands of `type`; 0 where they do
  /// not take it (f32 is not tf32), and on CPUs.
  virtual double getTensorCoreRate(mlir::Type type) const = 0;

  /// Bytes that the memory moves in a second; 0 where it is not known.
  virtual double getMemoryBandwidth() const = 0;
  /// How many times as long a product takes whose rows do not begin at
  /// multiples of 16 bytes.
  virtual double getMisalignedSlowdown() const = 0;
  /// Bytes that every buffer, state and constant is aligned to.
  virtual int64_t getBufferAlignment() const = 0;
  /// f32 elements that one thread loads, computes and stores at once: the lanes
  /// of a vector register, or of the widest access to memory.
  virtual int64_t getVectorWidth() const = 0;

protected:
  TargetModel(Kind kind, std::string name, std::string features = "")
      : kind(kind), name(std::move(name)), features(std::move(features)) {}

private:
  Kind kind;
  std::string name, features;
};

} // namespace vernier

#endif // VERNIER_TARGET_TARGETMODEL_H
