//--- parameter.mlir
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @spare(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @predict(%x: tensor<4xf32> {train.name = "x"}) -> (tensor<4xf32> {train.name = "y"}) {
  %w = ml_program.global_load @w : tensor<4xf32>
  %0 = arith.addf %w, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

//--- loss.mlir
func.func @predict(%x: tensor<4xf32> {train.name = "x"}) -> (tensor<4xf32> {train.name = "y"}) {
  %0 = train.relu %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
