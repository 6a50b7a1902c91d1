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

#include "vernier-c/plan_generated.h"

#include <string>
#include <string_view>

namespace vernier {

/// The op of the model that a call comes from; texts may be empty.
struct CallOrigin {
  std::string_view op;       ///< its kind, "train.linear"
  std::string_view identity; ///< "block#2/attn.q" (docs/Identities.md)
  std::string_view place;    ///< "model.mlir:12:8"
  schema::GradientOf gradient = schema::GradientOf::none;
  std::string_view parameter; ///< that the gradient is of, "wq"
};

inline CallOrigin getOrigin(const schema::Call &call) {
  auto textOf = [](const flatbuffers::String *text) {
    return text ? text->string_view() : std::string_view();
  };
  return {textOf(call.name()), textOf(call.identity()), textOf(call.location()),
          call.gradient(), textOf(call.parameter())};
}

/// "weight gradient", as policies call it: an input is what is not made from a
/// state alone.
inline std::string_view describeGradient(const CallOrigin &origin) {
  if (origin.gradient == schema::GradientOf::bias)
    return "bias gradient";
  return origin.parameter.empty() ? "input gradient" : "weight gradient";
}

/// "block#2/attn.q (train.linear) at model.mlir:12:8". The kind is left out
/// where the identity says it: "block/train.linear@wq". In front of it stands
/// what is computed for the op: "weight gradient (@wq) of ".
inline std::string makeCallTitle(const CallOrigin &origin) {
  std::string title(origin.identity.empty() ? origin.op : origin.identity);
  if (title.find(origin.op) == std::string::npos)
    title.append(" (").append(origin.op).append(")");
  if (!origin.place.empty())
    title.append(" at ").append(origin.place);
  if (origin.gradient == schema::GradientOf::none)
    return title;
  std::string what(describeGradient(origin));
  bool isNamed =
      origin.parameter.empty() ||
      title.find("@" + std::string(origin.parameter)) != std::string::npos;
  if (!isNamed)
    what.append(" (@").append(origin.parameter).append(")");
  return what + " of " + title;
}

} // namespace vernier

#endif // VERNIER_RUNTIME_CALLTITLE_H
