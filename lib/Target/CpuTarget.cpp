//===- CpuTarget.cpp - The facts of an x86-64 processor
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Target/CpuTarget.h"

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

static constexpr llvm::StringLiteral kTriple = "x86_64-unknown-linux-gnu";

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

//===----------------------------------------------------------------------===//
// What LLVM knows of a CPU
//===----------------------------------------------------------------------===//

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

using Subtarget = std::unique_ptr<llvm::MCSubtargetInfo>;

static Subtarget createSubtarget(const llvm::Target &backend, StringRef cpu,
                                 StringRef features) {
  return Subtarget(
      backend.createMCSubtargetInfo(llvm::Triple(kTriple), cpu, features));
}

/// Whether LLVM knows the CPU. It prints to stderr of its own if a subtarget is
/// made for one that it does not, so that the question comes first.
static bool isCpu(const llvm::Target &backend, StringRef name) {
  Subtarget any = createSubtarget(backend, "", "");
  return any && any->isCPUStringValid(name);
}

/// The feature string of this machine: all that LLVM can ask it for.
static std::string getHostFeatures() {
  SmallVector<std::string> list;
  for (auto &entry : llvm::sys::getHostCPUFeatures())
    list.push_back((entry.second ? "+" : "-") + entry.first().str());
  llvm::sort(list);
  return llvm::join(list, ",");
}

/// What `subtarget` has and the CPU of its name has not ("+"), and the other
/// way round ("-"). Either list is closed under what features imply, so that
/// their order does not matter.
static std::string getDifference(const llvm::MCSubtargetInfo &subtarget,
                                 const llvm::MCSubtargetInfo &plain) {
  SmallVector<std::string> list;
  for (const llvm::SubtargetFeatureKV &feature :
       subtarget.getAllProcessorFeatures()) {
    bool has = subtarget.hasFeature(feature.Value);
    if (has != plain.hasFeature(feature.Value))
      list.push_back((has ? "+" : "-") + std::string(feature.Key));
  }
  llvm::sort(list);
  return llvm::join(list, ",");
}

/// The first feature of the baseline that the CPU lacks, or "".
static StringRef findMissing(const llvm::MCSubtargetInfo &subtarget) {
  for (StringRef feature : kBaseline)
    if (!subtarget.checkFeatures(("+" + feature).str()))
      return feature;
  return "";
}

//===----------------------------------------------------------------------===//
// CpuTarget
//===----------------------------------------------------------------------===//

CpuTarget::CpuTarget(StringRef cpu, std::string features)
    : TargetModel(Kind::Cpu, ("cpu:" + cpu).str(), std::move(features)) {}

llvm::Expected<std::unique_ptr<TargetModel>>
CpuTarget::parse(StringRef spelling, StringRef cpuName, StringRef features) {
  initializeBackend();
  std::string error;
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(llvm::Triple(kTriple), error);
  if (!backend)
    return makeError("this build of LLVM cannot generate code for x86-64: " +
                     error);
  bool isNative = cpuName == "native";
  std::string cpu = isNative          ? llvm::sys::getHostCPUName().str()
                    : cpuName.empty() ? "x86-64-v3"
                                      : cpuName.str();
  if (!isCpu(*backend, cpu))
    return makeError("unknown CPU '" + cpu + "' in target '" + spelling +
                     "': expected native, x86-64-v3, x86-64-v4 or a name that "
                     "LLVM knows" +
                     suggestCpu(cpu));
  Subtarget plain = createSubtarget(*backend, cpu, "");
  Subtarget subtarget = createSubtarget(
      *backend, cpu, isNative ? getHostFeatures() : features.str());
  if (StringRef missing = findMissing(*subtarget); !missing.empty())
    return makeError("target '" + spelling + "' lacks " + missing +
                     ", which generated code needs: use cpu:x86-64-v3 or a "
                     "newer CPU");

  std::unique_ptr<CpuTarget> model(
      new CpuTarget(cpu, getDifference(*subtarget, *plain)));
  auto has = [&](StringRef feature) {
    return subtarget->checkFeatures(("+" + feature).str());
  };
  for (StringRef feature : kBaseline)
    model->requiredFeatures.push_back(feature.str());
  for (StringRef feature : kOptional)
    if (has(feature))
      model->requiredFeatures.push_back(feature.str());
  model->hasAvx512 =
      subtarget->checkFeatures("+avx512f,+avx512bw,+avx512dq,+avx512vl");
  model->hasBf16 = model->hasAvx512 && has("avx512bf16");
  return std::unique_ptr<TargetModel>(std::move(model));
}

StringRef CpuTarget::getTriple() const { return kTriple; }

StringRef CpuTarget::getCpu() const { return getName().split(':').second; }

llvm::Error CpuTarget::checkDevice() const { return llvm::Error::success(); }

std::vector<std::string> CpuTarget::getRequiredFeatures() const {
  return requiredFeatures;
}

bool CpuTarget::hasNativeContraction(Type type) const {
  return type.isF32() || (type.isBF16() && hasBf16);
}

int64_t CpuTarget::getLeadingDimensionMultiple(Type type) const {
  // A CPU has no tensor cores; oneDNN packs its operands itself. It has the
  // numbers of a GPU so that the pass and its results can be tested anywhere.
  if (isa<Float8E4M3FNType, Float8E5M2Type>(type))
    return 16;
  if (type.isF16() || type.isBF16())
    return 8;
  return type.isTF32() ? 4 : 1;
}

double CpuTarget::getTensorCoreRate(Type) const { return 0; }

double CpuTarget::getMemoryBandwidth() const { return 0; }

double CpuTarget::getMisalignedSlowdown() const { return 1; }

int64_t CpuTarget::getBufferAlignment() const {
  // A cache line, and the widest vector.
  return 64;
}

int64_t CpuTarget::getVectorWidth() const { return hasAvx512 ? 16 : 8; }
