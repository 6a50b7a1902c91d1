module @labels {
  ml_program.global private mutable @w(#train.kaiming) : tensor<8x8xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<16x8xf32> {train.name = "x"}, %y: tensor<16xi32> {train.name = "y"}) -> (tensor<f32> {train.name = "loss"}) {
    %w = ml_program.global_load @w : tensor<8x8xf32>
    %z = train.linear %x, %w : (tensor<16x8xf32>, tensor<8x8xf32>) -> tensor<16x8xf32>
    %l = train.cross_entropy %z, %y {smoothing = 0.5 : f64} : (tensor<16x8xf32>, tensor<16xi32>) -> tensor<f32>
    return %l : tensor<f32>
  }
}
