// Shapes that divide nothing, a rank-0 and a one-element parameter, a long vector, and
// a softmax of rank 1, which is one row.
module @odd {
  ml_program.global private mutable @w(#train.normal<0.0, 0.1>) : tensor<7x13xf32> {train.role = "parameter"}
  ml_program.global private mutable @b(#train.constant<0.0>) : tensor<7xf32> {train.role = "parameter"}
  ml_program.global private mutable @big(#train.constant<1.0>) : tensor<9000xf32> {train.role = "parameter"}
  ml_program.global private mutable @s(#train.constant<1.0>) : tensor<f32> {train.role = "parameter"}
  ml_program.global private mutable @one(#train.constant<1.0>) : tensor<1xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<5x13xf32> {train.name = "x"}, %y: tensor<5x7xf32> {train.name = "y"}, %z: tensor<9000xf32> {train.name = "z"})
      -> (tensor<f32> {train.name = "loss"}) {
    %w = ml_program.global_load @w : tensor<7x13xf32>
    %b = ml_program.global_load @b : tensor<7xf32>
    %big = ml_program.global_load @big : tensor<9000xf32>
    %s = ml_program.global_load @s : tensor<f32>
    %one = ml_program.global_load @one : tensor<1xf32>
    %h = train.linear %x, %w, %b : (tensor<5x13xf32>, tensor<7x13xf32>, tensor<7xf32>) -> tensor<5x7xf32>
    %sb = train.broadcast %s dims = [] : tensor<f32> -> tensor<5x7xf32>
    %ob = train.broadcast %one dims = [1] : tensor<1xf32> -> tensor<5x7xf32>
    %h1 = arith.mulf %h, %sb : tensor<5x7xf32>
    %h2 = arith.addf %h1, %ob : tensor<5x7xf32>
    %a = train.silu %h2 : tensor<5x7xf32>
    %l1 = train.bce_with_logits_loss %a, %y : (tensor<5x7xf32>, tensor<5x7xf32>) -> tensor<f32>
    %l2 = train.mse_loss %big, %z : (tensor<9000xf32>, tensor<9000xf32>) -> tensor<f32>
    %sm = train.log_softmax %big : (tensor<9000xf32>) -> tensor<9000xf32>
    %l3 = train.reduce mean %sm dims = [0] : tensor<9000xf32> -> tensor<f32>
    %t = arith.addf %l1, %l2 : tensor<f32>
    %loss = arith.subf %t, %l3 : tensor<f32>
    return %loss : tensor<f32>
  }
}
