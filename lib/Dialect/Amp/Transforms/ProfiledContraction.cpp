//===- ProfiledContraction.cpp - What rounding does to a contraction
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// First order, rounding errors independent of each other and of the values. The
// formulas are those of docs/Rationale/ErrorBudgets.md.
//
//===----------------------------------------------------------------------===//

#include "ProfiledContraction.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

static constexpr double kForbidden = std::numeric_limits<double>::infinity();
/// Of f16: the least magnitude that rounds to infinity, the exponents of its
/// greatest and smallest normal numbers, and its mantissa bits.
static constexpr double kF16Overflow = 65520.0;
static constexpr int64_t kF16MaxExponent = 15, kF16MinExponent = -14,
                         kF16MantissaBits = 10;
/// The smallest normal numbers. bf16's is f32's: what is below, the dot
/// products of a processor take for zero.
static constexpr double kF16SmallestNormal = 0x1p-14,
                        kBf16SmallestNormal = 0x1p-126;
/// The largest scale that a loss scaler is expected to reach.
static constexpr int64_t kMaxScaleExponent = 24;

static double square(double value) { return value * value; }

static bool isGradient(const TensorProfile &tensor) {
  return StringRef(tensor.role).ends_with("gradient");
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// The relative error of rounding to f16 what has been multiplied by
/// 2^`scaleExponent`, squared, from the histogram alone: numbers are taken to
/// be spread evenly within a power of two.
static double getScaledF16Error(const TensorProfile &tensor,
                                int64_t scaleExponent) {
  constexpr double meanSquare = 7.0 / 3; // of [1, 2)
  double error = 0, all = 0;
  for (auto [index, count] : llvm::enumerate(tensor.exponents)) {
    int64_t exponent = tensor.firstExponent + int64_t(index) + scaleExponent;
    double power = count * meanSquare * std::ldexp(1.0, 2 * int(exponent));
    int64_t step = std::max(exponent, kF16MinExponent) - kF16MantissaBits;
    all += power;
    // Below half of the smallest number everything becomes zero.
    error += exponent < step - 1 ? power
                                 : count * std::ldexp(1.0, 2 * int(step)) / 12;
  }
  return all > 0 ? error / all : 0;
}

/// Whether some elements are not zero, but all are subnormal in `type`.
static bool vanishes(const TensorProfile &tensor, StringRef type) {
  double tiny = type == "f16"    ? kF16SmallestNormal
                : type == "bf16" ? kBf16SmallestNormal
                                 : 0;
  return tensor.maxMagnitude > 0 && tensor.maxMagnitude < tiny;
}

/// The relative error of a tensor in `type`, squared.
static double getTensorError(const TensorProfile &tensor, StringRef type,
                             int64_t scaleExponent) {
  if (type == "f32")
    return 0;
  if (tensor.notFinite > 0)
    return kForbidden;
  if (type == "f16" && isGradient(tensor))
    return getScaledF16Error(tensor, scaleExponent);
  if (type == "f16" && tensor.maxMagnitude >= kF16Overflow)
    return kForbidden;
  if (vanishes(tensor, type))
    return kForbidden;
  auto loss = tensor.formats.find(type.str());
  if (loss == tensor.formats.end() || loss->second.overflow > 0)
    return kForbidden;
  return square(loss->second.relativeError);
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

/// The scale with which the greatest gradient is just below f16's end, with a
/// factor of two to spare.
static int64_t chooseScale(const Profile &profile) {
  std::optional<int64_t> greatest;
  for (const TensorProfile &tensor : profile.tensors)
    if (auto exponent = tensor.getMaxExponent(); exponent && isGradient(tensor))
      greatest = std::max(greatest.value_or(*exponent), *exponent);
  return std::clamp<int64_t>(kF16MaxExponent - 1 - greatest.value_or(0), 0,
                             kMaxScaleExponent);
}

std::optional<ProfiledContraction>
ProfiledContraction::find(const Profile &profile, StringRef op,
                          StringRef identity) {
  ProfiledContraction found(profile);
  for (const ProductProfile &product : profile.products) {
    if (product.op != op || product.identity != identity)
      continue;
    if (product.role == kForwardRole)
      found.forwards.push_back(&product);
    else if (product.role == kLhsGradientRole)
      found.lhsGradients.push_back(&product);
    else if (product.role == kRhsGradientRole)
      found.rhsGradients.push_back(&product);
  }
  if (found.forwards.empty())
    return std::nullopt;
  found.scaleExponent = chooseScale(profile);
  return found;
}

double ProfiledContraction::getGradientNorm() const {
  double norm = 0;
  for (const auto *list : {&lhsGradients, &rhsGradients})
    for (const ProductProfile *product : *list)
      for (int64_t index : {product->lhs, product->rhs}) {
        const TensorProfile &tensor = getTensor(index);
        if (isGradient(tensor))
          norm = std::max(norm, tensor.rms *
                                    std::sqrt(double(tensor.getNumElements())));
      }
  return norm;
}

/// The change of the loss, or of the results where no gradient is known.
double
ProfiledContraction::getForwardError(const ProductProfile &product,
                                     const ContractionTypes &types) const {
  const TensorProfile &result = getTensor(product.result);
  double operands =
      getTensorError(getTensor(product.lhs), types.compute, scaleExponent) +
      getTensorError(getTensor(product.rhs), types.compute, scaleExponent);
  double rounded = getTensorError(result, types.result, scaleExponent);
  // The mean square error of a result.
  double error = 0;
  if (operands > 0)
    error += square(product.termsRms) * operands;
  if (rounded > 0)
    error += square(result.rms) * rounded;
  if (error == 0 || std::isnan(error)) // 0 * infinity: of zeros
    return std::isnan(error) ? kForbidden : 0;
  double norm = getGradientNorm();
  if (norm > 0 && profile->loss > 0)
    return error * square(norm / profile->loss);
  return product.resultRms > 0 ? error / square(product.resultRms) : 0;
}

/// Rounding that the forward op has done cannot be undone by a wide gradient:
/// its operands are what that has kept, and gradients arrive in the type of its
/// result.
double
ProfiledContraction::getGradientError(const ProductProfile &product,
                                      StringRef type,
                                      const ContractionTypes &types) const {
  double operands = 0;
  for (int64_t index : {product.lhs, product.rhs}) {
    const TensorProfile &tensor = getTensor(index);
    StringRef kept = isGradient(tensor) ? types.result : types.compute;
    operands += std::max(getTensorError(tensor, type, scaleExponent),
                         getTensorError(tensor, kept, scaleExponent));
  }
  // f32 sums are written as they are where tf32 was multiplied.
  double rounded = type == "tf32" ? 0
                                  : getTensorError(getTensor(product.result),
                                                   type, scaleExponent);
  double amplification =
      product.resultRms > 0 ? product.termsRms / product.resultRms : 0;
  // That errors cancel more than terms do is not relied upon.
  return square(std::max(amplification, 1.0)) * operands + rounded;
}

ContractionError
ProfiledContraction::getError(const ContractionTypes &types) const {
  ContractionError error;
  for (const ProductProfile *product : forwards)
    error.forward += getForwardError(*product, types);
  for (const ProductProfile *product : lhsGradients)
    error.lhsGradient += getGradientError(*product, types.lhsGradient, types);
  for (const ProductProfile *product : rhsGradients)
    error.rhsGradient += getGradientError(*product, types.rhsGradient, types);
  return error;
}

double ProfiledContraction::getAmplification() const {
  double greatest = 0;
  for (const ProductProfile *product : forwards)
    if (product->resultRms > 0)
      greatest = std::max(greatest, product->termsRms / product->resultRms);
  return greatest;
}

std::string ProfiledContraction::getObstacle(StringRef type) const {
  for (const ProductProfile *product : forwards)
    for (int64_t index : {product->lhs, product->rhs, product->result}) {
      const TensorProfile &tensor = getTensor(index);
      if (std::isfinite(getTensorError(tensor, type, scaleExponent)))
        continue;
      if (tensor.notFinite > 0)
        return llvm::formatv("{0} values of '{1}' were not finite",
                             tensor.notFinite, tensor.name);
      if (vanishes(tensor, type))
        return llvm::formatv("'{0}' is at most {1:E2}, which vanishes in {2}",
                             tensor.name, tensor.maxMagnitude, type);
      return llvm::formatv("'{0}' reaches {1:E2}, more than {2} holds",
                           tensor.name, tensor.maxMagnitude, type);
    }
  return "";
}
