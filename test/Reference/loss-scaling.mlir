// RUN: vernier-evaluate %s --entry=unscale | FileCheck %s --check-prefix=UNSCALE
// RUN: vernier-evaluate %s --entry=gate | FileCheck %s --check-prefix=GATE
// RUN: vernier-evaluate %s --entry=grow | FileCheck %s --check-prefix=GROW
// RUN: vernier-evaluate %s --entry=limits | FileCheck %s --check-prefix=LIMITS

// The reciprocal of the scale is rounded to f32 before it multiplies, as
// GradScaler does: 3 * f32(1/3) is not 1 before the product is rounded.
// UNSCALE: result0: tensor<2xf32> [1, 0.333333343]
// UNSCALE: result1: tensor<2xf16> [3, inf]
func.func @unscale() -> (tensor<2xf32>, tensor<2xf16>) {
  %g = arith.constant dense<[3.0, 1.0]> : tensor<2xbf16>
  %three = arith.constant dense<3.0> : tensor<f32>
  %0 = amp.unscale %g, %three : (tensor<2xbf16>, tensor<f32>) -> tensor<2xf32>
  %h = arith.constant dense<[1.0, 6.0e+04]> : tensor<2xf16>
  %1 = amp.scale %h, %three : tensor<2xf16>, tensor<f32>
  return %0, %1 : tensor<2xf32>, tensor<2xf16>
}

// A gradient with a NaN is not finite, and the gate keeps the old value.
// GATE: result0: tensor<i1> 0
// GATE: result1: tensor<2xf32> [1, 2]
// GATE: result2: tensor<i1> 1
// GATE: result3: tensor<2xf32> [3, 4]
func.func @gate() -> (tensor<i1>, tensor<2xf32>, tensor<i1>, tensor<2xf32>) {
  %good = arith.constant dense<[1.0, 6.0e+04]> : tensor<2xf16>
  %bad = arith.constant dense<[1.0, 0x7E00]> : tensor<2xf16>
  %old = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %new = arith.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %0 = amp.all_finite %good, %bad : (tensor<2xf16>, tensor<2xf16>) -> tensor<i1>
  %1 = amp.gate %0, %old, %new : tensor<i1>, tensor<2xf32>
  %2 = amp.all_finite %good : (tensor<2xf16>) -> tensor<i1>
  %3 = amp.gate %2, %old, %new : tensor<i1>, tensor<2xf32>
  return %0, %1, %2, %3 : tensor<i1>, tensor<2xf32>, tensor<i1>, tensor<2xf32>
}

// Two finite steps of an interval of two: the tracker counts, then the scale
// grows. A step that is not finite halves it and starts over.
// GROW: result0: tensor<f32> 4
// GROW: result1: tensor<i32> 1
// GROW: result2: tensor<f32> 8
// GROW: result3: tensor<i32> 0
// GROW: result4: tensor<f32> 2
// GROW: result5: tensor<i32> 0
func.func @grow() -> (tensor<f32>, tensor<i32>, tensor<f32>, tensor<i32>, tensor<f32>, tensor<i32>) {
  %s = arith.constant dense<4.0> : tensor<f32>
  %t = arith.constant dense<0> : tensor<i32>
  %yes = arith.constant dense<true> : tensor<i1>
  %no = arith.constant dense<false> : tensor<i1>
  %s1, %t1 = amp.update_scale %s, %t, %yes {growth_interval = 2 : i64} : tensor<f32>, tensor<i32>, tensor<i1>
  %s2, %t2 = amp.update_scale %s1, %t1, %yes {growth_interval = 2 : i64} : tensor<f32>, tensor<i32>, tensor<i1>
  %s3, %t3 = amp.update_scale %s1, %t1, %no {growth_interval = 2 : i64} : tensor<f32>, tensor<i32>, tensor<i1>
  return %s1, %t1, %s2, %t2, %s3, %t3 : tensor<f32>, tensor<i32>, tensor<f32>, tensor<i32>, tensor<f32>, tensor<i32>
}

// The scale stays where growing would overflow f32 or pass max_scale, and does
// not fall below min_scale; the tracker starts over all the same.
// LIMITS: result0: tensor<f32> 2.55211775e+38
// LIMITS: result1: tensor<i32> 0
// LIMITS: result2: tensor<f32> 4
// LIMITS: result3: tensor<f32> 3
func.func @limits() -> (tensor<f32>, tensor<i32>, tensor<f32>, tensor<f32>) {
  %huge = arith.constant dense<0x7F400000> : tensor<f32>
  %s = arith.constant dense<4.0> : tensor<f32>
  %t = arith.constant dense<0> : tensor<i32>
  %yes = arith.constant dense<true> : tensor<i1>
  %no = arith.constant dense<false> : tensor<i1>
  %s1, %t1 = amp.update_scale %huge, %t, %yes {growth_interval = 1 : i64} : tensor<f32>, tensor<i32>, tensor<i1>
  %s2, %t2 = amp.update_scale %s, %t, %yes {growth_interval = 1 : i64, max_scale = 7.0 : f64} : tensor<f32>, tensor<i32>, tensor<i1>
  %s3, %t3 = amp.update_scale %s, %t, %no {min_scale = 3.0 : f64} : tensor<f32>, tensor<i32>, tensor<i1>
  return %s1, %t1, %s2, %s3 : tensor<f32>, tensor<i32>, tensor<f32>, tensor<f32>
}
