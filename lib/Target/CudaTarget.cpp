//===- CudaTarget.cpp - The facts of an NVIDIA GPU
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Target/CudaTarget.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vernier;

struct CudaTarget::Facts {
  llvm::StringLiteral architecture;
  /// 10^12 FLOP/s, dense, sums in f32; 0: the tensor cores do not take the
  /// type. f8 are E4M3 and E5M2, which have one rate.
  double f16, bf16, tf32, f8;
  double bandwidth;    ///< 10^9 bytes/s
  int64_t accessBytes; ///< of one instruction of one thread
};

/// The usual training card of each architecture. Rates without sparsity, as in
/// NVIDIA's data sheets: V100 SXM2, T4, A100 40GB, A10, L40S, H100 SXM5, B200
/// (HGX, 1000 W); for sm_120 the RTX 5090 of "NVIDIA RTX Blackwell GPU
/// Architecture". Which types there are at all: CUDA C++ Programming Guide,
/// "Tensor Core Input Data Types" by compute capability. Accesses of 32 bytes:
/// PTX ISA 8.8, `ld.global.v8.b32`, from sm_100 on.
static constexpr CudaTarget::Facts kFacts[] = {
    {"sm_70", 125, 0, 0, 0, 900, 16},
    {"sm_75", 65, 0, 0, 0, 320, 16},
    {"sm_80", 312, 312, 156, 0, 1555, 16},
    {"sm_86", 125, 125, 62.5, 0, 600, 16},
    {"sm_89", 362, 362, 183, 733, 864, 16},
    {"sm_90", 989, 989, 494, 1979, 3350, 16},
    {"sm_100", 2250, 2250, 1100, 4500, 8000, 32},
    {"sm_120", 209.5, 209.5, 104.8, 419, 1792, 32}};

static bool isFloat8(Type type) {
  return isa<Float8E4M3FNType, Float8E5M2Type>(type);
}

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

CudaTarget::CudaTarget(const Facts &facts)
    : TargetModel(Kind::Cuda, ("cuda:" + facts.architecture).str()),
      facts(facts) {}

llvm::Expected<std::unique_ptr<TargetModel>>
CudaTarget::parse(StringRef spelling, StringRef architecture) {
  for (const Facts &facts : kFacts)
    if (facts.architecture == architecture)
      return std::unique_ptr<TargetModel>(new CudaTarget(facts));
  auto names = llvm::map_range(
      kFacts, [](const Facts &facts) { return facts.architecture; });
  return makeError("unknown GPU in target '" + spelling +
                   "': expected cuda:NAME with " + llvm::join(names, ", "));
}

llvm::Error CudaTarget::checkDevice() const {
  return makeError("target '" + getName() +
                   "' has no device that could run a plan: its facts serve "
                   "decisions up to --emit=step; use cpu, cpu:native or "
                   "cpu:NAME");
}

std::vector<std::string> CudaTarget::getRequiredFeatures() const {
  return {facts.architecture.str()};
}

bool CudaTarget::hasNativeContraction(Type type) const {
  return type.isF32() || getTensorCoreRate(type) > 0;
}

int64_t CudaTarget::getLeadingDimensionMultiple(Type type) const {
  // Rows that begin at multiples of 16 bytes (NVIDIA cuBLAS documentation,
  // "Tensor Core Usage").
  constexpr int64_t kRowBits = 16 * 8;
  if (getTensorCoreRate(type) == 0)
    return 1;
  return kRowBits / (type.isTF32() ? 32 : type.getIntOrFloatBitWidth());
}

double CudaTarget::getTensorCoreRate(Type type) const {
  double rate = type.isF16()     ? facts.f16
                : type.isBF16()  ? facts.bf16
                : type.isTF32()  ? facts.tf32
                : isFloat8(type) ? facts.f8
                                 : 0;
  return rate * 1e12;
}

double CudaTarget::getMemoryBandwidth() const { return facts.bandwidth * 1e9; }

double CudaTarget::getMisalignedSlowdown() const {
  // (1157 x 4096) (4096 x 1157), the left operand transposed, in 16 bits on a
  // B200: 99.08 us as it is, 61.01 us padded (pytorch/pytorch#196992). No
  // number is published for the other cards, so that this one stands for all
  // until one is measured.
  return 99.08 / 61.01;
}

int64_t CudaTarget::getBufferAlignment() const {
  // What cudaMalloc aligns to (CUDA C++ Programming Guide, "Device Memory
  // Accesses"), and what cuBLASLt asks of a workspace.
  return 256;
}

int64_t CudaTarget::getVectorWidth() const {
  return facts.accessBytes / int64_t(sizeof(float));
}
