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

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

llvm::Expected<TargetModel> TargetModel::parse(StringRef spelling) {
  auto [device, cpuName] = spelling.split(':');
  if (device != "cpu")
    return makeError("unknown target '" + spelling +
                     "': expected cpu, cpu:native or cpu:NAME, such as "
                     "cpu:x86-64-v3");
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();

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

  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      target->createMCSubtargetInfo(triple, model.cpu, model.features));
  if (!subtarget || !subtarget->isCPUStringValid(model.cpu))
    return makeError("unknown CPU '" + model.cpu + "' in target '" + spelling +
                     "': expected native, x86-64-v3, x86-64-v4 or a name that "
                     "LLVM knows");
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

bool TargetModel::hasNativeContraction(Type type) const {
  return type.isF32() || (type.isBF16() && hasBf16);
}

int64_t TargetModel::getLeadingDimensionMultiple(Type type) const {
  // A CPU has no tensor cores; oneDNN packs its operands itself. The numbers
  // are those of a GPU so that the pass and its results can be tested anywhere.
  if (type.isF16() || type.isBF16())
    return 8;
  return type.isF32() ? 4 : 1;
}
