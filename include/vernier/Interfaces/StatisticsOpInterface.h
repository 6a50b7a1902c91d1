//===- StatisticsOpInterface.h - How many values a statistic is of
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_STATISTICSOPINTERFACE_H
#define VERNIER_INTERFACES_STATISTICSOPINTERFACE_H

#include "mlir/IR/OpDefinition.h"

#include "vernier/Interfaces/StatisticsOpInterface.h.inc"

#endif // VERNIER_INTERFACES_STATISTICSOPINTERFACE_H
