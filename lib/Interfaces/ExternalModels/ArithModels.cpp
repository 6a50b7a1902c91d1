//===- ArithModels.cpp - Our interfaces on arith ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Interfaces/ExternalModels/ExternalModels.h"

using namespace mlir;

void vernier::registerArithExternalModels(DialectRegistry &) {}
void vernier::registerMathExternalModels(DialectRegistry &) {}
void vernier::registerTensorExternalModels(DialectRegistry &) {}
