//===- TensorStatistics.cpp - Which formats would hold the numbers of a tensor
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two passes: over the bits of every element for the range, then over a sample,
// eight lanes at a time, for what needs arithmetic. Both are compiled twice,
// for any x86-64 and for AVX2.
//
//===----------------------------------------------------------------------===//

#include "TensorStatistics.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace vernier::run;

#define ALWAYS_INLINE inline __attribute__((always_inline))

namespace {

constexpr uint64_t kLanes = 8;
using Floats = float __attribute__((vector_size(32)));
using Words = uint32_t __attribute__((vector_size(32)));
using Ints = int32_t __attribute__((vector_size(32)));

constexpr uint32_t kMagnitude = 0x7fffffff, kInfinity = 0x7f800000,
                   kMinNormal = 0x00800000;

template <typename To, typename From> To bitCast(From value) {
  To result;
  static_assert(sizeof(To) == sizeof(From));
  std::memcpy(&result, &value, sizeof result);
  return result;
}

/// How the elements of a storage type look in bits.
struct F32Storage {
  using Word = uint32_t;
  static constexpr uint32_t magnitude = kMagnitude, infinity = kInfinity;
  static ALWAYS_INLINE float load(Word word) { return bitCast<float>(word); }
};
struct Bf16Storage {
  using Word = uint16_t;
  static constexpr uint32_t magnitude = 0x7fff, infinity = 0x7f80;
  static ALWAYS_INLINE float load(Word word) {
    return bitCast<float>(uint32_t(word) << 16);
  }
};
struct F16Storage {
  using Word = uint16_t;
  static constexpr uint32_t magnitude = 0x7fff, infinity = 0x7c00;
  static ALWAYS_INLINE float load(Word word) {
    uint32_t sign = uint32_t(word & 0x8000) << 16, rest = word & 0x7fff;
    // In f32's fields the exponent is too small by 112, for infinity and NaN by
    // as much again; the product makes subnormal numbers right too.
    uint32_t wide =
        rest >= infinity
            ? kInfinity | (rest & 0x3ff) << 13
            : bitCast<uint32_t>(bitCast<float>(rest << 13) * 0x1p112f);
    return bitCast<float>(sign | wide);
  }
};

/// What the first pass finds; magnitudes as bits of the storage type, whose
/// order is that of the numbers.
struct Range {
  uint32_t greatest = 0;
  uint32_t smallest = ~0u; ///< less 1, so that zero comes last
  uint64_t notFinite = 0;
};

template <typename Storage>
ALWAYS_INLINE Range findRange(const typename Storage::Word *words,
                              uint64_t count) {
  using Word = typename Storage::Word;
  Range range;
  Word smallest = Word(~0u);
  // Pieces, so that a count of a piece fits a word of the vector.
  constexpr uint64_t piece = 1 << 14;
  for (uint64_t begin = 0; begin < count; begin += piece) {
    uint64_t end = std::min(count, begin + piece);
    Word most = 0, least = Word(~0u), notFinite = 0;
    for (uint64_t i = begin; i < end; ++i) {
      Word word = Word(words[i] & Storage::magnitude);
      bool isFinite = word < Storage::infinity;
      notFinite = Word(notFinite + !isFinite);
      Word finite = isFinite ? word : Word(0);
      most = std::max(most, finite);
      least = std::min(least, Word(finite - 1));
    }
    range.greatest = std::max<uint32_t>(range.greatest, most);
    smallest = std::min(smallest, least);
    range.notFinite += notFinite;
  }
  range.smallest = smallest;
  return range;
}

//===----------------------------------------------------------------------===//
// The sample
//===----------------------------------------------------------------------===//

/// A format by its mantissa bits, the exponent of its smallest normal number,
/// and the f32 bits of the least magnitude that overflows.
template <int MantissaBits, int MinExponent, uint32_t OverflowBits>
struct Format {
  static constexpr int mantissaBits = MantissaBits, minExponent = MinExponent;
  static constexpr uint32_t overflowBits = OverflowBits;
};
using F16Format = Format<10, -14, 0x477ff000>;   // 65520
using Bf16Format = Format<7, -126, 0x7f7f8000>;  // half a step beyond 2^128
using Tf32Format = Format<10, -126, 0x7f7ff000>; // likewise
using E4m3Format = Format<3, -6, 0x43e80001>;    // above 464; 448 is even
using E5m2Format = Format<2, -14, 0x47700000>;   // 61440

/// Sums over a block, by lane.
struct LaneLoss {
  Ints toZero{}, subnormal{}, overflow{};
  Floats squaredError{};
};

/// The magnitude of `value`, whose bits are `word`, rounded to nearest even.
template <typename F>
ALWAYS_INLINE Words roundTo(Floats magnitude, Words word) {
  constexpr int dropped = 23 - F::mantissaBits;
  Words rounded =
      (word + ((word >> dropped) & 1) + ((1u << (dropped - 1)) - 1)) &
      ~((1u << dropped) - 1);
  if constexpr (F::minExponent > -126) {
    // Below its normal numbers a format has equal steps: adding a number with
    // steps of that size rounds to them.
    constexpr uint32_t magicBits =
        uint32_t(127 + 23 + F::minExponent - F::mantissaBits) << 23 | 1u << 22;
    Floats magic = bitCast<float>(magicBits) + Floats{};
    Words fixed = bitCast<Words>((magnitude + magic) - magic);
    Words isSmall = Words(word < uint32_t(127 + F::minExponent) << 23);
    rounded = (isSmall & fixed) | (~isSmall & rounded);
  }
  return rounded;
}

template <typename Lanes> double total(Lanes lanes) {
  double sum = 0;
  for (uint64_t i = 0; i < kLanes; ++i)
    sum += static_cast<double>(lanes[i]);
  return sum;
}

/// Finite values are multiplied by `factor` before they are squared, so that no
/// square leaves f32; the units undo it.
struct Scale {
  float factor;
  double unit, squareUnit;
};

Scale chooseScale(float greatest) {
  // Near the edge of f32 a little is lost of what is 2^-100 of the greatest.
  int exponent = greatest > 0 ? std::clamp(std::ilogb(greatest), -126, 126) : 0;
  return {std::ldexp(1.0f, -exponent), std::ldexp(1.0, exponent),
          std::ldexp(1.0, 2 * exponent)};
}

/// Values that have been counted: finite, with zeros behind them up to a
/// multiple of the lanes.
struct Sample {
  const float *values;
  uint64_t padded;
  Scale scale;
};

ALWAYS_INLINE Floats loadLanes(const float *values) {
  Floats lanes;
  std::memcpy(&lanes, values, sizeof lanes);
  return lanes;
}

ALWAYS_INLINE void addSums(Sample sample, TensorStatistics &statistics) {
  Floats sum{}, squares{};
  Ints zeros{};
  for (uint64_t i = 0; i < sample.padded; i += kLanes) {
    Floats value = loadLanes(sample.values + i),
           scaled = value * sample.scale.factor;
    sum += scaled;
    squares += scaled * scaled;
    // A comparison that holds is -1.
    zeros -= Ints(value == 0);
  }
  statistics.zeros += static_cast<uint64_t>(total(zeros));
  statistics.sum += total(sum) * sample.scale.unit;
  statistics.squares += total(squares) * sample.scale.squareUnit;
}

template <typename F>
ALWAYS_INLINE void addLoss(Sample sample, FormatLoss &loss) {
  constexpr uint32_t minNormal = F::minExponent == -126
                                     ? kMinNormal
                                     : uint32_t(127 + F::minExponent) << 23;
  Ints toZero{}, subnormal{}, overflow{};
  Floats squaredError{};
  for (uint64_t i = 0; i < sample.padded; i += kLanes) {
    Words word = bitCast<Words>(loadLanes(sample.values + i)) & kMagnitude;
    Floats magnitude = bitCast<Floats>(word);
    Words rounded = roundTo<F>(magnitude, word);
    Ints isZero = Ints(rounded == 0), overflows = Ints(word >= F::overflowBits);
    toZero -= isZero & Ints(word != 0);
    subnormal -= Ints(rounded < minNormal) & ~isZero;
    overflow -= overflows;
    Floats error = (magnitude - bitCast<Floats>(rounded)) * sample.scale.factor;
    error = bitCast<Floats>(bitCast<Words>(error) & ~Words(overflows));
    squaredError += error * error;
  }
  loss.toZero += static_cast<uint64_t>(total(toZero));
  loss.subnormal += static_cast<uint64_t>(total(subnormal));
  loss.overflow += static_cast<uint64_t>(total(overflow));
  loss.squaredError += total(squaredError) * sample.scale.squareUnit;
}

ALWAYS_INLINE void addSample(Sample sample, TensorStatistics &statistics) {
  addSums(sample, statistics);
  addLoss<F16Format>(sample, statistics.losses[0]);
  addLoss<Bf16Format>(sample, statistics.losses[1]);
  addLoss<Tf32Format>(sample, statistics.losses[2]);
  addLoss<E4m3Format>(sample, statistics.losses[3]);
  addLoss<E5m2Format>(sample, statistics.losses[4]);
}

} // namespace

struct TensorCounter::Scratch {
  /// A tensor of just under twice kCountedElements is counted whole; with a
  /// stride there may be a block more than an equal share.
  float values[2 * kCountedElements + kBlock];
  /// Neighbours in a tensor often have one exponent; four histograms keep one
  /// increment from waiting for the last.
  uint32_t histograms[4][256];
};

namespace {

/// Append a block, widened, and count its exponents. What is not finite becomes
/// zero, and their number comes back.
template <typename Storage, typename Scratch>
ALWAYS_INLINE uint64_t appendBlock(const typename Storage::Word *words,
                                   uint64_t count, float *values,
                                   Scratch &scratch) {
  uint32_t notFinite = 0;
  for (uint64_t i = 0; i < count; ++i) {
    float value = Storage::load(words[i]);
    bool isFinite = (bitCast<uint32_t>(value) & kMagnitude) < kInfinity;
    notFinite += !isFinite;
    values[i] = isFinite ? value : 0.0f;
  }
  for (uint64_t i = 0; i < count; ++i)
    ++scratch.histograms[i % 4][bitCast<uint32_t>(values[i]) >> 23 & 255];
  return notFinite;
}

/// What one call of TensorCounter::add works on.
struct Job {
  const void *data;
  uint64_t count, phase;
  TensorStatistics &statistics;
};

/// Every element: the range, and what is not finite. Returns the greatest
/// magnitude.
template <typename Storage> ALWAYS_INLINE float addRange(const Job &job) {
  using Word = typename Storage::Word;
  const auto *words = static_cast<const Word *>(job.data);
  TensorStatistics &statistics = job.statistics;
  Range range = findRange<Storage>(words, job.count);
  statistics.elements += job.count;
  float greatest = Storage::load(Word(range.greatest));
  statistics.greatest = std::max(statistics.greatest, greatest);
  if (range.greatest != 0)
    statistics.smallest =
        std::min(statistics.smallest, Storage::load(Word(range.smallest + 1)));
  for (uint64_t i = 0; i < job.count && range.notFinite; ++i) {
    uint32_t word = words[i] & Storage::magnitude;
    statistics.infinities += word == Storage::infinity;
    statistics.nans += word > Storage::infinity;
  }
  return greatest;
}

template <typename Storage, typename Scratch>
ALWAYS_INLINE void addTensor(const Job &job, Scratch &scratch) {
  const auto *words = static_cast<const typename Storage::Word *>(job.data);
  TensorStatistics &statistics = job.statistics;
  float greatest = addRange<Storage>(job);
  constexpr uint64_t block = TensorCounter::kBlock;
  uint64_t stride = TensorCounter::getStride(job.count);
  std::memset(scratch.histograms, 0, sizeof scratch.histograms);
  uint64_t counted = 0, notFinite = 0;
  for (uint64_t begin = job.phase % stride * block; begin < job.count;
       begin += stride * block) {
    uint64_t count = std::min(block, job.count - begin);
    notFinite += appendBlock<Storage>(words + begin, count,
                                      scratch.values + counted, scratch);
    counted += count;
  }
  uint64_t padded = (counted + kLanes - 1) / kLanes * kLanes;
  std::fill(scratch.values + counted, scratch.values + padded, 0.0f);
  uint64_t zerosBefore = statistics.zeros;
  addSample({scratch.values, padded, chooseScale(greatest)}, statistics);
  statistics.zeros -= padded - counted;
  statistics.counted += counted;
  for (size_t i = 0; i < statistics.exponents.size(); ++i)
    for (const auto &histogram : scratch.histograms)
      statistics.exponents[i] += histogram[i];
  // At 0 lie zeros too, and what is not finite looks like zero so far.
  statistics.exponents[0] -= statistics.zeros - zerosBefore;
  statistics.zeros -= notFinite;
}

template <typename Scratch>
ALWAYS_INLINE void addAny(vernier_dtype_t dtype, const Job &job,
                          Scratch &scratch) {
  if (dtype == VERNIER_F32)
    addTensor<F32Storage>(job, scratch);
  else if (dtype == VERNIER_BF16)
    addTensor<Bf16Storage>(job, scratch);
  else
    addTensor<F16Storage>(job, scratch);
}

template <typename Scratch>
__attribute__((target("avx2"))) void
addWithAvx2(vernier_dtype_t dtype, const Job &job, Scratch &scratch) {
  addAny(dtype, job, scratch);
}

} // namespace

void TensorCounter::ScratchDeleter::operator()(Scratch *scratch) const {
  delete scratch;
}

TensorCounter::TensorCounter(bool allowAvx2)
    : scratch(new Scratch()),
      usesAvx2(allowAvx2 && __builtin_cpu_supports("avx2")) {}

void TensorCounter::add(const void *data, vernier_dtype_t dtype, uint64_t count,
                        uint64_t phase, TensorStatistics &statistics) {
  Job job{data, count, phase, statistics};
  if (usesAvx2)
    addWithAvx2(dtype, job, *scratch);
  else
    addAny(dtype, job, *scratch);
}
