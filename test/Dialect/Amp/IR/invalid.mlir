// RUN: vernier-opt %s -split-input-file -verify-diagnostics

// Each case breaks one numbered constraint of an op's description.

func.func @unscale_a1(%g: tensor<4xf16>, %s: tensor<f32>) {
  // expected-error @+1 {{(A1) expects a result of the gradient's shape, got 'tensor<5xf32>' for 'tensor<4xf16>'}}
  %u = amp.unscale %g, %s : (tensor<4xf16>, tensor<f32>) -> tensor<5xf32>
  return
}

// -----

func.func @gate_a2(%ok: tensor<i1>,
    // expected-note @+1 {{prior use here}}
    %old: tensor<4xf32>, %new: tensor<4xf32>) {
  // expected-error @+1 {{expects different type than prior uses}}
  %p = amp.gate %ok, %old, %new : tensor<i1>, tensor<5xf32>
  return
}

// -----

func.func @update_scale_a3(%s: tensor<f32>, %t: tensor<i32>, %ok: tensor<i1>) {
  // expected-error @+1 {{(A3) expects growth_factor > 1, 0 < backoff_factor < 1, growth_interval >= 1, 0 <= min_scale <= max_scale, hysteresis >= 1}}
  %s1, %t1 = amp.update_scale %s, %t, %ok {backoff_factor = 1.0 : f64} : tensor<f32>, tensor<i32>, tensor<i1>
  return
}

// -----

func.func @update_scale_a4(%s: tensor<f32>, %t: tensor<i32>, %ok: tensor<i1>) {
  // expected-error @+1 {{(A4) expects a new hysteresis tracker exactly if there is an old one}}
  %s1, %t1 = amp.update_scale %s, %t, %ok hysteresis(%t : tensor<i32>) {hysteresis = 2 : i64} : tensor<f32>, tensor<i32>, tensor<i1>
  return
}
