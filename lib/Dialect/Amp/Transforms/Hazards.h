//===- Hazards.h - Where 16 bits may ruin a value
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a class and the types of the operands do not tell: whether an op stands
// on the way to a loss, in a chain of squares, sums, roots and quotients, or
// among values that depend on neither data nor parameters. No range is needed
// to say so; ranges, where they are known, can only add to it.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_HAZARDS_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_HAZARDS_H

#include "Decider.h"

namespace vernier::amp {

/// Give each subject that may be decided to be in 16 bits, and should not be,
/// its hazard; where the policy keeps such ops in f32, also the class that does
/// so. `subjects` are all those of a function.
void findHazards(llvm::MutableArrayRef<Subject> subjects, Policy &policy);

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_HAZARDS_H
