//===- TargetModel.cpp - What passes ask of the device
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Target/TargetModel.h"
#include "vernier/Target/CpuTarget.h"
#include "vernier/Target/CudaTarget.h"

#include "llvm/ADT/Twine.h"

using namespace vernier;

TargetModel::~TargetModel() = default;

llvm::Expected<std::unique_ptr<TargetModel>>
TargetModel::parse(llvm::StringRef spelling, llvm::StringRef features) {
  auto [device, name] = spelling.split(':');
  if (device == "cuda")
    return CudaTarget::parse(spelling, name);
  if (device == "cpu" && !spelling.ends_with(":"))
    return CpuTarget::parse(spelling, name, features);
  return llvm::createStringError(
      llvm::inconvertibleErrorCode(),
      "unknown target '" + spelling +
          "': expected cpu, cpu:native or cpu:NAME, such as cpu:x86-64-v3");
}
