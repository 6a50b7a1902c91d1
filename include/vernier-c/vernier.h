//===- vernier.h - The whole C API
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_C_VERNIER_H
#define VERNIER_C_VERNIER_H

#include "vernier-c/device.h"
#include "vernier-c/kernel.h"
#include "vernier-c/library.h"
#include "vernier-c/plan.h"
#include "vernier-c/session.h"
#include "vernier-c/status.h"

#endif // VERNIER_C_VERNIER_H
