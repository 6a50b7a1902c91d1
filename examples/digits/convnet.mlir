// A convolutional network for 8x8 digits: 3x3 convolutions to 16, 32 and 64
// channels, each with batch norm and ReLU, then the mean over all pixels.
// Images are (rows, height, width, channels), weights (out, height, width, in).
//
// @classify is written as it trains. Only @step runs it so: in @loss and @predict
// batch norm takes the running statistics, dropout drops nothing, and nothing is
// stored.
module @convnet {
  ml_program.global private mutable @conv1.weight(#train.kaiming) : tensor<16x3x3x1xf32> {train.role = "parameter"}
  ml_program.global private mutable @norm1.weight(#train.constant<1.0>) : tensor<16xf32> {train.role = "parameter"}
  ml_program.global private mutable @norm1.bias(#train.constant<0.0>) : tensor<16xf32> {train.role = "parameter"}
  ml_program.global private mutable @norm1.mean(#train.constant<0.0>) : tensor<16xf32> {train.role = "statistic"}
  ml_program.global private mutable @norm1.var(#train.constant<1.0>) : tensor<16xf32> {train.role = "statistic"}
  ml_program.global private mutable @conv2.weight(#train.kaiming) : tensor<32x3x3x16xf32> {train.role = "parameter"}
  ml_program.global private mutable @norm2.weight(#train.constant<1.0>) : tensor<32xf32> {train.role = "parameter"}
  ml_program.global private mutable @norm2.bias(#train.constant<0.0>) : tensor<32xf32> {train.role = "parameter"}
  ml_program.global private mutable @norm2.mean(#train.constant<0.0>) : tensor<32xf32> {train.role = "statistic"}
  ml_program.global private mutable @norm2.var(#train.constant<1.0>) : tensor<32xf32> {train.role = "statistic"}
  ml_program.global private mutable @conv3.weight(#train.kaiming) : tensor<64x3x3x32xf32> {train.role = "parameter"}
  ml_program.global private mutable @norm3.weight(#train.constant<1.0>) : tensor<64xf32> {train.role = "parameter"}
  ml_program.global private mutable @norm3.bias(#train.constant<0.0>) : tensor<64xf32> {train.role = "parameter"}
  ml_program.global private mutable @norm3.mean(#train.constant<0.0>) : tensor<64xf32> {train.role = "statistic"}
  ml_program.global private mutable @norm3.var(#train.constant<1.0>) : tensor<64xf32> {train.role = "statistic"}
  ml_program.global private mutable @fc.weight(#train.kaiming<uniform = true>) : tensor<10x64xf32> {train.role = "parameter"}
  ml_program.global private mutable @fc.bias(#train.constant<0.0>) : tensor<10xf32> {train.role = "parameter"}
  // How many steps have dropped features: the random choice of the next one.
  ml_program.global private mutable @dropout.step(dense<0> : tensor<i32>) : tensor<i32> {train.role = "counter"}

  func.func private @classify(%image: tensor<32x64xf32>) -> tensor<32x10xf32> {
    %x = tensor.expand_shape %image [[0], [1, 2, 3]] output_shape [32, 8, 8, 1] : tensor<32x64xf32> into tensor<32x8x8x1xf32>

    %w1 = ml_program.global_load @conv1.weight : tensor<16x3x3x1xf32>
    %g1 = ml_program.global_load @norm1.weight : tensor<16xf32>
    %b1 = ml_program.global_load @norm1.bias : tensor<16xf32>
    %m1 = ml_program.global_load @norm1.mean : tensor<16xf32>
    %v1 = ml_program.global_load @norm1.var : tensor<16xf32>
    %c1 = train.conv2d %x, %w1 padding = [1, 1, 1, 1] : (tensor<32x8x8x1xf32>, tensor<16x3x3x1xf32>) -> tensor<32x8x8x16xf32>
    %n1, %nm1, %nv1 = train.batch_norm %c1, %g1, %b1, %m1, %v1 : (tensor<32x8x8x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> (tensor<32x8x8x16xf32>, tensor<16xf32>, tensor<16xf32>)
    ml_program.global_store @norm1.mean = %nm1 : tensor<16xf32>
    ml_program.global_store @norm1.var = %nv1 : tensor<16xf32>
    %h1 = train.relu %n1 : tensor<32x8x8x16xf32>

    %w2 = ml_program.global_load @conv2.weight : tensor<32x3x3x16xf32>
    %g2 = ml_program.global_load @norm2.weight : tensor<32xf32>
    %b2 = ml_program.global_load @norm2.bias : tensor<32xf32>
    %m2 = ml_program.global_load @norm2.mean : tensor<32xf32>
    %v2 = ml_program.global_load @norm2.var : tensor<32xf32>
    %c2 = train.conv2d %h1, %w2 padding = [1, 1, 1, 1] : (tensor<32x8x8x16xf32>, tensor<32x3x3x16xf32>) -> tensor<32x8x8x32xf32>
    %n2, %nm2, %nv2 = train.batch_norm %c2, %g2, %b2, %m2, %v2 : (tensor<32x8x8x32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<32xf32>) -> (tensor<32x8x8x32xf32>, tensor<32xf32>, tensor<32xf32>)
    ml_program.global_store @norm2.mean = %nm2 : tensor<32xf32>
    ml_program.global_store @norm2.var = %nv2 : tensor<32xf32>
    %h2 = train.relu %n2 : tensor<32x8x8x32xf32>
    %p2 = train.pool2d max %h2 window = [2, 2] strides = [2, 2] : tensor<32x8x8x32xf32> -> tensor<32x4x4x32xf32>

    %w3 = ml_program.global_load @conv3.weight : tensor<64x3x3x32xf32>
    %g3 = ml_program.global_load @norm3.weight : tensor<64xf32>
    %b3 = ml_program.global_load @norm3.bias : tensor<64xf32>
    %m3 = ml_program.global_load @norm3.mean : tensor<64xf32>
    %v3 = ml_program.global_load @norm3.var : tensor<64xf32>
    %c3 = train.conv2d %p2, %w3 padding = [1, 1, 1, 1] : (tensor<32x4x4x32xf32>, tensor<64x3x3x32xf32>) -> tensor<32x4x4x64xf32>
    %n3, %nm3, %nv3 = train.batch_norm %c3, %g3, %b3, %m3, %v3 : (tensor<32x4x4x64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) -> (tensor<32x4x4x64xf32>, tensor<64xf32>, tensor<64xf32>)
    ml_program.global_store @norm3.mean = %nm3 : tensor<64xf32>
    ml_program.global_store @norm3.var = %nv3 : tensor<64xf32>
    %h3 = train.relu %n3 : tensor<32x4x4x64xf32>

    // One mean for each channel, of which a quarter is dropped.
    %pooled = train.pool2d average %h3 adaptive : tensor<32x4x4x64xf32> -> tensor<32x1x1x64xf32>
    %features = tensor.collapse_shape %pooled [[0], [1, 2, 3]] : tensor<32x1x1x64xf32> into tensor<32x64xf32>
    %step = ml_program.global_load @dropout.step : tensor<i32>
    %one = arith.constant dense<1> : tensor<i32>
    %next = arith.addi %step, %one : tensor<i32>
    ml_program.global_store @dropout.step = %next : tensor<i32>
    %kept = train.dropout %features step %step {rate = 0.25 : f64, seed = 1 : i32} : (tensor<32x64xf32>, tensor<i32>) -> tensor<32x64xf32>

    %w = ml_program.global_load @fc.weight : tensor<10x64xf32>
    %b = ml_program.global_load @fc.bias : tensor<10xf32>
    %logits = train.linear %kept, %w, %b : (tensor<32x64xf32>, tensor<10x64xf32>, tensor<10xf32>) -> tensor<32x10xf32>
    return %logits : tensor<32x10xf32>
  }

  // Pixels in [0, 1], 32 images of 64 each, to unnormalised class scores.
  func.func @predict(%image: tensor<32x64xf32> {train.name = "image"})
      -> (tensor<32x10xf32> {train.name = "logits"}) {
    %logits = func.call @classify(%image) : (tensor<32x64xf32>) -> tensor<32x10xf32>
    return %logits : tensor<32x10xf32>
  }

  func.func @loss(%image: tensor<32x64xf32> {train.name = "image"}, %label: tensor<32xi32> {train.name = "label"})
      -> (tensor<f32> {train.name = "loss"}, tensor<32x10xf32> {train.name = "logits"}) {
    %logits = func.call @classify(%image) : (tensor<32x64xf32>) -> tensor<32x10xf32>
    %loss = train.cross_entropy %logits, %label : (tensor<32x10xf32>, tensor<32xi32>) -> tensor<f32>
    return %loss, %logits : tensor<f32>, tensor<32x10xf32>
  }
}
