// RUN: vernier-opt %s --attach-target | FileCheck %s
// RUN: vernier-opt %s --attach-target=target=cpu:znver5 --attach-target=target=cpu:znver5 | FileCheck %s --check-prefix=NAMED
// RUN: vernier-opt %s --attach-target=target=cuda:sm_80 | FileCheck %s --check-prefix=GPU
// RUN: vernier-opt %s --attach-target=target=cpu:native | vernier-opt --attach-target=target=cpu:native | FileCheck %s --check-prefix=NATIVE

// Portable unless another is asked for, by the canonical name.
// CHECK: module attributes {target.device = #target.device<"cpu:x86-64-v3">}
// A stage's output compiles on for the same device.
// NAMED: module attributes {target.device = #target.device<"cpu:znver5">}
// GPU: module attributes {target.device = #target.device<"cuda:sm_80">}
// The machine's own name, and what it has that others of the name have not:
// "native" means nothing on the next machine.
// NATIVE: module attributes {target.device = #target.device<"cpu:
// NATIVE-NOT: native
module {}
