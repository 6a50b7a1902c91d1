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

//--- dead.mlir
// @spare is loaded, for nothing.
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @spare(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @predict(%x: tensor<4xf32> {train.name = "x"}) -> (tensor<4xf32> {train.name = "y"}) {
  %w = ml_program.global_load @w : tensor<4xf32>
  %s = ml_program.global_load @spare : tensor<4xf32>
  %0 = arith.addf %w, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

//--- untrained.mlir
// The loss is one of the data alone.
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<4xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
  %w = ml_program.global_load @w : tensor<4xf32>
  %0 = train.reduce sum %x dims = [0] : tensor<4xf32> -> tensor<f32>
  return %0 : tensor<f32>
}

//--- step.mlir
// The model says itself how it is trained.
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<4xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
  %w = ml_program.global_load @w : tensor<4xf32>
  %0 = arith.mulf %w, %x : tensor<4xf32>
  %1 = train.reduce sum %0 dims = [0] : tensor<4xf32> -> tensor<f32>
  return %1 : tensor<f32>
}
func.func @step(%x: tensor<4xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
  %w = ml_program.global_load @w : tensor<4xf32>
  %l, %g = train.gradient @loss(%x) wrt [@w] : (tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>)
  %rate = arith.constant dense<0.1> : tensor<f32>
  %t = arith.constant dense<1> : tensor<i32>
  %w1 = train.update #train.sgd<> %w, %g, %rate, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  ml_program.global_store @w = %w1 : tensor<4xf32>
  return %l : tensor<f32>
}
