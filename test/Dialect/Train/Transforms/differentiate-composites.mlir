// RUN: vernier-opt %s --split-input-file --train-differentiate | FileCheck %s

// The gradient of a composite widens what the op saves (its input or its result,
// as each case says) and the result's gradient, computes in f32 and rounds once.
// The numbers are checked in test/Numerics.
ml_program.global private mutable @x(#train.kaiming) : tensor<4x8xbf16>

// Relu selects, which rounds nothing: its result says where. NaN is not below 0 and
// passes the gradient on.
func.func @relu() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = train.relu %x : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @relu_gradient()
// CHECK: %[[Y:.*]] = train.relu
// CHECK: %[[G:.*]] = train.broadcast
// CHECK: %[[CUT:.*]] = arith.cmpf oge, %{{.*}}, %[[Y]]
// CHECK: %[[DX:.*]] = arith.select %[[CUT]], %{{.*}}, %[[G]]
// CHECK: return %[[DX]]
func.func @relu_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @relu() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

// Gelu saves its input.
func.func @gelu() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = train.gelu %x : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @gelu_gradient()
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: train.gelu
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-DAG: arith.extf %[[G]]
// CHECK-DAG: arith.extf %[[X]]
// CHECK-DAG: math.erfc
// CHECK-DAG: math.exp
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NOT: arith.truncf
// CHECK: return %[[DX]]
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
// CHECK: train.gelu
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-DAG: arith.extf %[[G]]
// CHECK-DAG: arith.extf %[[X]]
// CHECK-NOT: math.tanh
// CHECK: math.exp
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NOT: arith.truncf
// CHECK: return %[[DX]]
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
// CHECK: train.silu
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-DAG: arith.extf %[[G]]
// CHECK-DAG: arith.extf %[[X]]
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NOT: arith.truncf
// CHECK: return %[[DX]]
func.func @silu_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @silu() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

// Sigmoid, tanh and softmax save the result.
func.func @sigmoid() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = train.sigmoid %x : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @sigmoid_gradient()
// CHECK: %[[Y:.*]] = train.sigmoid
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-DAG: arith.extf %[[G]]
// CHECK-DAG: arith.extf %[[Y]]
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NOT: arith.truncf
// CHECK: return %[[DX]]
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
// CHECK: %[[Y:.*]] = math.tanh
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-DAG: arith.extf %[[G]]
// CHECK-DAG: arith.extf %[[Y]]
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NOT: arith.truncf
// CHECK: return %[[DX]]
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
// CHECK: %[[Y:.*]] = train.softmax
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-DAG: arith.extf %[[G]]
// CHECK-DAG: arith.extf %[[Y]]
// CHECK: train.reduce sum {{.*}} dims = [1] {train.backward} : tensor<4x8xf32> -> tensor<4xf32>
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NOT: arith.truncf
// CHECK: return %[[DX]]
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
// CHECK: %[[Y:.*]] = train.log_softmax
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-DAG: arith.extf %[[G]]
// CHECK-DAG: arith.extf %[[Y]]
// CHECK: math.exp
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NOT: arith.truncf
// CHECK: return %[[DX]]
func.func @log_softmax_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @log_softmax() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
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
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: %[[G:.*]] = arith.extf {{.*}} {train.backward}
// CHECK: %[[DBIAS:.*]] = train.reduce sum %[[G]] dims = [0] {train.backward} : tensor<4x8xf32> -> tensor<8xf32>
// CHECK: %[[WIDE:.*]] = arith.extf %[[X]]
// CHECK: train.reduce mean %[[WIDE]] dims = [1]
// CHECK: %[[R:.*]] = math.rsqrt
// CHECK: %[[N:.*]] = arith.mulf {{.*}}, %[[R]]
// CHECK: %[[GN:.*]] = arith.mulf %[[G]], %[[N]]
// CHECK: %[[DSCALE:.*]] = train.reduce sum %[[GN]] dims = [0]
// CHECK: %[[DX:.*]] = arith.truncf
// CHECK: return %[[DX]], %[[DSCALE]], %[[DBIAS]]
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
// CHECK: math.rsqrt
// CHECK: %[[DSCALE:.*]] = train.reduce sum
// CHECK: %[[DX:.*]] = arith.truncf
// CHECK: return %[[DX]], %[[DSCALE]]
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
// CHECK: %[[SEED:.*]] = train.seed
// CHECK: arith.divf %[[SEED]]
// CHECK: train.one_hot
// CHECK: %[[DX:.*]] = arith.truncf {{.*}} : tensor<4x8xf32> to tensor<4x8xf16>
// CHECK-NEXT: return %[[DX]]
func.func @cross_entropy_gradient(%y: tensor<4xi32>) -> tensor<4x8xf16> {
  %loss, %dx = train.gradient @cross_entropy(%y) wrt [@x] : (tensor<4xi32>) -> (tensor<f32>, tensor<4x8xf16>)
  return %dx : tensor<4x8xf16>
}

// A sum divides nothing; the target of another type gets a gradient of its own.
func.func @mse() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xf16>
  %t = ml_program.global_load @t : tensor<4x8xf32>
  %loss = train.mse_loss %x, %t {reduction = #train<reduction sum>} : (tensor<4x8xf16>, tensor<4x8xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @mse_gradient
// CHECK-NOT: arith.divf
// CHECK: %[[WIDE:.*]] = arith.mulf {{.*}} : tensor<4x8xf32>
// CHECK: %[[DX:.*]] = arith.truncf %[[WIDE]]
// CHECK: %[[DT:.*]] = arith.negf %[[WIDE]]
// CHECK: return %[[DX]], %[[DT]]
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
// CHECK: dense<3.200000e+01>
// CHECK: math.exp
// CHECK: %[[DX:.*]] = arith.truncf
// CHECK: %[[DT:.*]] = arith.negf
// CHECK: return %[[DX]], %[[DT]]
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
