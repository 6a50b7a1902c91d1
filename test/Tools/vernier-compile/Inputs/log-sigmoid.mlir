func.func @predict(%x: tensor<4x8xf32> {train.name = "x"}) -> (tensor<4x8xf32> {train.name = "y"}) {
  %s = train.sigmoid %x : tensor<4x8xf32>
  %y = math.log %s : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
