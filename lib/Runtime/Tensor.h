//===- Tensor.h - Element types, shapes and their sizes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_TENSOR_H
#define VERNIER_RUNTIME_TENSOR_H

#include "vernier-c/plan.h"

#include <cstdint>
#include <string>
#include <vector>

namespace vernier::runtime {

/// Bytes of one element; 0 for an unknown type.
uint64_t sizeOf(vernier_dtype_t dtype);

/// "f32", "bf16", ...
const char *nameOf(vernier_dtype_t dtype);

/// Name, type and shape with their memory; `info` points into it, so an object
/// stays where it was made.
class Tensor {
public:
  Tensor(std::string name, vernier_dtype_t dtype, std::vector<int64_t> shape,
         int64_t classes = 0);
  const std::string &getName() const { return name; }
  const std::vector<int64_t> &getShape() const { return shape; }
  /// The C view of this tensor, valid while it lives (moving keeps `shape`'s
  /// memory, but may move a short name).
  vernier_tensor_info_t getInfo() const;
  uint64_t getBytes() const { return bytes; }
  vernier_dtype_t getDType() const { return dtype; }

private:
  std::string name;
  vernier_dtype_t dtype;
  std::vector<int64_t> shape;
  uint64_t bytes;
  int64_t classes;
};

/// "bf16[256, 4096]".
std::string describe(vernier_dtype_t dtype, const std::vector<int64_t> &shape);

/// Rounded to nearest, ties to even; overflow is inf, NaN stays NaN.
uint16_t toBf16(float value);
uint16_t toF16(float value);
float fromBf16(uint16_t bits);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_TENSOR_H
