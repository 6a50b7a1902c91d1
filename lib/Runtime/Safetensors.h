//===- Safetensors.h - The safetensors format
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file is a 64-bit little-endian header size, a JSON header, and the tensors'
// bytes. The reader is strict: the tensors cover the data without holes or
// overlaps, and every size agrees. See huggingface/safetensors.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_SAFETENSORS_H
#define VERNIER_RUNTIME_SAFETENSORS_H

#include "Runtime/Status.h"
#include "Runtime/Tensor.h"

#include <string>
#include <vector>

namespace vernier::runtime {

/// A tensor in a file held in memory.
struct StoredTensor {
  std::string name;
  vernier_dtype_t dtype;
  std::vector<int64_t> shape;
  const uint8_t *data;
  uint64_t bytes;
};

/// Read all tensors of a file; they point into `file`.
Status readSafetensors(const uint8_t *file, size_t size,
                       std::vector<StoredTensor> &tensors);

/// What stands before the bytes of `tensors`, which follow in this order.
std::string makeSafetensorsHeader(const std::vector<const Tensor *> &tensors);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_SAFETENSORS_H
