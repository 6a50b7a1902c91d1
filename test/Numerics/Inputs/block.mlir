// A transformer block over (B, T, C) = (2, 8, 16) with 2 heads, and a classifier.
module @block {
  ml_program.global private mutable @g1(#train.constant<1.0>) : tensor<16xf32> {train.role = "parameter"}
  ml_program.global private mutable @c1(#train.constant<0.0>) : tensor<16xf32> {train.role = "parameter"}
  ml_program.global private mutable @qkv(#train.normal<0.0, 0.1>) : tensor<48x16xf32> {train.role = "parameter"}
  ml_program.global private mutable @proj(#train.normal<0.0, 0.1>) : tensor<16x16xf32> {train.role = "parameter"}
  ml_program.global private mutable @g2(#train.constant<1.0>) : tensor<16xf32> {train.role = "parameter"}
  ml_program.global private mutable @up(#train.normal<0.0, 0.1>) : tensor<64x16xf32> {train.role = "parameter"}
  ml_program.global private mutable @upb(#train.constant<0.0>) : tensor<64xf32> {train.role = "parameter"}
  ml_program.global private mutable @down(#train.normal<0.0, 0.1>) : tensor<16x64xf32> {train.role = "parameter"}
  ml_program.global private mutable @head(#train.normal<0.0, 0.1>) : tensor<12x16xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<2x8x16xf32> {train.name = "x"}, %y: tensor<16xi32> {train.name = "y"})
      -> (tensor<f32> {train.name = "loss"}, tensor<16x12xf32> {train.name = "logits"}) {
    %g1 = ml_program.global_load @g1 : tensor<16xf32>
    %c1 = ml_program.global_load @c1 : tensor<16xf32>
    %wqkv = ml_program.global_load @qkv : tensor<48x16xf32>
    %wproj = ml_program.global_load @proj : tensor<16x16xf32>
    %g2 = ml_program.global_load @g2 : tensor<16xf32>
    %wup = ml_program.global_load @up : tensor<64x16xf32>
    %bup = ml_program.global_load @upb : tensor<64xf32>
    %wdown = ml_program.global_load @down : tensor<16x64xf32>
    %whead = ml_program.global_load @head : tensor<12x16xf32>
    %n1 = train.layer_norm %x, %g1, %c1 : (tensor<2x8x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<2x8x16xf32>
    %qkv = train.linear %n1, %wqkv : (tensor<2x8x16xf32>, tensor<48x16xf32>) -> tensor<2x8x48xf32>
    %split = tensor.expand_shape %qkv [[0], [1], [2, 3, 4]] output_shape [2, 8, 3, 2, 8] : tensor<2x8x48xf32> into tensor<2x8x3x2x8xf32>
    %heads = train.transpose %split permutation = [2, 0, 3, 1, 4] : tensor<2x8x3x2x8xf32> -> tensor<3x2x2x8x8xf32>
    %k0 = arith.constant dense<[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]> : tensor<3x3xf32>
    %flat = tensor.collapse_shape %heads [[0], [1, 2, 3, 4]] : tensor<3x2x2x8x8xf32> into tensor<3x256xf32>
    %picked = train.matmul %k0, %flat : (tensor<3x3xf32>, tensor<3x256xf32>) -> tensor<3x256xf32>
    %sq = arith.constant dense<[[1.0, 0.0, 0.0]]> : tensor<1x3xf32>
    %sk = arith.constant dense<[[0.0, 1.0, 0.0]]> : tensor<1x3xf32>
    %sv = arith.constant dense<[[0.0, 0.0, 1.0]]> : tensor<1x3xf32>
    %qf = train.matmul %sq, %picked : (tensor<1x3xf32>, tensor<3x256xf32>) -> tensor<1x256xf32>
    %kf = train.matmul %sk, %picked : (tensor<1x3xf32>, tensor<3x256xf32>) -> tensor<1x256xf32>
    %vf = train.matmul %sv, %picked : (tensor<1x3xf32>, tensor<3x256xf32>) -> tensor<1x256xf32>
    %q1 = tensor.collapse_shape %qf [[0, 1]] : tensor<1x256xf32> into tensor<256xf32>
    %k1 = tensor.collapse_shape %kf [[0, 1]] : tensor<1x256xf32> into tensor<256xf32>
    %v1 = tensor.collapse_shape %vf [[0, 1]] : tensor<1x256xf32> into tensor<256xf32>
    %q = tensor.expand_shape %q1 [[0, 1, 2, 3]] output_shape [2, 2, 8, 8] : tensor<256xf32> into tensor<2x2x8x8xf32>
    %k = tensor.expand_shape %k1 [[0, 1, 2, 3]] output_shape [2, 2, 8, 8] : tensor<256xf32> into tensor<2x2x8x8xf32>
    %v = tensor.expand_shape %v1 [[0, 1, 2, 3]] output_shape [2, 2, 8, 8] : tensor<256xf32> into tensor<2x2x8x8xf32>
    %kt = train.transpose %k permutation = [0, 1, 3, 2] : tensor<2x2x8x8xf32> -> tensor<2x2x8x8xf32>
    %scores = train.matmul %q, %kt : (tensor<2x2x8x8xf32>, tensor<2x2x8x8xf32>) -> tensor<2x2x8x8xf32>
    %scale = arith.constant dense<0.35355339> : tensor<2x2x8x8xf32>
    %scaled = arith.mulf %scores, %scale : tensor<2x2x8x8xf32>
    %p = train.softmax %scaled : (tensor<2x2x8x8xf32>) -> tensor<2x2x8x8xf32>
    %o = train.matmul %p, %v : (tensor<2x2x8x8xf32>, tensor<2x2x8x8xf32>) -> tensor<2x2x8x8xf32>
    %ot = train.transpose %o permutation = [0, 2, 1, 3] : tensor<2x2x8x8xf32> -> tensor<2x8x2x8xf32>
    %oc = tensor.collapse_shape %ot [[0], [1], [2, 3]] : tensor<2x8x2x8xf32> into tensor<2x8x16xf32>
    %attended = train.linear %oc, %wproj : (tensor<2x8x16xf32>, tensor<16x16xf32>) -> tensor<2x8x16xf32>
    %r1 = arith.addf %x, %attended : tensor<2x8x16xf32>
    %n2 = train.rms_norm %r1, %g2 : (tensor<2x8x16xf32>, tensor<16xf32>) -> tensor<2x8x16xf32>
    %u = train.linear %n2, %wup, %bup : (tensor<2x8x16xf32>, tensor<64x16xf32>, tensor<64xf32>) -> tensor<2x8x64xf32>
    %a = train.gelu %u : tensor<2x8x64xf32>
    %d = train.linear %a, %wdown : (tensor<2x8x64xf32>, tensor<16x64xf32>) -> tensor<2x8x16xf32>
    %r2 = arith.addf %r1, %d : tensor<2x8x16xf32>
    %rows = tensor.collapse_shape %r2 [[0, 1], [2]] : tensor<2x8x16xf32> into tensor<16x16xf32>
    %logits = train.linear %rows, %whead : (tensor<16x16xf32>, tensor<12x16xf32>) -> tensor<16x12xf32>
    %loss = train.cross_entropy %logits, %y {label_smoothing = 0.1 : f64} : (tensor<16x12xf32>, tensor<16xi32>) -> tensor<f32>
    return %loss, %logits : tensor<f32>, tensor<16x12xf32>
  }
}
