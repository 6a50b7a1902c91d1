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
// Our checkpoints have the types of a plan alone; files of others have any.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_SAFETENSORS_H
#define VERNIER_RUNTIME_SAFETENSORS_H

#include "Runtime/Status.h"
#include "Runtime/Tensor.h"

#include <string>
#include <vector>

namespace vernier::runtime {

/// Element types, as the format spells them. `other` is one that no plan has
/// and nothing is converted from: f8, complex, what comes.
enum class StoredType {
  f32,
  bf16,
  f16,
  f64,
  i8,
  u8,
  i16,
  u16,
  i32,
  u32,
  i64,
  u64,
  boolean,
  other
};

/// A tensor in a file held in memory.
struct StoredTensor {
  std::string name;
  StoredType type;
  std::string typeName;  ///< as the file spells it: "F64"
  vernier_dtype_t dtype; ///< the plan's type, if `type` is one
  std::vector<int64_t> shape;
  const uint8_t *data;
  uint64_t bytes;
};

/// Which types a file may have: those of plans, or all there are.
enum class StoredTypes { ofPlans, any };

/// Read all tensors of a file; they point into `file`.
Status readSafetensors(const uint8_t *file, size_t size,
                       std::vector<StoredTensor> &tensors,
                       StoredTypes types = StoredTypes::ofPlans);

/// What stands before the bytes of `tensors`, which follow in this order.
std::string makeSafetensorsHeader(const std::vector<const Tensor *> &tensors);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_SAFETENSORS_H
