//===- WeightConversion.h - Values of a file as a state has them
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A float becomes a float of another type with one rounding, to nearest, ties
// to even. Integers and booleans keep their values. Nothing else is converted:
// a float from an integer, or the reverse, is a mistake in the file.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_WEIGHTCONVERSION_H
#define VERNIER_RUNTIME_WEIGHTCONVERSION_H

#include "Runtime/Safetensors.h"

namespace vernier::runtime {

/// The values of a tensor in another type.
struct ConvertedValues {
  /// Empty if the stored ones are it, bit for bit.
  std::vector<uint8_t> bytes;
  uint64_t rounded = 0;  ///< values that changed
  uint64_t vanished = 0; ///< of these, those that became zero
};

/// Convert the values of `stored` to `dtype`. Refused, with the place: a NaN,
/// an infinity unless `infinityIsMeant`, and a value that `dtype` cannot hold.
Status convertValues(const StoredTensor &stored, vernier_dtype_t dtype,
                     bool infinityIsMeant, ConvertedValues &converted);

/// "f64[10, 64]", spelt as the plan's types are.
std::string describe(const StoredTensor &stored);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_WEIGHTCONVERSION_H
