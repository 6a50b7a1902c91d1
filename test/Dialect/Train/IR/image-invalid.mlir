// RUN: vernier-opt %s -split-input-file -verify-diagnostics

// Each case breaks one numbered constraint of an op's description.

func.func @conv_v1(%x: tensor<2x8x8x4xf32>, %w: tensor<6x3x3x4xbf16>) {
  // expected-error @+1 {{(V1) expects tensors of rank 4 and operands of one element type}}
  %y = train.conv2d %x, %w : (tensor<2x8x8x4xf32>, tensor<6x3x3x4xbf16>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_v2(%x: tensor<2x8x8x4xf32>, %w: tensor<6x3x3x4xf32>) {
  // expected-error @+1 {{(V2) expects two positive strides and dilations, four paddings of 0 or more and positive groups}}
  %y = train.conv2d %x, %w strides = [0, 1] : (tensor<2x8x8x4xf32>, tensor<6x3x3x4xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_v3(%x: tensor<2x8x8x4xf32>, %w: tensor<6x3x3x4xf32>) {
  // expected-error @+1 {{(V3) expects groups that divide the channels, and a weight of C / groups channels}}
  %y = train.conv2d %x, %w groups = 2 : (tensor<2x8x8x4xf32>, tensor<6x3x3x4xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_v4(%x: tensor<2x8x8x4xf32>, %w: tensor<6x3x3x4xf32>) {
  // expected-error @+1 {{(V4) expects an output of shape (2, 4, 8, 6), got (2, 6, 6, 6)}}
  %y = train.conv2d %x, %w strides = [2, 1] padding = [1, 1, 1, 1] : (tensor<2x8x8x4xf32>, tensor<6x3x3x4xf32>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_v5(%x: tensor<2x8x8x4xbf16>, %w: tensor<6x3x3x4xbf16>) {
  // expected-error @+1 {{(V5) expects f32 operands with tf32}}
  %y = train.conv2d %x, %w {tf32} : (tensor<2x8x8x4xbf16>, tensor<6x3x3x4xbf16>) -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_input_gradient_v4(%g: tensor<2x6x6x6xf32>, %w: tensor<6x3x3x4xf32>) {
  // expected-error @+1 {{(V4) expects an output of shape (2, 8, 8, 6), got (2, 6, 6, 6)}}
  %y = train.conv2d_input_gradient %g, %w padding = [1, 1, 1, 1] : (tensor<2x6x6x6xf32>, tensor<6x3x3x4xf32>) -> tensor<2x8x8x4xf32>
  return
}

// -----

func.func @conv_weight_gradient_v3(%x: tensor<2x8x8x4xf32>, %g: tensor<2x6x6x6xf32>) {
  // expected-error @+1 {{(V3) expects groups that divide the channels}}
  %y = train.conv2d_weight_gradient %x, %g : (tensor<2x8x8x4xf32>, tensor<2x6x6x6xf32>) -> tensor<6x3x3x2xf32>
  return
}

// -----

func.func @pool_q1(%x: tensor<2x8x8x4xf32>) {
  // expected-error @+1 {{(Q1) expects tensors of rank 4, with equal first and last extents and one element type}}
  %y = train.pool2d max %x window = [2, 2] strides = [2, 2] : tensor<2x8x8x4xf32> -> tensor<2x4x4x3xf32>
  return
}

// -----

func.func @pool_q2(%x: tensor<2x8x8x4xf32>) {
  // expected-error @+1 {{(Q2) expects positive windows and strides, and paddings of 0 or more below the window}}
  %y = train.pool2d max %x window = [2, 2] padding = [2, 0, 0, 0] : tensor<2x8x8x4xf32> -> tensor<2x9x7x4xf32>
  return
}

// -----

func.func @pool_q3(%x: tensor<2x8x8x4xf32>) {
  // expected-error @+1 {{(Q3) expects an output of shape (2, 4, 4, 4), got (2, 4, 5, 4)}}
  %y = train.pool2d max %x window = [2, 2] strides = [2, 2] : tensor<2x8x8x4xf32> -> tensor<2x4x5x4xf32>
  return
}

// -----

func.func @pool_q4(%x: tensor<2x8x8x4xf32>) {
  // expected-error @+1 {{(Q4) expects adaptive windows without window, strides and padding, and an output no larger than the image}}
  %y = train.pool2d average %x adaptive : tensor<2x8x8x4xf32> -> tensor<2x9x4x4xf32>
  return
}

// -----

func.func @pool_q5(%g: tensor<2x4x4x4xf32>) {
  // expected-error @+1 {{(Q5) expects an input of the result's type for max, none for average}}
  %y = train.pool2d_gradient max %g window = [2, 2] strides = [2, 2] : (tensor<2x4x4x4xf32>) -> tensor<2x8x8x4xf32>
  return
}

// -----

func.func @pool_kind(%x: tensor<2x8x8x4xf32>) {
  // expected-error @+1 {{unknown pool kind 'median'}}
  %y = train.pool2d median %x : tensor<2x8x8x4xf32> -> tensor<2x8x8x4xf32>
  return
}

// -----

func.func @batch_norm_n1(%x: tensor<8xf32>, %c: tensor<8xf32>) {
  // expected-error @+1 {{(N1) expects an input of rank 2 or more with elements}}
  %y = train.batch_norm_inference %x, %c, %c, %c, %c : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @batch_norm_n1_shape(%x: tensor<4x8xf32>, %c: tensor<4xf32>) {
  // expected-error @+1 {{(N1) expects scale, bias and statistics of shape (8), got (4)}}
  %y = train.group_norm %x, %c, %c {groups = 1 : i64} : (tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @batch_norm_n3(%x: tensor<4x8xf32>, %c: tensor<8xf32>) {
  // expected-error @+1 {{(N3) expects new statistics of the types of the old ones}}
  %y, %m, %v = train.batch_norm %x, %c, %c, %c, %c : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<8xbf16>, tensor<8xf32>)
  return
}

// -----

func.func @group_norm_n4(%x: tensor<4x8xf32>, %c: tensor<8xf32>) {
  // expected-error @+1 {{(N4) expects groups that divide the 8 channels, got 3}}
  %y = train.group_norm %x, %c, %c {groups = 3 : i64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @argmax_a1(%x: tensor<f32>) {
  // expected-error @+1 {{(A1) expects a last dim of 1 to 2^24 - 1 elements}}
  %i = train.argmax %x : tensor<f32> -> tensor<i32>
  return
}

// -----

func.func @accuracy_a2(%x: tensor<4x8xf32>, %l: tensor<5xi32>) {
  // expected-error @+1 {{(A2) expects logits (N, C), labels (N) and a result of f32}}
  %a = train.accuracy %x, %l : (tensor<4x8xf32>, tensor<5xi32>) -> tensor<f32>
  return
}

// -----

func.func @gather_i1(%t: tensor<f32>, %i: tensor<5xi32>) {
  // expected-error @+1 {{(I1) expects a table of rank 1 or more}}
  %y = train.gather %t, %i : (tensor<f32>, tensor<5xi32>) -> tensor<5xf32>
  return
}

// -----

func.func @scatter_add_i1(%u: tensor<4x8xf32>, %i: tensor<5xi32>) {
  // expected-error @+1 {{(I1) expects updates of shape (5, 8), got (4, 8)}}
  %y = train.scatter_add %u, %i : (tensor<4x8xf32>, tensor<5xi32>) -> tensor<9x8xf32>
  return
}

// -----

func.func @gather_i2(%t: tensor<4x8xf32>, %i: tensor<5xi32>) {
  // expected-error @+1 {{(I2) expects one element type}}
  %y = train.gather %t, %i : (tensor<4x8xf32>, tensor<5xi32>) -> tensor<5x8xbf16>
  return
}

// -----

func.func @dropout_d1(%x: tensor<4xf32>, %n: tensor<i32>) {
  // expected-error @+1 {{(D1) expects 0 <= rate < 1 and fewer than 2^31 elements, got 1}}
  %y = train.dropout %x step %n {rate = 1.0 : f64, seed = 1 : i32} : (tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

func.func @dropout_d2(%x: tensor<4xf32>, %n: tensor<i32>) {
  // expected-error @+1 {{(D2) expects a result of shape (4), got (5)}}
  %y = train.dropout %x step %n {rate = 0.5 : f64, seed = 1 : i32} : (tensor<4xf32>, tensor<i32>) -> tensor<5xf32>
  return
}
