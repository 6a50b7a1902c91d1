// RUN: vernier-opt %s --train-expand-composites --canonicalize --cse --train-prepare-fusions --train-form-fusions --cse --remarks-filter="train-form-fusions" --remark-format=emitRemark --verify-diagnostics -o /dev/null

// A remark says what a fusion holds and what it keeps out of memory: here the
// 512 bytes of the exponentials, written once and read once.
func.func @chain(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
  // expected-remark @below {{flat fusion of 2 ops over 1 x 128 keeps 1024 bytes out of memory}}
  %e = math.exp %x : tensor<8x16xf32>
  %y = math.sqrt %e : tensor<8x16xf32>
  return %y : tensor<8x16xf32>
}
