//===- Tensor.cpp - Element types, shapes and their sizes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Tensor.h"

#include <utility>

using namespace vernier::runtime;

uint64_t vernier::runtime::sizeOf(vernier_dtype_t dtype) {
  switch (dtype) {
  case VERNIER_F32:
  case VERNIER_I32:
    return 4;
  case VERNIER_BF16:
  case VERNIER_F16:
    return 2;
  case VERNIER_I64:
    return 8;
  case VERNIER_I1:
    return 1;
  }
  return 0;
}

const char *vernier::runtime::nameOf(vernier_dtype_t dtype) {
  switch (dtype) {
  case VERNIER_F32:
    return "f32";
  case VERNIER_BF16:
    return "bf16";
  case VERNIER_F16:
    return "f16";
  case VERNIER_I32:
    return "i32";
  case VERNIER_I64:
    return "i64";
  case VERNIER_I1:
    return "i1";
  }
  return "unknown";
}

Tensor::Tensor(std::string name, vernier_dtype_t dtype,
               std::vector<int64_t> shape, int64_t classes)
    : name(std::move(name)), dtype(dtype), shape(std::move(shape)),
      bytes(sizeOf(dtype)), classes(classes) {
  for (int64_t extent : this->shape)
    bytes *= static_cast<uint64_t>(extent);
}

vernier_tensor_info_t Tensor::getInfo() const {
  return {name.c_str(), dtype, shape.size(), shape.data(), bytes, classes};
}

std::string vernier::runtime::describe(vernier_dtype_t dtype,
                                       const std::vector<int64_t> &shape) {
  std::string text = nameOf(dtype);
  text += '[';
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + ']';
}

std::string vernier::runtime::describePlace(const std::vector<int64_t> &shape,
                                            uint64_t index) {
  std::string place;
  for (size_t dim = shape.size(); dim-- > 0;) {
    uint64_t extent = uint64_t(shape[dim]);
    place =
        std::to_string(index % extent) + (place.empty() ? "" : ", ") + place;
    index /= extent;
  }
  return place.empty() ? place : " at [" + place + ']';
}
