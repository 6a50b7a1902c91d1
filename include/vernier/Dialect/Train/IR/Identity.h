//===- Identity.h - What an op of the model is called
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Profiles, policies, explanations and messages call an op of a model by one
// name, its identity (docs/Identities.md). Locations carry it: no pass decides
// anything by them, and equal ops stay equal whatever they are called.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_IDENTITY_H
#define VERNIER_DIALECT_TRAIN_IR_IDENTITY_H

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/IR/Location.h"

#include <string>

namespace vernier::train {

/// The identity of the op of the model that `loc` is of, "block#2/attn.q";
/// empty if --train-identify-ops has not seen it.
std::string getIdentity(mlir::Location loc);

/// What that op is in the model, "train.linear"; "@w" for a state and what
/// loads it. Empty where there is no identity.
std::string getOpInModel(mlir::Location loc);

/// Where it is written, "model.mlir:20:11", without the folder: the same model
/// is the same wherever it lies. Not where its function is called from. Empty
/// if the model does not say.
std::string getPlace(mlir::Location loc);

/// Of which operand of the forward op what stands at `loc` computes the
/// gradient; null for all but contractions and sums of reverse mode.
GradientOfAttr getGradientOf(mlir::Location loc);

/// A location of the forward op as that of what computes a gradient of it.
mlir::Location markGradient(mlir::Location forward, GradientOfAttr gradient);

/// The location of the op that `loc` belongs to: without markGradient's mark.
mlir::Location getForwardLocation(mlir::Location loc);

} // namespace vernier::train

#endif // VERNIER_DIALECT_TRAIN_IR_IDENTITY_H
