//===- EvaluationOpInterface.h - What an op is outside of training
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_EVALUATIONOPINTERFACE_H
#define VERNIER_INTERFACES_EVALUATIONOPINTERFACE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

#include "vernier/Interfaces/EvaluationOpInterface.h.inc"

#endif // VERNIER_INTERFACES_EVALUATIONOPINTERFACE_H
