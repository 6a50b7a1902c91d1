// RUN: vernier-opt %s -split-input-file -verify-diagnostics

// Each case breaks one numbered constraint of an op's description.

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

func.func @matmul_m1_types(%a: tensor<2x3xf32>, %b: tensor<3x4xbf16>) {
  // expected-error @+1 {{(M1) expects operands of one element type and rank 2 or more, got 'tensor<2x3xf32>' and 'tensor<3x4xbf16>'}}
  %c = train.matmul %a, %b : (tensor<2x3xf32>, tensor<3x4xbf16>) -> tensor<2x4xf32>
  return
}

// -----

func.func @matmul_m1_rank(%a: tensor<3xf32>, %b: tensor<3x4xf32>) {
  // expected-error @+1 {{(M1) expects operands of one element type and rank 2 or more}}
  %c = train.matmul %a, %b : (tensor<3xf32>, tensor<3x4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @matmul_m2(%a: tensor<5x2x3xf32>, %b: tensor<6x3x4xf32>) {
  // expected-error @+1 {{(M2) expects equal batch dims or a right operand of rank 2, got}}
  %c = train.matmul %a, %b : (tensor<5x2x3xf32>, tensor<6x3x4xf32>) -> tensor<5x2x4xf32>
  return
}

// -----

func.func @matmul_m3(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) {
  // expected-error @+1 {{(M3) contracts extents 3 and 4, which must be equal}}
  %c = train.matmul %a, %b {transpose_rhs} : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @matmul_m4(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) {
  // expected-error @+1 {{(M4) expects a result of shape (2, 4), got (4, 2)}}
  %c = train.matmul %a, %b : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<4x2xf32>
  return
}

// -----

func.func @matmul_m5(%a: tensor<2x3xbf16>, %b: tensor<3x4xbf16>) {
  // expected-error @+1 {{(M5) expects f32 operands with tf32, got 'tensor<2x3xbf16>'}}
  %c = train.matmul %a, %b {tf32} : (tensor<2x3xbf16>, tensor<3x4xbf16>) -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_l1_types(%x: tensor<2x3xf32>, %w: tensor<4x3xf16>) {
  // expected-error @+1 {{(L1) expects input and weight of one element type, got}}
  %y = train.linear %x, %w : (tensor<2x3xf32>, tensor<4x3xf16>) -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_l1_bias(%x: tensor<2x3xf16>, %w: tensor<4x3xf16>, %b: tensor<4xbf16>) {
  // expected-error @+1 {{(L1) expects a bias of f32 or the input's element type, got 'tensor<4xbf16>'}}
  %y = train.linear %x, %w, %b : (tensor<2x3xf16>, tensor<4x3xf16>, tensor<4xbf16>) -> tensor<2x4xf16>
  return
}

// -----

func.func @linear_l2(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>) {
  // expected-error @+1 {{(L2) expects an input (..., K) and a weight (N, K), got}}
  %y = train.linear %x, %w : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_l2_bias(%x: tensor<2x3xf32>, %w: tensor<4x3xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{(L2) expects a bias of shape (4), got (3)}}
  %y = train.linear %x, %w, %b : (tensor<2x3xf32>, tensor<4x3xf32>, tensor<3xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_l3(%x: tensor<2x3xf32>, %w: tensor<4x3xf32>) {
  // expected-error @+1 {{(L3) expects a result of shape (2, 4), got (2, 3)}}
  %y = train.linear %x, %w : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @linear_l4(%x: tensor<2x3xf16>, %w: tensor<4x3xf16>) {
  // expected-error @+1 {{(L4) expects f32 operands with tf32, got}}
  %y = train.linear %x, %w {tf32} : (tensor<2x3xf16>, tensor<4x3xf16>) -> tensor<2x4xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Softmax, normalisations, losses
//===----------------------------------------------------------------------===//

func.func @softmax_s1(%x: tensor<f32>) {
  // expected-error @+1 {{(S1) expects an input of rank 1 or more, got 'tensor<f32>'}}
  %y = train.softmax %x : (tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @layer_norm_n1_rank(%x: tensor<f32>, %s: tensor<f32>) {
  // expected-error @+1 {{(N1) expects an input of rank 1 or more, got 'tensor<f32>'}}
  %y = train.layer_norm %x, %s, %s : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @rms_norm_n1_scale(%x: tensor<2x4xf32>, %s: tensor<2xf32>) {
  // expected-error @+1 {{(N1) expects scale and bias of shape (4), got (2)}}
  %y = train.rms_norm %x, %s : (tensor<2x4xf32>, tensor<2xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @rms_norm_n2(%x: tensor<2x4xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{(N2) expects a result of shape (2, 4), got (4, 2)}}
  %y = train.rms_norm %x, %s : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<4x2xf32>
  return
}

// -----

func.func @rms_norm_n3(%x: tensor<2x4xf64>, %s: tensor<4xf64>) {
  // expected-error @+1 {{(N3) expects f64 everywhere or nowhere, got 'tensor<2x4xf64>', 'tensor<4xf64>' and 'tensor<2x4xf32>'}}
  %y = train.rms_norm %x, %s : (tensor<2x4xf64>, tensor<4xf64>) -> tensor<2x4xf32>
  return
}

// -----

func.func @cross_entropy_e1(%x: tensor<2x4xf32>, %t: tensor<4xi32>) {
  // expected-error @+1 {{(E1) expects logits (N, C) and labels (N), got}}
  %loss = train.cross_entropy %x, %t : (tensor<2x4xf32>, tensor<4xi32>) -> tensor<f32>
  return
}

// -----

func.func @cross_entropy_e2(%x: tensor<2x4xf32>, %t: tensor<2xi32>) {
  // expected-error @+1 {{(E2) expects 0 <= label_smoothing < 1, got 1}}
  %loss = train.cross_entropy %x, %t {label_smoothing = 1.0 : f64} : (tensor<2x4xf32>, tensor<2xi32>) -> tensor<f32>
  return
}

// -----

func.func @mse_loss_e3(%x: tensor<2xbf16>, %t: tensor<2xbf16>) {
  // expected-error @+1 {{(E3) expects a loss of type tensor<f32>, got 'tensor<bf16>'}}
  %loss = train.mse_loss %x, %t : (tensor<2xbf16>, tensor<2xbf16>) -> tensor<bf16>
  return
}

// -----

func.func @mse_loss_e4(%x: tensor<2xf32>, %t: tensor<3xf32>) {
  // expected-error @+1 {{(E4) expects input and target of one shape, got}}
  %loss = train.mse_loss %x, %t : (tensor<2xf32>, tensor<3xf32>) -> tensor<f32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Shape ops
//===----------------------------------------------------------------------===//

func.func @broadcast_b1(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{(B1) expects one strictly increasing result dim for each input dim, got [1, 0]}}
  %y = train.broadcast %x dims = [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  return
}

// -----

func.func @broadcast_b2(%x: tensor<3xf32>) {
  // expected-error @+1 {{(B2) cannot repeat dim 0 of extent 3 to extent 4}}
  %y = train.broadcast %x dims = [1] : tensor<3xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @broadcast_b3(%x: tensor<3xf32>) {
  // expected-error @+1 {{(B3) expects one element type, got}}
  %y = train.broadcast %x dims = [1] : tensor<3xf32> -> tensor<2x3xbf16>
  return
}

// -----

func.func @reduce_r1(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{(R1) expects strictly increasing dims within the input's rank, got [2]}}
  %y = train.reduce sum %x dims = [2] : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @reduce_r2(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{(R2) expects a result of shape (3), got (2)}}
  %y = train.reduce sum %x dims = [0] : tensor<2x3xf32> -> tensor<2xf32>
  return
}

// -----

func.func @reduce_kind(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{unknown reduce kind 'median'}}
  %y = train.reduce median %x dims = [0] : tensor<2x3xf32> -> tensor<3xf32>
  return
}

// -----

func.func @transpose_t1(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{(T1) expects a permutation of the input's dims, got [0, 0]}}
  %y = train.transpose %x permutation = [0, 0] : tensor<2x3xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @transpose_t2_type(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{(T2) expects one element type, got}}
  %y = train.transpose %x permutation = [1, 0] : tensor<2x3xf32> -> tensor<3x2xf16>
  return
}

// -----

func.func @transpose_t2_shape(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{(T2) expects a result of shape (3, 2), got (2, 3)}}
  %y = train.transpose %x permutation = [1, 0] : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @one_hot_h1(%t: tensor<2xi32>) {
  // expected-error @+1 {{(H1) expects labels (N) and a result (N, C), got}}
  %y = train.one_hot %t : tensor<2xi32> -> tensor<3x2xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Gradient and optimizer
//===----------------------------------------------------------------------===//

func.func @loss(%x: tensor<4xf32>) -> tensor<f32> {
  %loss = train.mse_loss %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
func.func @gradient_g1(%x: tensor<5xf32>) {
  // expected-error @+1 {{(G1) expects 'loss' to be a function of the operands' types}}
  %loss = train.gradient @loss(%x) wrt [] : (tensor<5xf32>) -> tensor<f32>
  return
}

// -----

func.func @not_a_loss(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func @gradient_g2(%x: tensor<4xf32>) {
  // expected-error @+1 {{(G2) expects the first result of 'not_a_loss', the loss, to be a rank-0 floating tensor}}
  %loss = train.gradient @not_a_loss(%x) wrt [] : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

ml_program.global private @w(dense<1.0> : tensor<4xf32>) : tensor<4xf32>
func.func @loss(%x: tensor<4xf32>) -> tensor<f32> {
  %loss = train.mse_loss %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
func.func @gradient_g3(%x: tensor<4xf32>) {
  // expected-error @+1 {{(G3) expects 'w' to be a mutable global of floating type}}
  %loss, %dw = train.gradient @loss(%x) wrt [@w] : (tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>)
  return
}

// -----

ml_program.global private mutable @w(dense<1.0> : tensor<4xf32>) : tensor<4xf32>
func.func @loss(%x: tensor<4xf32>) -> tensor<f32> {
  %loss = train.mse_loss %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
func.func @gradient_g4(%x: tensor<4xf32>) {
  // expected-error @+1 {{(G4) expects 2 results: those of 'loss', then one gradient for each global, of its type}}
  %loss, %dw = train.gradient @loss(%x) wrt [@w] : (tensor<4xf32>) -> (tensor<f32>, tensor<5xf32>)
  return
}

// -----

ml_program.global private mutable @w(dense<1.0> : tensor<4xf32>) : tensor<4xf32>
func.func @loss(%x: tensor<4xf32>) -> tensor<f32> {
  %loss = train.mse_loss %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
func.func @gradient_g5(%x: tensor<4xf32>) {
  // expected-error @+1 {{(G5) expects micro_batches of 1 or more, got 0}}
  %loss, %dw = train.gradient @loss(%x) wrt [@w] {micro_batches = 0 : i64} : (tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>)
  return
}

// -----

func.func @clip_c1(%g: tensor<4xf32>) {
  // expected-error @+1 {{(C1) expects at least one gradient and a max_norm above 0, a normal number of f32, got 1 and 0}}
  %c, %norm = train.clip_by_global_norm %g {max_norm = 0.0 : f64} : (tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>)
  return
}

// -----

func.func @clip_c2_count(%g: tensor<4xf32>) {
  // expected-error @+1 {{(C2) expects a clipped value for each gradient}}
  %norm = train.clip_by_global_norm %g {max_norm = 1.0 : f64} : (tensor<4xf32>) -> tensor<f32>
  return
}

// -----

func.func @clip_c2_type(%g: tensor<4xbf16>) {
  // expected-error @+1 {{(C2) expects an f32 value of its gradient's shape, got 'tensor<4xbf16>' for 'tensor<4xbf16>'}}
  %c, %norm = train.clip_by_global_norm %g {max_norm = 1.0 : f64} : (tensor<4xbf16>) -> (tensor<4xbf16>, tensor<f32>)
  return
}

// -----

func.func @learning_rate_s2(%t: tensor<i32>) {
  // expected-error @+1 {{(S2) expects 0 <= warmup_steps < total_steps, got 10 and 10}}
  %lr = train.learning_rate %t {base = 1.0 : f64, schedule = #train<schedule linear>, warmup_steps = 10 : i64, total_steps = 10 : i64} : (tensor<i32>) -> tensor<f32>
  return
}

// -----

func.func @update_u1(%p: tensor<4xf32>, %g: tensor<5xf32>, %lr: tensor<f32>, %t: tensor<i32>) {
  // expected-error @+1 {{(U1) expects gradient and states of shape (4), got (5)}}
  %p1 = train.update #train.sgd<> %p, %g, %lr, %t : (tensor<4xf32>, tensor<5xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

func.func @update_u2(%p: tensor<4xf32>, %lr: tensor<f32>, %t: tensor<i32>) {
  // expected-error @+1 {{(U2) expects 2 states for this optimizer, got 0 and 0 results}}
  %p1 = train.update #train.adam<> %p, %p, %lr, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

func.func @learning_rate_s3(%t: tensor<i32>) {
  // expected-error @+1 {{(S3) expects rates of 0 or more, finite in f32, got base -1.000000e+00 and final 0.000000e+00}}
  %lr = train.learning_rate %t {base = -1.0 : f64} : (tensor<i32>) -> tensor<f32>
  return
}

// -----

func.func @learning_rate_s3_final(%t: tensor<i32>) {
  // expected-error @+1 {{(S3) expects rates of 0 or more, finite in f32, got base 1.000000e+00 and final 1.000000e+39}}
  %lr = train.learning_rate %t {base = 1.0 : f64, final = 1.0e39 : f64} : (tensor<i32>) -> tensor<f32>
  return
}

// -----

// A momentum of 2 doubles with every step.
func.func @update_u4_sgd(%p: tensor<4xf32>, %lr: tensor<f32>, %t: tensor<i32>) {
  // expected-error @+1 {{(U4) expects 0 <= momentum < 1 and a weight decay of 0 or more, got #train.sgd<momentum = 2.000000e+00}}
  %p1, %m1 = train.update #train.sgd<momentum = 2.0> %p, %p, %lr, %t states(%p) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @update_u4_adam(%p: tensor<4xf32>, %lr: tensor<f32>, %t: tensor<i32>) {
  // expected-error @+1 {{(U4) expects 0 <= beta1 < 1, 0 <= beta2 < 1, epsilon and weight decay of 0 or more, got #train.adam<}}
  %p1, %m1, %v1 = train.update #train.adam<beta2 = 1.0> %p, %p, %lr, %t states(%p, %p) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @update_u4_adamw(%p: tensor<4xf32>, %lr: tensor<f32>, %t: tensor<i32>) {
  // expected-error @+1 {{(U4) expects 0 <= beta1 < 1, 0 <= beta2 < 1, epsilon and weight decay of 0 or more, got #train.adamw<}}
  %p1, %m1, %v1 = train.update #train.adamw<weightDecay = -0.1> %p, %p, %lr, %t states(%p, %p) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

// What a variance is shifted by: of 0 a constant row gives NaN.
func.func @layer_norm_n5(%x: tensor<2x4xf32>, %g: tensor<4xf32>) {
  // expected-error @+1 {{(N5) expects an epsilon above 0, a normal number of f32, got 0.000000e+00}}
  %y = train.layer_norm %x, %g, %g {epsilon = 0.0 : f64} : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @rms_norm_n5(%x: tensor<2x4xf32>, %g: tensor<4xf32>) {
  // expected-error @+1 {{(N5) expects an epsilon above 0, a normal number of f32, got -1.000000e-05}}
  %y = train.rms_norm %x, %g {epsilon = -1.0e-5 : f64} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// A running average that takes twice of the new and away the old.
func.func @batch_norm_n6(%x: tensor<2x4xf32>, %g: tensor<4xf32>) {
  // expected-error @+1 {{(N6) expects 0 <= momentum <= 1, got 2.000000e+00}}
  %y, %m, %v = train.batch_norm %x, %g, %g, %g, %g {momentum = 2.0 : f64} : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// Fusion
//===----------------------------------------------------------------------===//

func.func @fusion_schedule(%x: tensor<4xf32>) {
  // expected-error @+1 {{unknown fusion schedule 'diagonal'}}
  %y = train.fusion diagonal rows = 1 cols = 4 (%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    train.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @fusion_f1(%x: tensor<4xf32>) {
  // expected-error @+1 {{(F1) expects block arguments of the inputs' types and yielded values of the results' types}}
  %y = train.fusion flat rows = 1 cols = 4 (%x) : (tensor<4xf32>) -> tensor<4xbf16> {
  ^bb0(%a: tensor<4xf32>):
    train.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @fusion_f2(%x: tensor<4xf32>) {
  // expected-error @+1 {{(F2) cannot hold 'train.relu'}}
  %y = train.fusion flat rows = 1 cols = 4 (%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %r = train.relu %a : tensor<4xf32>
    train.yield %r : tensor<4xf32>
  }
  return
}

// -----

func.func @fusion_f3(%x: tensor<4xf32>) {
  // expected-error @+1 {{(F3) a flat fusion cannot hold a reduction}}
  %y = train.fusion flat rows = 1 cols = 4 (%x) : (tensor<4xf32>) -> tensor<f32> {
  ^bb0(%a: tensor<4xf32>):
    %s = train.reduce sum %a dims = [0] : tensor<4xf32> -> tensor<f32>
    train.yield %s : tensor<f32>
  }
  return
}

// -----

func.func @gradients_g1(%x: tensor<4x4xf32>) {
  // expected-error @+1 {{(G1) expects train.operand_gradients to have a #train.gradient_types or 'unit' for each of its 2 operands, got [unit]}}
  %y = train.matmul %x, %x {train.operand_gradients = [unit]} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

// expected-error @+1 {{(R1) has the unknown train.role "paramter"; expected "parameter", "frozen"}}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.role = "paramter"}

// -----

// expected-error @+1 {{(R1) has the unknown train.role 7}}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.role = 7}

//===----------------------------------------------------------------------===//
// Attributes on other dialects' ops
//===----------------------------------------------------------------------===//

// -----

// An attribute that is not known is hardly meant.
func.func @unknown(
    // expected-error @+1 {{unknown attribute 'train.nam'; did you mean 'train.name'?}}
    %x: tensor<4xf32> {train.nam = "x"}) {
  return
}

// -----

// expected-error @+1 {{unknown attribute 'train.something'; expected train.name}}
func.func @unknown() -> (tensor<4xf32> {train.something}) {
  %0 = arith.constant dense<0.0> : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// One that is has its place.
// expected-error @+1 {{'train.name' is read on an argument of a function or a result of a function, not on an op}}
func.func @place() attributes {train.name = "x"} {
  return
}

// -----

// expected-error @+1 {{'train.backward' is read on an op, not on an ml_program.global}}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.backward}

// -----

// And a kind of value.
func.func @kind(
    // expected-error @+1 {{'train.name' is 3 : i64; expected a string}}
    %x: tensor<4xf32> {train.name = 3},
    %y: tensor<4xf32> {train.classes = 3}) {
  return
}

// -----

// expected-error @+1 {{'train.group' is 3 : i64; expected a string}}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.group = 3}

// -----

// expected-error @+1 {{'train.optimizer' is 3 : i64; expected a dictionary of settings}}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.optimizer = 3}

// -----

// expected-error @+1 {{'train.labels' is [1 : i32]; expected an array of strings}}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<1xf32> {train.labels = [1 : i32]}

// -----

// Bounds are two numbers in order.
// expected-error @+1 {{'train.range' is [2.000000e+00, 1.000000e+00]; expected two numbers in order, such as [-1.0, 1.0]}}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.range = [2.0, 1.0]}

// -----

// expected-error @+1 {{'train.range' is [0.000000e+00, "one"]; expected two numbers}}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.range = [0.0, "one"]}

// -----

// expected-error @+1 {{'train.range' is 1.000000e+00 : f32; expected two numbers}}
func.func @single(%x: tensor<4xf32> {train.range = 1.0 : f32}) {
  return
}

//===----------------------------------------------------------------------===//
// Initial values
//===----------------------------------------------------------------------===//

// -----

// expected-error @+1 {{#train.constant expects a finite number of f32, got 1.000000e+39}}
ml_program.global private mutable @w(#train.constant<1.0e39>) : tensor<4xf32>

// -----

// expected-error @+1 {{#train.normal expects a mean and a standard deviation of 0 or more, finite numbers of f32, got 0.000000e+00 and -1.000000e+00}}
ml_program.global private mutable @w(#train.normal<0.0, -1.0>) : tensor<4xf32>

// -----

// expected-error @+1 {{#train.normal expects a mean and a standard deviation of 0 or more}}
ml_program.global private mutable @w(#train.normal<0.0, 1.0e400>) : tensor<4xf32>

// -----

// expected-error @+1 {{#train.uniform expects two finite numbers of f32 in order, got 1.000000e+00 and -1.000000e+00}}
ml_program.global private mutable @w(#train.uniform<1.0, -1.0>) : tensor<4xf32>
