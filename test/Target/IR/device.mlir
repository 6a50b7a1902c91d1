// RUN: vernier-opt %s | vernier-opt | FileCheck %s
// RUN: vernier-opt %s --emit-kernels | FileCheck %s --check-prefix=KERNEL

// Features that differ from those of the CPU's name: without AVX-512 its kernels
// have vectors of eight elements, two in a step.
// CHECK: module attributes {target.device = #target.device<"cpu:znver5", "-avx512f">}
// KERNEL: llvm.load %{{.*}} -> vector<16xf32>
// KERNEL-NOT: vector<32xf32>
module attributes {target.device = #target.device<"cpu:znver5", "-avx512f">} {
  func.func @f(%x: tensor<64xf32>) -> tensor<64xf32> {
    %y = train.fusion flat rows = 1 cols = 64 (%x) : (tensor<64xf32>) -> tensor<64xf32> {
    ^bb0(%a: tensor<64xf32>):
      %b = arith.addf %a, %a : tensor<64xf32>
      train.yield %b : tensor<64xf32>
    }
    return %y : tensor<64xf32>
  }
}
