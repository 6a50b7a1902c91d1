//===- TensorStatistics.h - Which formats would hold the numbers of a tensor
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_TENSORSTATISTICS_H
#define VERNIER_RUN_TENSORSTATISTICS_H

#include "vernier-c/plan.h"

#include <array>
#include <cstdint>
#include <limits>
#include <memory>

namespace vernier::run {

/// The formats that a tensor is tried in; rounding is to nearest even, as a
/// cast does. An element overflows if it would become infinite (NaN in e4m3,
/// which has no infinity).
constexpr std::array<const char *, 5> kFormatNames = {"f16", "bf16", "tf32",
                                                      "e4m3", "e5m2"};
constexpr size_t kFormatCount = kFormatNames.size();

/// What rounding to a format does to elements that are finite and not zero.
struct FormatLoss {
  uint64_t toZero = 0;    ///< become zero
  uint64_t subnormal = 0; ///< become subnormal
  uint64_t overflow = 0;
  /// Sum of (x - rounded x)^2 over those that do not overflow.
  double squaredError = 0;
};

/// What is known about the numbers of a tensor over several steps.
struct TensorStatistics {
  // Over every element of every step.
  uint64_t elements = 0, infinities = 0, nans = 0;
  /// Of the finite elements that are not zero: the greatest and the smallest
  /// magnitude; 0 and infinity if there is none.
  float greatest = 0, smallest = std::numeric_limits<float>::infinity();

  // Over the elements that were counted; `zeros` among them.
  uint64_t counted = 0, zeros = 0;
  double sum = 0, squares = 0; ///< of the finite ones
  /// By biased f32 exponent: the magnitude is in [2^(i-127), 2^(i-126)); at 0
  /// those that are subnormal in f32. Zeros, inf and NaN are not in it.
  std::array<uint64_t, 255> exponents{};
  std::array<FormatLoss, kFormatCount> losses{};
};

/// Adds tensors to statistics. Looks at every element for the range and for inf
/// and NaN, and counts the rest on a sample: of a tensor with more than
/// `kCountedElements`, blocks of `kBlock` neighbours at equal distances.
/// Allocates nothing after construction.
class TensorCounter {
public:
  static constexpr uint64_t kBlock = 128, kCountedElements = 2048;

  /// Without AVX2, the code for any x86-64 is used, which counts the same.
  explicit TensorCounter(bool allowAvx2 = true);

  /// One block in how many is counted of a tensor of this size.
  static uint64_t getStride(uint64_t elements) {
    uint64_t stride = elements / kCountedElements;
    return stride > 1 ? stride : 1;
  }

  /// Add `count` elements in a floating `dtype`. With a stride of more than 1,
  /// `phase` says which of the blocks are counted: step after step others.
  void add(const void *data, vernier_dtype_t dtype, uint64_t count,
           uint64_t phase, TensorStatistics &statistics);

private:
  struct Scratch;
  struct ScratchDeleter {
    void operator()(Scratch *scratch) const;
  };
  std::unique_ptr<Scratch, ScratchDeleter> scratch;
  bool usesAvx2;
};

} // namespace vernier::run

#endif // VERNIER_RUN_TENSORSTATISTICS_H
