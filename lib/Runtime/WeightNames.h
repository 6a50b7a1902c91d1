//===- WeightNames.h - Which tensor of a file a state takes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_WEIGHTNAMES_H
#define VERNIER_RUNTIME_WEIGHTNAMES_H

#include "Runtime/Status.h"
#include "vernier-c/session.h"

#include <string>
#include <vector>

namespace vernier::runtime {

/// Rules `state=tensor`. One `*` in both stands for the same text; no tensor
/// means that the state is left as it is.
class WeightNames {
public:
  /// The rules in their order.
  Status add(const vernier_rename_t &rename);

  /// What `state` is called in the file: by the first rule that fits it, or as
  /// it is here. "" if it is to be left alone.
  std::string translate(const std::string &state);

  /// A rule that fitted nothing is a misspelling.
  Status checkAllUsed() const;

private:
  struct Rule {
    std::string state, tensor;
    bool isUsed = false;
  };
  std::vector<Rule> rules;
};

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_WEIGHTNAMES_H
