//===- OptimizerOptions.h - Settings of an optimizer by name
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_TRANSFORMS_OPTIMIZEROPTIONS_H
#define VERNIER_DIALECT_TRAIN_TRANSFORMS_OPTIMIZEROPTIONS_H

#include "vernier/Dialect/Train/Transforms/Passes.h"

namespace vernier::train {

/// The place of one option; at most one is not null.
struct OptimizerOption {
  double *number = nullptr;
  int64_t *count = nullptr;
  std::string *word = nullptr;
  bool *flag = nullptr;
};

/// Where `options` keep the option that --train-attach-optimizer calls `name`;
/// all null if there is none.
OptimizerOption findOptimizerOption(llvm::StringRef name,
                                    TrainAttachOptimizerPassOptions &options);

/// What is wrong with these options, such as "lr is -1, expected 0 or more", or
/// nothing.
std::string
findOptimizerProblem(const TrainAttachOptimizerPassOptions &options);

} // namespace vernier::train

#endif // VERNIER_DIALECT_TRAIN_TRANSFORMS_OPTIMIZEROPTIONS_H
