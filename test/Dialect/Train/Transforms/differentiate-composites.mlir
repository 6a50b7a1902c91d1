// RUN: vernier-opt %s --split-input-file --train-differentiate | FileCheck %s

// What the gradient of a composite keeps of the forward part, and where it rounds.
// What it computes is not written down here: its numbers are checked against JAX in
// all types (test/Numerics/vjps.py) and against differences (test/Unit/Reference).

// One value is kept: the result where the derivative can be computed from it, else
// the input. The gradient is computed in f32 and rounded once, at its end. Relu
// selects, which rounds nothing.
ml_program.global private mutable @x(#train.kaiming) : tensor<4x8xbf16>

func.func @relu() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = train.relu %x : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @relu_gradient()
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: %[[Y:.*]] = train.relu %[[X]]
// CHECK: train.reduce sum %[[Y]]
// CHECK: train.broadcast {{.*}} -> tensor<4x8xbf16>
// CHECK-NOT: %[[X]]{{[ ,:]}}
// CHECK-NOT: tensor<4x8xf32>
// CHECK: return
func.func @relu_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @relu() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

func.func @sigmoid() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = train.sigmoid %x : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @sigmoid_gradient()
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: %[[Y:.*]] = train.sigmoid %[[X]]
// CHECK: train.reduce sum %[[Y]]
// CHECK: train.broadcast {{.*}} -> tensor<4x8xbf16>
// CHECK-NOT: %[[X]]{{[ ,:]}}
// CHECK-NOT: arith.truncf
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NEXT: return %[[DX]]
func.func @sigmoid_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @sigmoid() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

func.func @tanh() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = math.tanh %x : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @tanh_gradient()
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: %[[Y:.*]] = math.tanh %[[X]]
// CHECK: train.reduce sum %[[Y]]
// CHECK: train.broadcast {{.*}} -> tensor<4x8xbf16>
// CHECK-NOT: %[[X]]{{[ ,:]}}
// CHECK-NOT: arith.truncf
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NEXT: return %[[DX]]
func.func @tanh_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @tanh() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

func.func @softmax() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = train.softmax %x : (tensor<4x8xbf16>) -> tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @softmax_gradient()
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: %[[Y:.*]] = train.softmax %[[X]]
// CHECK: train.reduce sum %[[Y]]
// CHECK: train.broadcast {{.*}} -> tensor<4x8xbf16>
// CHECK-NOT: %[[X]]{{[ ,:]}}
// CHECK-NOT: arith.truncf
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NEXT: return %[[DX]]
func.func @softmax_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @softmax() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

func.func @log_softmax() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = train.log_softmax %x : (tensor<4x8xbf16>) -> tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @log_softmax_gradient()
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: %[[Y:.*]] = train.log_softmax %[[X]]
// CHECK: train.reduce sum %[[Y]]
// CHECK: train.broadcast {{.*}} -> tensor<4x8xbf16>
// CHECK-NOT: %[[X]]{{[ ,:]}}
// CHECK-NOT: arith.truncf
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NEXT: return %[[DX]]
func.func @log_softmax_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @log_softmax() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

func.func @gelu() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = train.gelu %x : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @gelu_gradient()
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: %[[Y:.*]] = train.gelu %[[X]]
// CHECK: train.reduce sum %[[Y]]
// CHECK: train.broadcast {{.*}} -> tensor<4x8xbf16>
// CHECK-NOT: %[[Y]]{{[ ,:]}}
// CHECK-NOT: arith.truncf
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NEXT: return %[[DX]]
func.func @gelu_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @gelu() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

func.func @gelu_tanh() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = train.gelu %x {form = #train<gelu_form tanh>} : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @gelu_tanh_gradient()
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: %[[Y:.*]] = train.gelu %[[X]]
// CHECK: train.reduce sum %[[Y]]
// CHECK: train.broadcast {{.*}} -> tensor<4x8xbf16>
// CHECK-NOT: %[[Y]]{{[ ,:]}}
// CHECK-NOT: arith.truncf
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NEXT: return %[[DX]]
func.func @gelu_tanh_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @gelu_tanh() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

func.func @silu() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = train.silu %x : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @silu_gradient()
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: %[[Y:.*]] = train.silu %[[X]]
// CHECK: train.reduce sum %[[Y]]
// CHECK: train.broadcast {{.*}} -> tensor<4x8xbf16>
// CHECK-NOT: %[[Y]]{{[ ,:]}}
// CHECK-NOT: arith.truncf
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NEXT: return %[[DX]]
func.func @silu_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @silu() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

// -----

// Norms save their input alone and compute its statistics again; scale and bias
// sum over the rows in f32. Of what nobody wants, nothing is left.
ml_program.global private mutable @x(#train.kaiming) : tensor<4x8xbf16>
ml_program.global private mutable @scale(#train.constant<1.0>) : tensor<8xf32>
ml_program.global private mutable @bias(#train.constant<0.0>) : tensor<8xf32>
func.func @layer_norm() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %scale = ml_program.global_load @scale : tensor<8xf32>
  %bias = ml_program.global_load @bias : tensor<8xf32>
  %y = train.layer_norm %x, %scale, %bias : (tensor<4x8xbf16>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @layer_norm_gradient
// CHECK: %[[Y:.*]] = train.layer_norm
// CHECK: train.reduce sum %[[Y]]
// CHECK: train.broadcast {{.*}} -> tensor<4x8xbf16>
// CHECK-NOT: %[[Y]]{{[ ,:]}}
// CHECK: %[[DBIAS:.*]] = train.reduce sum {{.*}} dims = [0] {train.backward} : tensor<4x8xf32> -> tensor<8xf32>
// CHECK: %[[DSCALE:.*]] = train.reduce sum {{.*}} dims = [0] {train.backward} : tensor<4x8xf32> -> tensor<8xf32>
// CHECK-NOT: arith.truncf
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NEXT: return %[[DX]], %[[DSCALE]], %[[DBIAS]]
func.func @layer_norm_gradient() -> (tensor<4x8xbf16>, tensor<8xf32>, tensor<8xf32>) {
  %loss, %dx, %dscale, %dbias = train.gradient @layer_norm() wrt [@x, @scale, @bias] : () -> (tensor<f32>, tensor<4x8xbf16>, tensor<8xf32>, tensor<8xf32>)
  return %dx, %dscale, %dbias : tensor<4x8xbf16>, tensor<8xf32>, tensor<8xf32>
}

// CHECK-LABEL: func.func @bias_gradient
// CHECK: train.layer_norm
// CHECK-NOT: train.reduce mean
// CHECK: train.reduce sum {{.*}} {train.backward}
// CHECK-NEXT: return
func.func @bias_gradient() -> tensor<8xf32> {
  %loss, %dbias = train.gradient @layer_norm() wrt [@bias] : () -> (tensor<f32>, tensor<8xf32>)
  return %dbias : tensor<8xf32>
}

func.func @rms_norm() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %scale = ml_program.global_load @scale : tensor<8xf32>
  %y = train.rms_norm %x, %scale : (tensor<4x8xbf16>, tensor<8xf32>) -> tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @rms_norm_gradient
// CHECK: %[[Y:.*]] = train.rms_norm
// CHECK: train.reduce sum %[[Y]]
// CHECK: train.broadcast {{.*}} -> tensor<4x8xbf16>
// CHECK-NOT: %[[Y]]{{[ ,:]}}
// CHECK: %[[DSCALE:.*]] = train.reduce sum {{.*}} dims = [0] {train.backward} : tensor<4x8xf32> -> tensor<8xf32>
// CHECK-NOT: arith.truncf
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NEXT: return %[[DX]], %[[DSCALE]]
func.func @rms_norm_gradient() -> (tensor<4x8xbf16>, tensor<8xf32>) {
  %loss, %dx, %dscale = train.gradient @rms_norm() wrt [@x, @scale] : () -> (tensor<f32>, tensor<4x8xbf16>, tensor<8xf32>)
  return %dx, %dscale : tensor<4x8xbf16>, tensor<8xf32>
}

// -----

// Losses compute from the loss's f32 gradient down to the scores, and round
// there. The scale of the loss is the seed's, before any rounding.
ml_program.global private mutable @x(#train.kaiming) : tensor<4x8xf16>
ml_program.global private mutable @t(#train.constant<0.5>) : tensor<4x8xf32>
func.func @cross_entropy(%y: tensor<4xi32>) -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xf16>
  %loss = train.cross_entropy %x, %y {label_smoothing = 0.1 : f64} : (tensor<4x8xf16>, tensor<4xi32>) -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @cross_entropy_gradient
// CHECK: train.seed {{.*}} : tensor<f32>
// CHECK-NOT: arith.truncf
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xf16>
// CHECK-NEXT: return %[[DX]]
func.func @cross_entropy_gradient(%y: tensor<4xi32>) -> tensor<4x8xf16> {
  %loss, %dx = train.gradient @cross_entropy(%y) wrt [@x] : (tensor<4xi32>) -> (tensor<f32>, tensor<4x8xf16>)
  return %dx : tensor<4x8xf16>
}

// A sum divides nothing; the target of another type gets a gradient of its own, which
// the rounding of the scores' gradient does not touch.
func.func @mse() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xf16>
  %t = ml_program.global_load @t : tensor<4x8xf32>
  %loss = train.mse_loss %x, %t {reduction = #train<reduction sum>} : (tensor<4x8xf16>, tensor<4x8xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @mse_gradient
// CHECK-NOT: arith.divf
// CHECK: %[[DX:.*]] = arith.truncf %[[WIDE:[0-9]+]] {{.*}} to tensor<4x8xf16>
// CHECK-NOT: arith.{{truncf|divf}}
// CHECK: %[[DT:.*]] = arith.negf %[[WIDE]]
// CHECK-NEXT: return %[[DX]], %[[DT]]
func.func @mse_gradient() -> (tensor<4x8xf16>, tensor<4x8xf32>) {
  %loss, %dx, %dt = train.gradient @mse() wrt [@x, @t] : () -> (tensor<f32>, tensor<4x8xf16>, tensor<4x8xf32>)
  return %dx, %dt : tensor<4x8xf16>, tensor<4x8xf32>
}

func.func @bce() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xf16>
  %t = ml_program.global_load @t : tensor<4x8xf32>
  %loss = train.bce_with_logits_loss %x, %t : (tensor<4x8xf16>, tensor<4x8xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @bce_gradient
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xf16>
// CHECK-NOT: arith.truncf
// CHECK: return %[[DX]], %{{.*}} : tensor<4x8xf16>, tensor<4x8xf32>
func.func @bce_gradient() -> (tensor<4x8xf16>, tensor<4x8xf32>) {
  %loss, %dx, %dt = train.gradient @bce() wrt [@x, @t] : () -> (tensor<f32>, tensor<4x8xf16>, tensor<4x8xf32>)
  return %dx, %dt : tensor<4x8xf16>, tensor<4x8xf32>
}

// -----

// A graph in f64 stays in f64.
ml_program.global private mutable @x(#train.kaiming) : tensor<4x8xf64>
ml_program.global private mutable @scale(#train.constant<1.0>) : tensor<8xf64>
func.func @loss(%labels: tensor<4xi32>) -> tensor<f64> {
  %x = ml_program.global_load @x : tensor<4x8xf64>
  %scale = ml_program.global_load @scale : tensor<8xf64>
  %a = train.gelu %x : tensor<4x8xf64>
  %b = train.rms_norm %a, %scale : (tensor<4x8xf64>, tensor<8xf64>) -> tensor<4x8xf64>
  %c = train.softmax %b : (tensor<4x8xf64>) -> tensor<4x8xf64>
  %loss = train.cross_entropy %c, %labels : (tensor<4x8xf64>, tensor<4xi32>) -> tensor<f64>
  return %loss : tensor<f64>
}
// CHECK-LABEL: func.func @double
// CHECK-NOT: f32
// CHECK: return
func.func @double(%labels: tensor<4xi32>) -> (tensor<4x8xf64>, tensor<8xf64>) {
  %loss, %dx, %dscale = train.gradient @loss(%labels) wrt [@x, @scale] : (tensor<4xi32>) -> (tensor<f64>, tensor<4x8xf64>, tensor<8xf64>)
  return %dx, %dscale : tensor<4x8xf64>, tensor<8xf64>
}
