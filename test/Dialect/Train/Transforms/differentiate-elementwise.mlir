// RUN: vernier-opt %s --split-input-file --train-differentiate | FileCheck %s

// A gradient of one operation is built in the op's own type, where it rounds once
// anyway; a longer one is computed in f32.
ml_program.global private mutable @x(#train.kaiming) : tensor<4x8xbf16>

// Both factors contribute.
func.func @square() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = arith.mulf %x, %x : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @square_gradient()
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: %[[G:.*]] = train.broadcast
// CHECK: arith.mulf %[[G]], %[[X]] {train.backward} : tensor<4x8xbf16>
// CHECK: arith.mulf %[[G]], %[[X]] {train.backward} : tensor<4x8xbf16>
// CHECK: arith.addf {{.*}} {train.backward} : tensor<4x8xf32>
// CHECK: return
func.func @square_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @square() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

// The dividend is a constant: only the divisor gets a gradient.
func.func @quotient() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %one = arith.constant dense<1.0> : tensor<4x8xbf16>
  %y = arith.divf %one, %x : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @quotient_gradient()
// CHECK: arith.divf {{.*}} : tensor<4x8xf32>
// CHECK: arith.mulf {{.*}} : tensor<4x8xf32>
// CHECK: arith.divf {{.*}} : tensor<4x8xf32>
// CHECK: %[[DX:.*]] = arith.truncf
// CHECK-NOT: arith.divf
// CHECK: return %[[DX]]
func.func @quotient_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @quotient() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

// Equal operands share the gradient of a maximum, and NaN passes it on.
func.func @maximum() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %zero = arith.constant dense<0.0> : tensor<4x8xbf16>
  %y = arith.maximumf %x, %zero : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @maximum_gradient()
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: %[[G:.*]] = train.broadcast
// CHECK: %[[LESS:.*]] = arith.cmpf ogt, %{{.*}}, %[[X]]
// CHECK: %[[TIE:.*]] = arith.cmpf oeq, %[[X]]
// CHECK: %[[HALF:.*]] = arith.mulf {{.*}}, %[[G]]
// CHECK: %[[SHARED:.*]] = arith.select %[[TIE]], %[[HALF]], %[[G]]
// CHECK: arith.select %[[LESS]], %{{.*}}, %[[SHARED]]
func.func @maximum_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @maximum() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

// The operand that is the result gets the gradient of minnumf: the first if they are
// equal, and never a NaN.
func.func @minimum() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %zero = arith.constant dense<0.0> : tensor<4x8xbf16>
  %y = arith.minnumf %x, %zero : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @minimum_gradient()
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: %[[ZERO:.*]] = arith.constant dense<0.0
// CHECK: %[[G:.*]] = train.broadcast
// CHECK: %[[WINS:.*]] = arith.cmpf oge, %[[ZERO]], %[[X]] {train.backward}
// CHECK: %[[LOST:.*]] = arith.cmpf uno, %[[ZERO]], %[[ZERO]]
// CHECK: %[[REST:.*]] = arith.select %[[LOST]], %[[G]]
// CHECK: arith.select %[[WINS]], %[[G]], %[[REST]]
func.func @minimum_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @minimum() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

// A comparison has no gradient, its selection passes one.
func.func @where() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %zero = arith.constant dense<0.0> : tensor<4x8xbf16>
  %c = arith.cmpf ogt, %x, %zero : tensor<4x8xbf16>
  %y = arith.select %c, %x, %zero : tensor<4x8xi1>, tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @where_gradient()
// CHECK: %[[C:.*]] = arith.cmpf ogt
// CHECK: %[[G:.*]] = train.broadcast
// CHECK: %[[DX:.*]] = arith.select %[[C]], %[[G]]
// CHECK-NEXT: return %[[DX]]
func.func @where_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @where() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

// The gradient of a cast is the cast back.
func.func @casts() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %wide = arith.extf %x : tensor<4x8xbf16> to tensor<4x8xf32>
  %z = arith.negf %wide : tensor<4x8xf32>
  %y = arith.truncf %z : tensor<4x8xf32> to tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @casts_gradient()
// CHECK: %[[G:.*]] = train.broadcast
// CHECK: %[[WIDE:.*]] = arith.extf %[[G]]
// CHECK: %[[NEG:.*]] = arith.negf %[[WIDE]] {train.backward} : tensor<4x8xf32>
// CHECK: arith.truncf %[[NEG]]
func.func @casts_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @casts() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

// Steps have the derivative 0: what reaches x comes past the floor.
func.func @steps() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %r = math.floor %x : tensor<4x8xbf16>
  %y = arith.subf %x, %r : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @steps_gradient()
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-NEXT: return %[[G]]
func.func @steps_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @steps() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

// A function saves what its derivative reads: here the result, and the input is not even widened.
func.func @exp() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = math.exp %x : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @exp_gradient()
// CHECK: %[[Y:.*]] = math.exp
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-NOT: ml_program.global_load
// CHECK: arith.extf %[[Y]]
// CHECK-NOT: math
// CHECK: return
func.func @exp_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @exp() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

func.func @log() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %y = math.log %x : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @log_gradient()
// CHECK: %[[X:.*]] = ml_program.global_load @x
// CHECK: %[[G:.*]] = train.broadcast
// CHECK: %[[WIDE:.*]] = arith.extf %[[X]]
// CHECK: arith.divf %{{.*}}, %[[WIDE]]
// CHECK: return
func.func @log_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @log() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

// A constant exponent needs no logarithm.
func.func @power() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %e = arith.constant dense<3.0> : tensor<4x8xbf16>
  %y = math.powf %x, %e : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @power_gradient()
// CHECK-NOT: math.log
// CHECK: math.powf {{.*}} {train.backward} : tensor<4x8xf32>
// CHECK-NOT: math.log
// CHECK: return
func.func @power_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @power() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

func.func @fma() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<4x8xbf16>
  %e = arith.constant dense<3.0> : tensor<4x8xbf16>
  %y = math.fma %e, %x, %x : tensor<4x8xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x8xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @fma_gradient()
// CHECK: %[[G:.*]] = train.broadcast
// CHECK: arith.mulf %[[G]]
// CHECK: arith.addf
// CHECK: return
func.func @fma_gradient() -> tensor<4x8xbf16> {
  %loss, %dx = train.gradient @fma() wrt [@x] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dx : tensor<4x8xbf16>
}

// Every function of the table has a gradient, and it verifies.
ml_program.global private mutable @u(#train.kaiming) : tensor<4xf16>
func.func @table() -> tensor<f32> {
  %x0 = ml_program.global_load @u : tensor<4xf16>
  %x1 = math.exp2 %x0 : tensor<4xf16>
  %x2 = math.expm1 %x1 : tensor<4xf16>
  %x3 = math.log2 %x2 : tensor<4xf16>
  %x4 = math.log10 %x3 : tensor<4xf16>
  %x5 = math.log1p %x4 : tensor<4xf16>
  %x6 = math.sqrt %x5 : tensor<4xf16>
  %x7 = math.rsqrt %x6 : tensor<4xf16>
  %x8 = math.cbrt %x7 : tensor<4xf16>
  %x9 = math.sin %x8 : tensor<4xf16>
  %x10 = math.cos %x9 : tensor<4xf16>
  %x11 = math.tan %x10 : tensor<4xf16>
  %x12 = math.asin %x11 : tensor<4xf16>
  %x13 = math.acos %x12 : tensor<4xf16>
  %x14 = math.atan %x13 : tensor<4xf16>
  %x15 = math.sinh %x14 : tensor<4xf16>
  %x16 = math.cosh %x15 : tensor<4xf16>
  %x17 = math.asinh %x16 : tensor<4xf16>
  %x18 = math.acosh %x17 : tensor<4xf16>
  %x19 = math.atanh %x18 : tensor<4xf16>
  %x20 = math.erf %x19 : tensor<4xf16>
  %x21 = math.erfc %x20 : tensor<4xf16>
  %x22 = math.absf %x21 : tensor<4xf16>
  %y = math.atan2 %x22, %x0 : tensor<4xf16>
  %loss = train.reduce sum %y dims = [0] : tensor<4xf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @table_gradient
// CHECK: train.seed
// CHECK: return
func.func @table_gradient() -> tensor<4xf16> {
  %loss, %du = train.gradient @table() wrt [@u] : () -> (tensor<f32>, tensor<4xf16>)
  return %du : tensor<4xf16>
}
