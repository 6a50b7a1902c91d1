module @range {
  ml_program.global private mutable @w(#train.constant<1.0>) : tensor<8x8xf32> {train.role = "parameter", train.range = [-10.0, 10.0]}
  func.func @predict(%x: tensor<16x8xf32> {train.name = "x", train.range = [-1000.0, 1000.0]}) -> (tensor<16x8xf32> {train.name = "y"}) {
    %w = ml_program.global_load @w : tensor<8x8xf32>
    %z = train.linear %x, %w : (tensor<16x8xf32>, tensor<8x8xf32>) -> tensor<16x8xf32>
    %y = train.linear %z, %w : (tensor<16x8xf32>, tensor<8x8xf32>) -> tensor<16x8xf32>
    return %y : tensor<16x8xf32>
  }
}
