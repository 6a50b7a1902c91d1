// RUN: vernier-opt %s --split-input-file --verify-diagnostics --train-attach-optimizer

// Only one group asks for clipping: of it alone, or of all? Nothing says so.
ml_program.global private mutable @a(#train.constant<1.0>) : tensor<f32> {train.role = "parameter"}
ml_program.global private mutable @b(#train.constant<1.0>) : tensor<f32> {train.role = "parameter", train.optimizer = {group = "head", "clip-norm" = 1.0}}
// expected-error @below {{clip-norm is 0 in group 'default' but 1 in group 'head': one norm bounds the gradients of all groups; give each group the same clip-norm, or clip-scope=group to one that is to be clipped by a norm of its own}}
func.func @loss() -> tensor<f32> {
  %a = ml_program.global_load @a : tensor<f32>
  return %a : tensor<f32>
}

// -----

// Two bounds of one norm.
ml_program.global private mutable @a(#train.constant<1.0>) : tensor<f32> {train.role = "parameter", train.optimizer = {group = "a", "clip-norm" = 1.0}}
ml_program.global private mutable @b(#train.constant<1.0>) : tensor<f32> {train.role = "parameter", train.optimizer = {group = "b", "clip-norm" = 0.5}}
// expected-error @below {{clip-norm is 1 in group 'a' but 0.5 in group 'b': one norm bounds the gradients of all groups}}
func.func @loss() -> tensor<f32> {
  %a = ml_program.global_load @a : tensor<f32>
  return %a : tensor<f32>
}
