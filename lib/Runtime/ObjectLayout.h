//===- ObjectLayout.h - What a kernel object holds, read and checked
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_OBJECTLAYOUT_H
#define VERNIER_RUNTIME_OBJECTLAYOUT_H

#include "Runtime/Status.h"

#include <cstdint>
#include <map>
#include <string>

namespace vernier::runtime {

/// A range of the file, and where it stands relative to the other one.
struct ObjectSegment {
  uint64_t offset = 0, address = 0, bytes = 0;
};

/// An object as vernier-compile links it: constants that are read, code that is
/// executed and read, nothing that is written.
struct ObjectLayout {
  uint16_t machine = 0;  ///< EM_X86_64 or EM_AARCH64
  uint64_t pageSize = 0; ///< no page of this size holds parts of both segments
  ObjectSegment constants, code;
  std::map<std::string, uint64_t> kernels; ///< addresses within `code`
};

/// Read an object, if it has exactly the form that vernier-compile gives it:
/// no relocations, nothing that runs when it is loaded, nothing needed from
/// outside. Executes nothing; any bytes are safe.
Status readObject(const uint8_t *bytes, size_t size, ObjectLayout &layout);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_OBJECTLAYOUT_H
