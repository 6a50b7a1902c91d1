// RUN: vernier-opt %s -split-input-file -verify-diagnostics

// (D1)
// expected-error @below {{(D1) unknown GPU in target 'cuda:sm_61': expected cuda:NAME with sm_70, sm_75}}
module attributes {target.device = #target.device<"cuda:sm_61">} {}

// -----

// (D1), a CPU that lacks what kernels need.
// expected-error @below {{(D1) target 'cpu:znver5' lacks fma, which generated code needs: use cpu:x86-64-v3 or a newer CPU}}
module attributes {target.device = #target.device<"cpu:znver5", "-fma">} {}

// -----

// Passes read an attribute of the module alone.
// expected-error @below {{'target.device' is #target.device<"cpu:znver5"> of 'func.func'; expected a #target.device of a module}}
func.func private @f() attributes {target.device = #target.device<"cpu:znver5">}

// -----

// The name of a device is no device.
// expected-error @below {{'target.device' is "cpu:znver5" of 'builtin.module'; expected a #target.device of a module}}
module attributes {target.device = "cpu:znver5"} {}

// -----

// expected-error @below {{unknown attribute 'target.gpu'; expected 'target.device'}}
module attributes {target.gpu = "cuda:sm_80"} {}
