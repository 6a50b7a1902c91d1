//===- vernier-opt.cpp - Runs passes on graphs
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Pipelines/InitAll.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  vernier::registerAllDialects(registry);
  vernier::registerAllPasses();
  return mlir::failed(mlir::MlirOptMain(
      argc, argv, "Vernier's modular optimizer driver\n", registry));
}
