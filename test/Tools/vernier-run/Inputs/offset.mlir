// Readings that differ little from a large common offset: what tells them apart
// is lost in 16 bits, in the first layer and in what it writes. The norm takes
// the offset away; the second layer is as good in bf16 as any.
module @offset {
  ml_program.global private mutable @sensor.weight(#train.kaiming<uniform = true>) : tensor<64x64xf32> {train.role = "parameter"}
  ml_program.global private mutable @norm.weight(#train.constant<1.0>) : tensor<64xf32> {train.role = "parameter"}
  ml_program.global private mutable @norm.bias(#train.constant<0.0>) : tensor<64xf32> {train.role = "parameter"}
  ml_program.global private mutable @norm.mean(#train.constant<0.0>) : tensor<64xf32> {train.role = "statistic"}
  ml_program.global private mutable @norm.var(#train.constant<1.0>) : tensor<64xf32> {train.role = "statistic"}
  ml_program.global private mutable @head.weight(#train.kaiming<uniform = true>) : tensor<10x64xf32> {train.role = "parameter"}
  ml_program.global private mutable @head.bias(#train.constant<0.0>) : tensor<10xf32> {train.role = "parameter"}

  func.func @loss(%image: tensor<32x64xf32> {train.name = "image"}, %label: tensor<32xi32> {train.name = "label"})
      -> (tensor<f32> {train.name = "loss"}, tensor<32x10xf32> {train.name = "logits"}) {
    %w1 = ml_program.global_load @sensor.weight : tensor<64x64xf32>
    %g = ml_program.global_load @norm.weight : tensor<64xf32>
    %b = ml_program.global_load @norm.bias : tensor<64xf32>
    %m = ml_program.global_load @norm.mean : tensor<64xf32>
    %v = ml_program.global_load @norm.var : tensor<64xf32>
    %z = train.linear %image, %w1 : (tensor<32x64xf32>, tensor<64x64xf32>) -> tensor<32x64xf32>
    %n, %nm, %nv = train.batch_norm %z, %g, %b, %m, %v : (tensor<32x64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) -> (tensor<32x64xf32>, tensor<64xf32>, tensor<64xf32>)
    ml_program.global_store @norm.mean = %nm : tensor<64xf32>
    ml_program.global_store @norm.var = %nv : tensor<64xf32>
    %h = train.relu %n : tensor<32x64xf32>
    %w2 = ml_program.global_load @head.weight : tensor<10x64xf32>
    %b2 = ml_program.global_load @head.bias : tensor<10xf32>
    %logits = train.linear %h, %w2, %b2 : (tensor<32x64xf32>, tensor<10x64xf32>, tensor<10xf32>) -> tensor<32x10xf32>
    %loss = train.cross_entropy %logits, %label : (tensor<32x10xf32>, tensor<32xi32>) -> tensor<f32>
    return %loss, %logits : tensor<f32>, tensor<32x10xf32>
  }
}
