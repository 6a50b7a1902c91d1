// RUN: vernier-evaluate %s --entry=integers | FileCheck %s --check-prefix=INTEGERS
// RUN: vernier-evaluate %s --entry=casts | FileCheck %s --check-prefix=CASTS
// RUN: vernier-evaluate %s --entry=choose | FileCheck %s --check-prefix=CHOOSE
// RUN: vernier-evaluate %s --entry=shapes | FileCheck %s --check-prefix=SHAPES

// Integers wrap around at their width; unsigned ops see their bits.
// INTEGERS: result0: tensor<2xi32> [-2147483648, 0]
// INTEGERS: result1: tensor<2xi32> [2147483647, 2147483647]
// INTEGERS: result2: tensor<2xi1> [0, 1]
// INTEGERS: result3: tensor<2xi1> [0, 0]
func.func @integers() -> (tensor<2xi32>, tensor<2xi32>, tensor<2xi1>, tensor<2xi1>) {
  %a = arith.constant dense<[2147483647, -1]> : tensor<2xi32>
  %one = arith.constant dense<1> : tensor<2xi32>
  %sum = arith.addi %a, %one : tensor<2xi32>
  %b = arith.constant dense<-1> : tensor<2xi32>
  %shift = arith.shrui %b, %one : tensor<2xi32>
  %less = arith.cmpi slt, %a, %one : tensor<2xi32>
  %below = arith.cmpi ult, %a, %one : tensor<2xi32>
  return %sum, %shift, %less, %below : tensor<2xi32>, tensor<2xi32>, tensor<2xi1>, tensor<2xi1>
}

// A boolean is 1 as an unsigned and -1 as a signed number; bitcasts keep bits;
// float to integer goes towards zero.
// CASTS: result0: tensor<2xf32> [1, 0]
// CASTS: result1: tensor<2xi32> [-1, 0]
// CASTS: result2: tensor<2xi32> [1065353216, -1073741824]
// CASTS: result3: tensor<2xf32> [1, -2]
// CASTS: result4: tensor<2xi32> [1, -2]
func.func @casts() -> (tensor<2xf32>, tensor<2xi32>, tensor<2xi32>, tensor<2xf32>, tensor<2xi32>) {
  %bits = arith.constant dense<[true, false]> : tensor<2xi1>
  %0 = arith.uitofp %bits : tensor<2xi1> to tensor<2xf32>
  %1 = arith.extsi %bits : tensor<2xi1> to tensor<2xi32>
  %f = arith.constant dense<[1.0, -2.0]> : tensor<2xf32>
  %2 = arith.bitcast %f : tensor<2xf32> to tensor<2xi32>
  %3 = arith.bitcast %2 : tensor<2xi32> to tensor<2xf32>
  %g = arith.constant dense<[1.75, -2.5]> : tensor<2xf32>
  %4 = arith.fptosi %g : tensor<2xf32> to tensor<2xi32>
  return %0, %1, %2, %3, %4 : tensor<2xf32>, tensor<2xi32>, tensor<2xi32>, tensor<2xf32>, tensor<2xi32>
}

// Ordered comparisons are false on NaN, unordered ones true; a scalar condition
// chooses whole tensors; maximumf keeps NaN where maxnumf drops it.
// CHOOSE: result0: tensor<2xf32> [5, 2]
// CHOOSE: result1: tensor<2xi1> [1, 0]
// CHOOSE: result2: tensor<2xf32> [nan, 5]
// CHOOSE: result3: tensor<2xf32> [5, 5]
// CHOOSE: result4: tensor<2xf32> [5, 5]
func.func @choose() -> (tensor<2xf32>, tensor<2xi1>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %x = arith.constant dense<[0x7FC00000, 2.0]> : tensor<2xf32>
  %y = arith.constant dense<5.0> : tensor<2xf32>
  %ordered = arith.cmpf olt, %x, %y : tensor<2xf32>
  %0 = arith.select %ordered, %x, %y : tensor<2xi1>, tensor<2xf32>
  %1 = arith.cmpf uge, %x, %y : tensor<2xf32>
  %2 = arith.maximumf %x, %y : tensor<2xf32>
  %3 = arith.maxnumf %x, %y : tensor<2xf32>
  %false = arith.constant false
  %4 = arith.select %false, %x, %y : tensor<2xf32>
  return %0, %1, %2, %3, %4 : tensor<2xf32>, tensor<2xi1>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// Tensor ops move elements and keep them as they are.
// SHAPES: result0: tensor<6xf32> [1, 2, 3, 4, 5, 6]
// SHAPES: result1: tensor<1x2xf32> {{\[}}[5, 6]]
// SHAPES: result2: tensor<3x4xf32> {{\[}}[0, 0, 0, 0], [0, 1, 2, 3], [0, 4, 5, 6]]
// SHAPES: result3: tensor<2x3xf32> {{\[}}[5, 6, 3], [4, 5, 6]]
func.func @shapes() -> (tensor<6xf32>, tensor<1x2xf32>, tensor<3x4xf32>, tensor<2x3xf32>) {
  %x = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %0 = tensor.collapse_shape %x [[0, 1]] : tensor<2x3xf32> into tensor<6xf32>
  %1 = tensor.extract_slice %x[1, 1] [1, 2] [1, 1] : tensor<2x3xf32> to tensor<1x2xf32>
  %zero = arith.constant 0.0 : f32
  %2 = tensor.pad %x low[1, 1] high[0, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<2x3xf32> to tensor<3x4xf32>
  %3 = tensor.insert_slice %1 into %x[0, 0] [1, 2] [1, 1] : tensor<1x2xf32> into tensor<2x3xf32>
  return %0, %1, %2, %3 : tensor<6xf32>, tensor<1x2xf32>, tensor<3x4xf32>, tensor<2x3xf32>
}
