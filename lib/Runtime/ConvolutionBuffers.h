//===- ConvolutionBuffers.h - Which buffer of a convolution is which
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_CONVOLUTIONBUFFERS_H
#define VERNIER_RUNTIME_CONVOLUTIONBUFFERS_H

#include "vernier-c/plan_generated.h"

namespace vernier::runtime {

/// Of a convolution or one of its gradients, as indices into Entry.buffers:
/// image (N, H, W, C), weight (O, KH, KW, C / groups), output (N, P, Q, O).
struct ConvolutionBuffers {
  /// `call` is a convolution with two inputs and one result.
  explicit ConvolutionBuffers(const schema::Call &call) {
    using Kind = schema::ConvolutionKind;
    uint32_t first = call.inputs()->Get(0), second = call.inputs()->Get(1),
             result = call.results()->Get(0);
    switch (call.operation_as_Convolution()->kind()) {
    case Kind::image:
      image = result, weight = second, output = first;
      break;
    case Kind::weight:
      image = first, weight = result, output = second;
      break;
    case Kind::output:
      image = first, weight = second, output = result;
      break;
    }
  }

  uint32_t image = 0, weight = 0, output = 0;
};

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_CONVOLUTIONBUFFERS_H
