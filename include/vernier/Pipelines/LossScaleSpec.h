//===- LossScaleSpec.h - The --loss-scale flag
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_PIPELINES_LOSSSCALESPEC_H
#define VERNIER_PIPELINES_LOSSSCALESPEC_H

#include "llvm/Support/Error.h"

#include <string>

namespace vernier {

/// What `--loss-scale=dynamic,init=1024,hysteresis=2,...` says: auto, dynamic,
/// none or a number, then settings of a dynamic scale.
struct LossScaleSpec {
  enum class Mode { Auto, Dynamic, Static, None };
  Mode mode = Mode::Auto;
  /// As it was written.
  std::string text = "auto";
  /// "init-scale=1024 hysteresis=2 ...", options of --amp-loss-scaling.
  std::string passOptions;

  /// Parse the flag. Keys may have '-' or '_'; an unknown one is an error that
  /// names the nearest, a number outside its range one that names the range.
  static llvm::Expected<LossScaleSpec> parse(llvm::StringRef text);
};

} // namespace vernier

#endif // VERNIER_PIPELINES_LOSSSCALESPEC_H
