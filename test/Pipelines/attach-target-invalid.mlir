// RUN: not vernier-opt %s --attach-target=target=gpu 2>&1 | FileCheck %s --check-prefix=CHECK-UNKNOWN
// RUN: not vernier-opt %s --attach-target=target=cuda:sm_80 --emit-kernels 2>&1 | FileCheck %s --check-prefix=CHECK-DEVICE
// RUN: not vernier-opt %s --attach-target=target=cuda:sm_80 --convert-train-to-plan 2>&1 | FileCheck %s --check-prefix=CHECK-DEVICE
// RUN: not vernier-opt %s --attach-target=target=cuda:sm_80 --attach-target=target=cuda:sm_90 2>&1 | FileCheck %s --check-prefix=CHECK-OTHER

// CHECK-UNKNOWN: error: unknown target 'gpu': expected cpu, cpu:native or cpu:NAME, such as cpu:x86-64-v3

// Kernels and plans are for devices that a runtime has.
// CHECK-DEVICE: error: target 'cuda:sm_80' has no device that could run a plan: its facts serve decisions up to --emit=step

// Half of the decisions would have been for another device.
// CHECK-OTHER: error: the module is for #target.device<"cuda:sm_80">, not for #target.device<"cuda:sm_90">; name its device, or remove 'target.device'
module {}
