//===- CallTitle.h - What messages call an op of the model
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler writes it into a plan, the runtime and its tool print it: header
// only, for both sides of the plan.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_CALLTITLE_H
#define VERNIER_RUNTIME_CALLTITLE_H

#include <string>
#include <string_view>

namespace vernier {

/// "block#2/attn.q (train.linear) at model.mlir:12:8", from an op's kind, its
/// identity (docs/Identities.md) and its place; the last two may be empty. The
/// kind is left out where the identity says it: "block/train.linear@wq".
inline std::string makeCallTitle(std::string_view op, std::string_view identity,
                                 std::string_view place) {
  std::string title(identity.empty() ? op : identity);
  if (title.find(op) == std::string::npos)
    title.append(" (").append(op).append(")");
  if (!place.empty())
    title.append(" at ").append(place);
  return title;
}

} // namespace vernier

#endif // VERNIER_RUNTIME_CALLTITLE_H
