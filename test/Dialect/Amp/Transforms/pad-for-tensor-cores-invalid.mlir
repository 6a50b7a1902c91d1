// RUN: vernier-opt %s -verify-diagnostics --amp-pad-for-tensor-cores=multiple=-8
// RUN: not vernier-opt %s --amp-pad-for-tensor-cores=multiple=9223372036854775807 2>&1 | FileCheck %s

// CHECK: padding: option multiple is 9223372036854775807, expected 0 (ask the target) to 4096
// expected-error@+1 {{padding: option multiple is -8, expected 0 (ask the target) to 4096}}
module {}
