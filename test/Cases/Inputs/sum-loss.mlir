module @sum {
  ml_program.global private mutable @w(#train.constant<10.0>) : tensor<1x1xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<131072x1xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
    %w = ml_program.global_load @w : tensor<1x1xf32>
    %z = train.linear %x, %w : (tensor<131072x1xf32>, tensor<1x1xf32>) -> tensor<131072x1xf32>
    %l = train.reduce sum %z dims = [0, 1] : tensor<131072x1xf32> -> tensor<f32>
    return %l : tensor<f32>
  }
}
