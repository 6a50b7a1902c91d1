//===- Names.h - Suggestions for misspelt names
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_NAMES_H
#define VERNIER_RUN_NAMES_H

#include <string>
#include <string_view>
#include <vector>

namespace vernier::run {

/// Number of letters to insert, delete, replace or swap with a neighbour to
/// make `a` into `b`.
size_t editDistance(std::string_view a, std::string_view b);

/// "; did you mean 'x'?" with the candidate nearest to `name`, or "" if none is
/// near enough to be a misspelling.
std::string didYouMean(std::string_view name,
                       const std::vector<std::string> &candidates);

/// "a, b, c", or "none".
std::string joined(const std::vector<std::string> &names);

} // namespace vernier::run

#endif // VERNIER_RUN_NAMES_H
