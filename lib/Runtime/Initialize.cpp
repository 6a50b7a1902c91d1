//===- Initialize.cpp - Initial values of states
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Initialize.h"

#include "Runtime/Hash.h"
#include "Runtime/Plan.h"
#include "Runtime/StateLayout.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace vernier;
using namespace vernier::runtime;

std::array<uint32_t, 4>
vernier::runtime::philox(std::array<uint32_t, 4> counter,
                         std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t(0xD2511F53) * counter[0];
    uint64_t b = uint64_t(0xCD9E8D57) * counter[2];
    counter = {uint32_t(b >> 32) ^ counter[1] ^ key[0], uint32_t(b),
               uint32_t(a >> 32) ^ counter[3] ^ key[1], uint32_t(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

//===----------------------------------------------------------------------===//
// Distributions
//===----------------------------------------------------------------------===//

/// ln x for x in (0, 1]: x = m 2^e with m in [sqrt(1/2), sqrt(2)), and
/// ln m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172. The series ends
/// below 2^-53.
static double logOf(double x) {
  int exponent;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
  for (int i = 21; i >= 1; i -= 2)
    sum = sum * s2 + 1.0 / i;
  return 2 * s * sum + exponent * 0.69314718055994531;
}

/// Horner's rule for x^start / start! - x^(start + 2) / (start + 2)! + ...,
/// |x| <= pi / 4.
static double alternatingSeries(double x, int start) {
  double sum = 0, x2 = x * x;
  for (int i = start + 18; i >= start; i -= 2)
    sum = 1 - sum * x2 / ((i + 1) * (i + 2));
  return start ? x * sum : sum;
}

/// cos(2 pi v) for v in [0, 1), by octants.
static double cosOfTurn(double v) {
  const double tau = 6.28318530717958648;
  int octant = static_cast<int>(v * 8);
  switch (octant) {
  case 0:
    return alternatingSeries(tau * v, 0);
  case 1:
  case 2:
    return -alternatingSeries(tau * (v - 0.25), 1);
  case 3:
  case 4:
    return -alternatingSeries(tau * (v - 0.5), 0);
  case 5:
  case 6:
    return alternatingSeries(tau * (v - 0.75), 1);
  default:
    return alternatingSeries(tau * (v - 1), 0);
  }
}

namespace {

/// offset + factor * draw, where draw is standard normal or uniform in [0, 1).
struct Distribution {
  enum Kind { constant, normal, uniform } kind;
  double offset, factor;
};

} // namespace

static Distribution getDistribution(const schema::State &state) {
  const schema::Initializer &init = *state.init();
  double fanOut = state.shape()->size() ? double(state.shape()->Get(0)) : 1;
  double fanIn = 1;
  for (unsigned i = 1; i < state.shape()->size(); ++i)
    fanIn *= double(state.shape()->Get(i));
  auto symmetric = [](double x) {
    return Distribution{Distribution::uniform, -x, 2 * x};
  };
  switch (init.kind()) {
  case schema::InitKind::normal:
    return {Distribution::normal, init.a(), init.b()};
  case schema::InitKind::uniform:
    return {Distribution::uniform, init.a(), init.b() - init.a()};
  case schema::InitKind::kaiming_normal:
    return {Distribution::normal, 0, std::sqrt(2 / fanIn)};
  case schema::InitKind::kaiming_uniform:
    return symmetric(std::sqrt(6 / fanIn));
  case schema::InitKind::xavier_normal:
    return {Distribution::normal, 0, std::sqrt(2 / (fanIn + fanOut))};
  case schema::InitKind::xavier_uniform:
    return symmetric(std::sqrt(6 / (fanIn + fanOut)));
  default:
    return {Distribution::constant, init.a(), 0};
  }
}

static double draw(Distribution::Kind kind, const std::array<uint32_t, 4> &r) {
  if (kind == Distribution::uniform)
    return (r[0] >> 8) * 0x1p-24;
  double u = (r[0] + 1.0) * 0x1p-32, v = r[1] * 0x1p-32;
  return std::sqrt(-2 * logOf(u)) * cosOfTurn(v);
}

/// An integer from a finite double inside its range, else the nearest limit.
template <typename Int> static Int toInteger(double value) {
  constexpr double limit = sizeof(Int) == 4 ? 0x1p31 : 0x1p63;
  if (!(value > -limit))
    return value != value ? 0 : std::numeric_limits<Int>::min();
  return value < limit ? static_cast<Int>(value)
                       : std::numeric_limits<Int>::max();
}

static void store(schema::DType dtype, double value, void *data, uint64_t i) {
  switch (dtype) {
  case schema::DType::f32:
    static_cast<float *>(data)[i] = static_cast<float>(value);
    break;
  case schema::DType::bf16:
    static_cast<uint16_t *>(data)[i] = toBf16(static_cast<float>(value));
    break;
  case schema::DType::f16:
    static_cast<uint16_t *>(data)[i] = toF16(static_cast<float>(value));
    break;
  case schema::DType::i32:
    static_cast<int32_t *>(data)[i] = toInteger<int32_t>(value);
    break;
  case schema::DType::i64:
    static_cast<int64_t *>(data)[i] = toInteger<int64_t>(value);
    break;
  case schema::DType::i1:
    static_cast<uint8_t *>(data)[i] = value != 0;
    break;
  }
}

/// The value of element `i` of a state, padding not counted.
static double getInitialValue(const Distribution &distribution, uint64_t i,
                              uint64_t name, uint64_t seed) {
  if (distribution.kind == Distribution::constant)
    return distribution.offset;
  return distribution.offset +
         distribution.factor *
             draw(distribution.kind,
                  philox({uint32_t(i), uint32_t(i >> 32), uint32_t(name),
                          uint32_t(name >> 32)},
                         {uint32_t(seed), uint32_t(seed >> 32)}));
}

void vernier::runtime::initialize(const schema::State &state, uint64_t seed,
                                  uint8_t *data) {
  const schema::Initializer &init = *state.init();
  if (init.kind() == schema::InitKind::none)
    return;
  uint64_t elementBytes = sizeOf(toDType(state.dtype()));
  StateLayout layout(state, elementBytes);
  if (init.kind() == schema::InitKind::dense)
    return layout.write(init.data()->data(), data);
  Distribution distribution = getDistribution(state);
  uint64_t name = hash64(state.name()->data(), state.name()->size());
  layout.forEachRun([&](uint64_t dense, uint64_t memory, uint64_t bytes) {
    uint64_t first = dense / elementBytes;
    for (uint64_t i = 0; i < bytes / elementBytes; ++i)
      store(state.dtype(), getInitialValue(distribution, first + i, name, seed),
            data + memory, i);
  });
}
