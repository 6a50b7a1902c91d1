// A multi-layer perceptron for 8x8 digits: 64 - 256 - 128 - 10 with ReLU.
// Parameters are stored (out features, in features), as PyTorch does.
module @mlp {
  ml_program.global private mutable @fc1.weight(#train.kaiming<uniform = true>) : tensor<256x64xf32> {train.role = "parameter"}
  ml_program.global private mutable @fc1.bias(#train.constant<0.0>) : tensor<256xf32> {train.role = "parameter"}
  ml_program.global private mutable @fc2.weight(#train.kaiming<uniform = true>) : tensor<128x256xf32> {train.role = "parameter"}
  ml_program.global private mutable @fc2.bias(#train.constant<0.0>) : tensor<128xf32> {train.role = "parameter"}
  ml_program.global private mutable @fc3.weight(#train.kaiming<uniform = true>) : tensor<10x128xf32> {train.role = "parameter"}
  ml_program.global private mutable @fc3.bias(#train.constant<0.0>) : tensor<10xf32> {train.role = "parameter"}

  // Pixels in [0, 1], 32 images of 64 each, to unnormalised class scores.
  func.func @predict(%image: tensor<32x64xf32> {train.name = "image"})
      -> (tensor<32x10xf32> {train.name = "logits"}) {
    %w1 = ml_program.global_load @fc1.weight : tensor<256x64xf32>
    %b1 = ml_program.global_load @fc1.bias : tensor<256xf32>
    %w2 = ml_program.global_load @fc2.weight : tensor<128x256xf32>
    %b2 = ml_program.global_load @fc2.bias : tensor<128xf32>
    %w3 = ml_program.global_load @fc3.weight : tensor<10x128xf32>
    %b3 = ml_program.global_load @fc3.bias : tensor<10xf32>
    %z1 = train.linear %image, %w1, %b1 : (tensor<32x64xf32>, tensor<256x64xf32>, tensor<256xf32>) -> tensor<32x256xf32>
    %h1 = train.relu %z1 : tensor<32x256xf32>
    %z2 = train.linear %h1, %w2, %b2 : (tensor<32x256xf32>, tensor<128x256xf32>, tensor<128xf32>) -> tensor<32x128xf32>
    %h2 = train.relu %z2 : tensor<32x128xf32>
    %logits = train.linear %h2, %w3, %b3 : (tensor<32x128xf32>, tensor<10x128xf32>, tensor<10xf32>) -> tensor<32x10xf32>
    return %logits : tensor<32x10xf32>
  }

  func.func @loss(%image: tensor<32x64xf32> {train.name = "image"}, %label: tensor<32xi32> {train.name = "label"})
      -> (tensor<f32> {train.name = "loss"}, tensor<32x10xf32> {train.name = "logits"}) {
    %logits = func.call @predict(%image) : (tensor<32x64xf32>) -> tensor<32x10xf32>
    %loss = train.cross_entropy %logits, %label : (tensor<32x10xf32>, tensor<32xi32>) -> tensor<f32>
    return %loss, %logits : tensor<f32>, tensor<32x10xf32>
  }
}
