//===- Json.h - JSON that others wrote
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_JSON_H
#define VERNIER_RUNTIME_JSON_H

#include "Runtime/Status.h"

#include <nlohmann/json.hpp>

namespace vernier::runtime {

/// Parse one JSON object, strictly: no duplicate keys, at most 16 levels, valid
/// UTF-8, nothing after it but white space.
Status parseJson(const char *text, size_t size, nlohmann::json &object);

/// The member `key` if it is there and a string, else null.
const std::string *getString(const nlohmann::json &object, const char *key);
/// Whether `key` is a non-negative integer, and which.
bool getUnsigned(const nlohmann::json &object, const char *key,
                 uint64_t &value);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_JSON_H
