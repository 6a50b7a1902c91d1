// RUN: split-file %s %t
// RUN: vernier-opt %t/zero.mlir --amp-assign-by-profile="profile=%S/Inputs/layers.json error-budget=0" -verify-diagnostics
// RUN: vernier-opt %t/infinite.mlir --amp-assign-by-profile="profile=%S/Inputs/layers.json error-budget=inf" -verify-diagnostics
// RUN: vernier-opt %t/type.mlir --amp-assign-by-profile="profile=%S/Inputs/layers.json compute=tf32" -verify-diagnostics
// RUN: vernier-opt %t/auto.mlir --amp-autocast=policy=auto -verify-diagnostics

//--- zero.mlir
// A budget that is none.
// expected-error-re @below {{the error budget is 0{{.*}}: expected a positive number}}
module {}

//--- infinite.mlir
// Or one without end.
// expected-error-re @below {{the error budget is {{.*}}: expected a positive number}}
module {}

//--- type.mlir
// A type that has no 16 bits.
// expected-error @below {{unknown 16-bit type 'tf32': expected bf16 or f16}}
module {}

//--- auto.mlir
// The policy that autocast is to read must have been chosen.
// expected-error @below {{the policy auto is chosen from measured numbers: run --amp-assign-by-profile before --amp-autocast}}
module {}
