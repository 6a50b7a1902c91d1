//===- ProductStatistics.cpp - How much of its terms a contraction cancels
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProductStatistics.h"

#include <cmath>

using namespace vernier;
using namespace vernier::run;

namespace {

/// Results that are computed again in each call.
constexpr unsigned kSampledResults = 16;

/// splitmix64 (Steele, Lea and Flood 2014).
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  int64_t below(uint64_t limit) {
    state += 0x9e3779b97f4a7c15;
    uint64_t mixed = state;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return static_cast<int64_t>((mixed ^ mixed >> 31) % limit);
  }

private:
  uint64_t state;
};

/// One result being summed.
struct Sum {
  double total = 0, squares = 0;
  void add(double lhs, double rhs) {
    double term = lhs * rhs;
    total += term;
    squares += term * term;
  }
  void addTo(ProductStatistics &statistics) const {
    if (!std::isfinite(squares) || !std::isfinite(total))
      return;
    ++statistics.results;
    statistics.squaredTerms += squares;
    statistics.squaredResults += total * total;
  }
};

/// The elements of an operand as numbers; f32 without asking each time.
struct F32Elements {
  const float *data;
  double operator()(int64_t index) const { return data[index]; }
};
struct AnyElements {
  const vernier_observed_tensor_t *tensor;
  double operator()(int64_t index) const {
    return elementOf(tensor->data, tensor->info.dtype,
                     static_cast<uint64_t>(index));
  }
};

/// Call `visit(lhs, rhs)` with the elements of the two operands.
template <typename Visit>
void withElements(const vernier_observation_t &observation, Visit visit) {
  const vernier_observed_tensor_t &lhs = observation.inputs[0],
                                  &rhs = observation.inputs[1];
  if (lhs.info.dtype == VERNIER_F32 && rhs.info.dtype == VERNIER_F32)
    visit(F32Elements{static_cast<const float *>(lhs.data)},
          F32Elements{static_cast<const float *>(rhs.data)});
  else
    visit(AnyElements{&lhs}, AnyElements{&rhs});
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

/// Where the terms of a result lie: the first element, and the way to the next.
struct Terms {
  int64_t first, step;
};

Terms lhsTerms(const schema::Matmul &matmul, int64_t batch, int64_t row) {
  auto ld = static_cast<int64_t>(matmul.lhs_ld());
  auto rows =
      static_cast<int64_t>(matmul.transpose_lhs() ? matmul.k() : matmul.m());
  int64_t base = batch * rows * ld;
  return matmul.transpose_lhs() ? Terms{base + row, ld}
                                : Terms{base + row * ld, 1};
}

Terms rhsTerms(const schema::Matmul &matmul, int64_t batch, int64_t column) {
  auto ld = static_cast<int64_t>(matmul.rhs_ld());
  auto rows =
      static_cast<int64_t>(matmul.transpose_rhs() ? matmul.n() : matmul.k());
  int64_t base = matmul.shared_rhs() ? 0 : batch * rows * ld;
  return matmul.transpose_rhs() ? Terms{base + column * ld, 1}
                                : Terms{base + column, ld};
}

void sampleMatmul(const schema::Matmul &matmul,
                  const vernier_observation_t &observation, Random random,
                  ProductStatistics &statistics) {
  auto k = static_cast<int64_t>(matmul.k());
  withElements(observation, [&](auto lhs, auto rhs) {
    for (unsigned i = 0; i < kSampledResults; ++i) {
      int64_t batch = random.below(matmul.batch()),
              column = random.below(matmul.n());
      Terms left = lhsTerms(matmul, batch, random.below(matmul.m())),
            right = rhsTerms(matmul, batch, column);
      Sum sum;
      for (int64_t j = 0; j < k; ++j)
        sum.add(lhs(left.first + j * left.step),
                rhs(right.first + j * right.step));
      if (observation.input_count > 2)
        sum.total += AnyElements{&observation.inputs[2]}(column);
      sum.addTo(statistics);
    }
  });
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// The extents of a convolution (vernier-c/plan.fbs names them).
struct Extents {
  int64_t images, height, width, channels;            // image (N, H, W, C)
  int64_t outputs, kernelRows, kernelColumns, inside; // weight (O, KH, KW, C/G)
  int64_t rows, columns;                              // output (N, P, Q, O)
  int64_t stride[2], before[2], dilation[2];

  int64_t image(int64_t n, int64_t y, int64_t x, int64_t c) const {
    return ((n * height + y) * width + x) * channels + c;
  }
  int64_t weight(int64_t o, int64_t i, int64_t j, int64_t c) const {
    return ((o * kernelRows + i) * kernelColumns + j) * inside + c;
  }
  int64_t output(int64_t n, int64_t p, int64_t q, int64_t o) const {
    return ((n * rows + p) * columns + q) * outputs + o;
  }
  int64_t outputsOfGroup() const { return outputs * inside / channels; }
  /// The image row that output row `p` meets with kernel row `i`, or -1 in the
  /// padding.
  int64_t rowOf(int64_t p, int64_t i) const {
    int64_t y = p * stride[0] + i * dilation[0] - before[0];
    return y < height ? std::max<int64_t>(y, -1) : -1;
  }
  int64_t columnOf(int64_t q, int64_t j) const {
    int64_t x = q * stride[1] + j * dilation[1] - before[1];
    return x < width ? std::max<int64_t>(x, -1) : -1;
  }
};

Extents extentsOf(const schema::Convolution &conv,
                  const vernier_observation_t &observation) {
  using Kind = schema::ConvolutionKind;
  Kind kind = conv.kind();
  const int64_t *first = observation.inputs[0].info.shape,
                *second = observation.inputs[1].info.shape,
                *result = observation.results[0].info.shape;
  const int64_t *image = kind == Kind::image ? result : first,
                *weight = kind == Kind::weight ? result : second,
                *output = kind == Kind::output  ? result
                          : kind == Kind::image ? first
                                                : second;
  auto pair = [](const flatbuffers::Vector<uint32_t> &list, int64_t (&to)[2]) {
    to[0] = list[0];
    to[1] = list[1];
  };
  Extents extents{image[0],  image[1],  image[2],  image[3],  weight[0],
                  weight[1], weight[2], weight[3], output[1], output[2],
                  {},        {},        {}};
  pair(*conv.strides(), extents.stride);
  pair(*conv.padding(), extents.before);
  pair(*conv.dilation(), extents.dilation);
  return extents;
}

/// Visit the pairs of kernel positions (i, j) of the extents.
template <typename Visit> void forKernel(const Extents &e, Visit visit) {
  for (int64_t i = 0; i < e.kernelRows; ++i)
    for (int64_t j = 0; j < e.kernelColumns; ++j)
      visit(i, j);
}

/// A random result of the forward convolution; operands image and weight.
template <typename Elements>
Sum sumOutput(const Extents &e, Elements image, Elements weight,
              Random &random) {
  int64_t n = random.below(e.images), p = random.below(e.rows),
          q = random.below(e.columns), o = random.below(e.outputs);
  int64_t firstChannel = o / e.outputsOfGroup() * e.inside;
  Sum sum;
  forKernel(e, [&](int64_t i, int64_t j) {
    int64_t y = e.rowOf(p, i), x = e.columnOf(q, j);
    for (int64_t c = 0; c < e.inside && y >= 0 && x >= 0; ++c)
      sum.add(image(e.image(n, y, x, firstChannel + c)),
              weight(e.weight(o, i, j, c)));
  });
  return sum;
}

/// A random gradient of the image; operands gradient of the output and weight.
template <typename Elements>
Sum sumImage(const Extents &e, Elements output, Elements weight,
             Random &random) {
  int64_t n = random.below(e.images), y = random.below(e.height),
          x = random.below(e.width), channel = random.below(e.channels);
  int64_t firstOutput = channel / e.inside * e.outputsOfGroup();
  Sum sum;
  forKernel(e, [&](int64_t i, int64_t j) {
    int64_t p = (y + e.before[0] - i * e.dilation[0]) / e.stride[0],
            q = (x + e.before[1] - j * e.dilation[1]) / e.stride[1];
    if (p < 0 || p >= e.rows || e.rowOf(p, i) != y || q < 0 || q >= e.columns ||
        e.columnOf(q, j) != x)
      return;
    for (int64_t o = firstOutput; o < firstOutput + e.outputsOfGroup(); ++o)
      sum.add(output(e.output(n, p, q, o)),
              weight(e.weight(o, i, j, channel % e.inside)));
  });
  return sum;
}

/// A random gradient of the weight; operands image and gradient of the output.
template <typename Elements>
Sum sumWeight(const Extents &e, Elements image, Elements output,
              Random &random) {
  int64_t o = random.below(e.outputs), i = random.below(e.kernelRows),
          j = random.below(e.kernelColumns), c = random.below(e.inside);
  int64_t channel = o / e.outputsOfGroup() * e.inside + c;
  Sum sum;
  for (int64_t n = 0; n < e.images; ++n)
    for (int64_t p = 0; p < e.rows; ++p)
      for (int64_t q = 0; q < e.columns; ++q) {
        int64_t y = e.rowOf(p, i), x = e.columnOf(q, j);
        if (y >= 0 && x >= 0)
          sum.add(image(e.image(n, y, x, channel)),
                  output(e.output(n, p, q, o)));
      }
  return sum;
}

void sampleConvolution(const schema::Convolution &conv,
                       const vernier_observation_t &observation, Random random,
                       ProductStatistics &statistics) {
  Extents extents = extentsOf(conv, observation);
  withElements(observation, [&](auto first, auto second) {
    for (unsigned i = 0; i < kSampledResults; ++i) {
      Sum sum = conv.kind() == schema::ConvolutionKind::output
                    ? sumOutput(extents, first, second, random)
                : conv.kind() == schema::ConvolutionKind::image
                    ? sumImage(extents, first, second, random)
                    : sumWeight(extents, first, second, random);
      sum.addTo(statistics);
    }
  });
}

} // namespace

bool vernier::run::isProduct(const schema::Call &call) {
  return call.operation_as_Matmul() || call.operation_as_Convolution();
}

void vernier::run::sampleProduct(const schema::Call &call,
                                 const vernier_observation_t &observation,
                                 uint64_t seed, ProductStatistics &statistics) {
  if (const schema::Matmul *matmul = call.operation_as_Matmul())
    sampleMatmul(*matmul, observation, Random(seed), statistics);
  else if (const auto *conv = call.operation_as_Convolution())
    sampleConvolution(*conv, observation, Random(seed), statistics);
}
