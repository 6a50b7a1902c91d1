//===- FiniteCheck.cpp - Finds states that are not finite
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Nearly always nothing is found, so a first pass only asks whether there is
// anything: it has no branches, becomes vector code and is as fast as memory.
//
//===----------------------------------------------------------------------===//

#include "Runtime/SessionUse.h"

#include <cmath>
#include <cstring>

using namespace vernier;
using namespace vernier::runtime;

namespace {

/// What is wrong with a state.
struct NonFinite {
  uint64_t count = 0;
  uint64_t first = 0; ///< index of an element, row major
  float value = 0;    ///< of it
};

} // namespace

/// The exponent of a type: all ones in an inf or a NaN.
template <typename Word> static constexpr Word getExponentMask(bool isF16) {
  return Word(sizeof(Word) == 4 ? 0x7f800000 : isF16 ? 0x7c00 : 0x7f80);
}

/// Whether any of `count` elements is an inf or a NaN.
template <typename Word>
static bool hasNonFinite(const uint8_t *data, uint64_t count, Word mask) {
  // Its lowest bit carries a full exponent into the sign.
  Word lowest = Word(mask & -mask), seen = 0;
  for (uint64_t i = 0; i < count; ++i) {
    Word word;
    std::memcpy(&word, data + i * sizeof(Word), sizeof(Word));
    seen |= Word((word & mask) + lowest);
  }
  return seen >> (8 * sizeof(Word) - 1);
}

template <typename Word>
static NonFinite findNonFinite(const BoundState &state, bool isF16) {
  const Word mask = getExponentMask<Word>(isF16);
  NonFinite found;
  auto look = [&](uint64_t dense, uint64_t memory, uint64_t bytes) {
    const uint8_t *data = state.data + memory;
    if (!hasNonFinite<Word>(data, bytes / sizeof(Word), mask))
      return;
    for (uint64_t i = 0; i < bytes; i += sizeof(Word)) {
      Word word;
      std::memcpy(&word, data + i, sizeof(Word));
      if ((word & mask) != mask || found.count++)
        continue;
      found.first = (dense + i) / sizeof(Word);
      found.value = sizeof(Word) == 4 ? toFloat(uint32_t(word))
                    : isF16           ? fromF16(uint16_t(word))
                                      : fromBf16(uint16_t(word));
    }
  };
  state.layout.forEachRun(look);
  return found;
}

static NonFinite findNonFinite(const BoundState &state) {
  switch (state.tensor.getDType()) {
  case VERNIER_F32:
    return findNonFinite<uint32_t>(state, /*isF16=*/false);
  case VERNIER_BF16:
    return findNonFinite<uint16_t>(state, /*isF16=*/false);
  case VERNIER_F16:
    return findNonFinite<uint16_t>(state, /*isF16=*/true);
  default:
    return {};
  }
}

bool vernier::runtime::startsInfinite(const schema::Initializer &initial,
                                      const BoundState &state) {
  // A constant says it itself: no need to read, say, all moments.
  if (initial.kind() == schema::InitKind::constant)
    return std::isinf(initial.a());
  return initial.kind() == schema::InitKind::dense &&
         std::isinf(findNonFinite(state).value);
}

/// "'w' (f32[4, 2]): 3 of 8 values are not finite, the first is -inf at
/// [0, 1]".
static std::string describe(const Tensor &tensor, const NonFinite &found) {
  uint64_t elements = tensor.getBytes() / sizeOf(tensor.getDType());
  bool isOne = found.count == 1;
  // The sign of a NaN tells nothing.
  std::string value = std::isnan(found.value) ? "nan" : join(found.value);
  return join("'", tensor.getName(), "' (",
              describe(tensor.getDType(), tensor.getShape()),
              "): ", found.count, " of ", elements,
              isOne ? " values is" : " values are", " not finite",
              isOne ? ": " : ", the first is ", value,
              describePlace(tensor.getShape(), found.first));
}

vernier_status_t vernier_session_check_finite(vernier_session_t *session) {
  return guarded([&]() -> Status {
    if (!session)
      return invalidArgument("vernier_session_check_finite: session is null");
    SessionUse use(*session);
    VERNIER_TRY(use.start("vernier_session_check_finite", Access::read));
    std::string first;
    size_t others = 0;
    for (const BoundState &state : session->states) {
      if (state.startsInfinite)
        continue;
      NonFinite found = findNonFinite(state);
      if (found.count && first.empty())
        first = describe(state.tensor, found);
      else
        others += found.count > 0;
    }
    if (first.empty())
      return {};
    if (others)
      first += join("; ", others, " more state",
                    others == 1 ? " has" : "s have", " such values");
    return {VERNIER_NUMERIC, first};
  });
}
