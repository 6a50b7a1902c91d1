//===- TargetModel.cpp - Hardware facts that passes ask for
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Target/TargetModel.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <mutex>

using namespace mlir;
using namespace vernier;

/// The features that generated code relies on everywhere: 8-wide vectors, fused
/// multiply-add and conversions between f16 and f32.
static constexpr llvm::StringLiteral kBaseline[] = {"avx2", "fma", "f16c"};

/// Features that LLVM uses in our kernels where the CPU has them, and that must
/// be checked on the machine that runs the plan.
static constexpr llvm::StringLiteral kOptional[] = {
    "avx512f",    "avx512bw",           "avx512dq",     "avx512vl",
    "avx512cd",   "avx512ifma",         "avx512vbmi",   "avx512vbmi2",
    "avx512vnni", "avx512bf16",         "avx512bitalg", "avx512vpopcntdq",
    "avx512fp16", "avx512vp2intersect", "avxvnni",      "gfni",
    "bmi2"};

struct TargetModel::Gpu {
  llvm::StringLiteral name;
  /// 10^12 FLOP/s, dense, sums in f32; 0: the tensor cores do not take the
  /// type. f8 are E4M3 and E5M2, which have one rate.
  double f16, bf16, tf32, f8;
  double bandwidth; ///< 10^9 bytes/s
};

/// The usual training card of each architecture. Rates without sparsity, as in
/// NVIDIA's data sheets: V100 SXM2, T4, A100 40GB, A10, L40S, H100 SXM5, B200
/// (HGX, 1000 W); for sm_120 the RTX 5090 of "NVIDIA RTX Blackwell GPU
/// Architecture". Which types there are at all: CUDA C++ Programming Guide,
/// "Tensor Core Input Data Types" by compute capability.
static constexpr TargetModel::Gpu kGpus[] = {
    {"sm_70", 125, 0, 0, 0, 900},
    {"sm_75", 65, 0, 0, 0, 320},
    {"sm_80", 312, 312, 156, 0, 1555},
    {"sm_86", 125, 125, 62.5, 0, 600},
    {"sm_89", 362, 362, 183, 733, 864},
    {"sm_90", 989, 989, 494, 1979, 3350},
    {"sm_100", 2250, 2250, 1100, 4500, 8000},
    {"sm_120", 209.5, 209.5, 104.8, 419, 1792}};

static bool isFloat8(Type type) {
  return isa<Float8E4M3FNType, Float8E5M2Type>(type);
}

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Once in a process, and by one thread: passes that run side by side ask.
static void initializeBackend() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  });
}

/// Whether the CPU has what generated code needs.
static bool hasBaseline(StringRef cpu) {
  SmallVector<StringRef> features;
  llvm::X86::getFeaturesForCPU(cpu, features);
  return llvm::all_of(kBaseline, [&](StringRef feature) {
    return llvm::is_contained(features, feature);
  });
}

/// "; did you mean 'cpu:znver4'?", or nothing if no CPU that would do is near.
static std::string suggestCpu(StringRef name) {
  SmallVector<StringRef> known;
  llvm::X86::fillValidCPUArchList(known, /*Only64Bit=*/true);
  llvm::erase_if(known, [](StringRef cpu) { return !hasBaseline(cpu); });
  known.push_back("native");
  auto distance = [&](StringRef cpu) {
    return name.edit_distance_insensitive(cpu);
  };
  StringRef nearest = *llvm::min_element(known, [&](StringRef a, StringRef b) {
    return distance(a) < distance(b);
  });
  if (distance(nearest) > std::max<size_t>(2, name.size() / 3))
    return "";
  return ("; did you mean 'cpu:" + nearest + "'?").str();
}

/// Whether LLVM knows the CPU. It prints to stderr of its own if a subtarget is
/// made for one that it does not, so that the question comes first.
static bool isCpu(const llvm::Target &target, const llvm::Triple &triple,
                  StringRef name) {
  std::unique_ptr<llvm::MCSubtargetInfo> any(
      target.createMCSubtargetInfo(triple, "", ""));
  return any && any->isCPUStringValid(name);
}

llvm::Expected<TargetModel> TargetModel::parseGpu(StringRef spelling,
                                                  StringRef name) {
  TargetModel model;
  for (const Gpu &gpu : kGpus)
    if (gpu.name == name)
      model.gpu = &gpu;
  if (!model.gpu)
    return makeError(
        "unknown GPU in target '" + spelling + "': expected cuda:NAME with " +
        llvm::join(llvm::map_range(kGpus, [](auto &gpu) { return gpu.name; }),
                   ", "));
  model.name = spelling.str();
  return model;
}

llvm::Expected<TargetModel> TargetModel::parse(StringRef spelling) {
  auto [device, cpuName] = spelling.split(':');
  if (device == "cuda")
    return parseGpu(spelling, cpuName);
  if (device != "cpu" || spelling.ends_with(":"))
    return makeError("unknown target '" + spelling +
                     "': expected cpu, cpu:native or cpu:NAME, such as "
                     "cpu:x86-64-v3");
  initializeBackend();

  TargetModel model;
  model.triple = "x86_64-unknown-linux-gnu";
  llvm::Triple triple(model.triple);
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return makeError("this build of LLVM cannot generate code for x86-64: " +
                     error);
  if (cpuName.empty())
    cpuName = "x86-64-v3";
  model.cpu =
      cpuName == "native" ? llvm::sys::getHostCPUName().str() : cpuName.str();
  SmallVector<std::string> featureList;
  if (cpuName == "native")
    for (auto &entry : llvm::sys::getHostCPUFeatures())
      featureList.push_back((entry.second ? "+" : "-") + entry.first().str());
  llvm::sort(featureList);
  model.features = llvm::join(featureList, ",");

  if (!isCpu(*target, triple, model.cpu))
    return makeError("unknown CPU '" + model.cpu + "' in target '" + spelling +
                     "': expected native, x86-64-v3, x86-64-v4 or a name that "
                     "LLVM knows" +
                     suggestCpu(model.cpu));
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      target->createMCSubtargetInfo(triple, model.cpu, model.features));
  for (StringRef feature : kBaseline) {
    if (!subtarget->checkFeatures(("+" + feature).str()))
      return makeError("target '" + spelling + "' lacks " + feature +
                       ", which generated code needs: use cpu:x86-64-v3 or a "
                       "newer CPU");
    model.requiredFeatures.push_back(feature.str());
  }
  for (StringRef feature : kOptional)
    if (subtarget->checkFeatures(("+" + feature).str()))
      model.requiredFeatures.push_back(feature.str());
  bool hasAvx512 =
      subtarget->checkFeatures("+avx512f,+avx512bw,+avx512dq,+avx512vl");
  model.vectorWidth = hasAvx512 ? 16 : 8;
  model.hasBf16 = hasAvx512 && subtarget->checkFeatures("+avx512bf16");
  model.name = "cpu:" + model.cpu;
  return model;
}

llvm::Expected<TargetModel> TargetModel::parseDevice(StringRef spelling) {
  llvm::Expected<TargetModel> model = parse(spelling);
  if (model && model->gpu)
    return makeError("target '" + spelling +
                     "' has no device that could run a plan: its facts serve "
                     "decisions up to --emit=step; use cpu, cpu:native or "
                     "cpu:NAME");
  return model;
}

bool TargetModel::hasNativeContraction(Type type) const {
  if (gpu)
    return type.isF32() || getTensorCoreRate(type) > 0;
  return type.isF32() || (type.isBF16() && hasBf16);
}

int64_t TargetModel::getLeadingDimensionMultiple(Type type) const {
  if (gpu && getTensorCoreRate(type) == 0)
    return 1;
  // 16 bytes (NVIDIA cuBLAS documentation, "Tensor Core Usage"). A CPU has no
  // tensor cores; oneDNN packs its operands itself. It has the numbers of a GPU
  // so that the pass and its results can be tested anywhere.
  if (isFloat8(type))
    return 16;
  if (type.isF16() || type.isBF16())
    return 8;
  return type.isTF32() ? 4 : 1;
}

double TargetModel::getTensorCoreRate(Type type) const {
  if (!gpu)
    return 0;
  double rate = type.isF16()     ? gpu->f16
                : type.isBF16()  ? gpu->bf16
                : type.isTF32()  ? gpu->tf32
                : isFloat8(type) ? gpu->f8
                                 : 0;
  return rate * 1e12;
}

double TargetModel::getMemoryBandwidth() const {
  return gpu ? gpu->bandwidth * 1e9 : 0;
}

double TargetModel::getMisalignedSlowdown() const {
  // (1157 x 4096) (4096 x 1157), the left operand transposed, in 16 bits on a
  // B200: 99.08 us as it is, 61.01 us padded (pytorch/pytorch#196992). No
  // number is published for the other cards, so that this one stands for all
  // until one is measured.
  return gpu ? 99.08 / 61.01 : 1.0;
}
