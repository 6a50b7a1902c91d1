// RUN: vernier-opt %s --emit-kernels --split-input-file --verify-diagnostics

func.func @dims_do_not_divide(%x: tensor<6xf32>) -> tensor<6xf32> {
  %y = train.fusion rows rows = 2 cols = 3 (%x) : (tensor<6xf32>) -> tensor<6xf32> {
  ^bb0(%a: tensor<6xf32>):
    %0 = tensor.expand_shape %a [[0, 1]] output_shape [3, 2] : tensor<6xf32> into tensor<3x2xf32>
    %1 = arith.constant dense<1.0> : tensor<2xf32>
    %2 = arith.negf %1 : tensor<2xf32>
    // expected-error @+1 {{in a fusion of 2 rows and 3 columns has a shape whose dims do not divide them; reshape it outside of the fusion}}
    %3 = train.broadcast %2 dims = [1] : tensor<2xf32> -> tensor<3x2xf32>
    %4 = arith.addf %0, %3 : tensor<3x2xf32>
    %5 = tensor.collapse_shape %4 [[0, 1]] : tensor<3x2xf32> into tensor<6xf32>
    train.yield %5 : tensor<6xf32>
  }
  return %y : tensor<6xf32>
}

// -----

func.func @wide_type(%x: tensor<6xf64>) -> tensor<6xf64> {
  // expected-error @+1 {{cannot compute on 'tensor<6xf64>': kernels take tensors of f32, bf16, f16, i1 and integers of 8 to 64 bits}}
  %y = train.fusion flat rows = 1 cols = 6 (%x) : (tensor<6xf64>) -> tensor<6xf64> {
  ^bb0(%a: tensor<6xf64>):
    train.yield %a : tensor<6xf64>
  }
  return %y : tensor<6xf64>
}

// -----

func.func @constant_of_several_values(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = train.fusion flat rows = 1 cols = 2 (%x) : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%a: tensor<2xf32>):
    // expected-error @+1 {{in a fusion has several values; pass it as an input}}
    %0 = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
    %1 = arith.addf %a, %0 : tensor<2xf32>
    train.yield %1 : tensor<2xf32>
  }
  return %y : tensor<2xf32>
}

// -----

// A pad is for results alone.
func.func @not_elementwise(%x: tensor<2xf32>) -> tensor<4xf32> {
  %y = train.fusion flat rows = 1 cols = 4 (%x) : (tensor<2xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<2xf32>):
    %zero = arith.constant 0.0 : f32
    // expected-error @+1 {{cannot be computed in a fusion: expected an elementwise op on tensors of one shape, train.broadcast, train.reduce, train.one_hot, train.iota, a slice or a reshape}}
    %0 = tensor.pad %a low[0] high[2] {
    ^bb1(%i: index):
      tensor.yield %zero : f32
    } : tensor<2xf32> to tensor<4xf32>
    %1 = arith.addf %0, %0 : tensor<4xf32>
    train.yield %1 : tensor<4xf32>
  }
  return %y : tensor<4xf32>
}

// -----

func.func @reduces_part_of_a_row(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %y = train.fusion rows rows = 2 cols = 12 (%x) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  ^bb0(%a: tensor<2x3x4xf32>):
    // expected-error @+1 {{reduces 4 elements in a fusion over rows of 12; form a fusion of its own for it}}
    %0 = train.reduce sum %a dims = [2] : tensor<2x3x4xf32> -> tensor<2x3xf32>
    %1 = train.broadcast %0 dims = [0, 1] : tensor<2x3xf32> -> tensor<2x3x4xf32>
    train.yield %1 : tensor<2x3x4xf32>
  }
  return %y : tensor<2x3x4xf32>
}

// -----

func.func @result_of_no_loop(%x: tensor<2x3x4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{yields 'tensor<4xf32>', which has neither one element for each of 6 rows and 4 columns, nor one for each of the outer loop}}
  %y = train.fusion rows rows = 6 cols = 4 (%x) : (tensor<2x3x4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<2x3x4xf32>):
    %0 = train.reduce sum %a dims = [0, 1] : tensor<2x3x4xf32> -> tensor<4xf32>
    train.yield %0 : tensor<4xf32>
  }
  return %y : tensor<4xf32>
}

// -----

// One value for all columns cannot be computed for each block of them: every
// block would write it.
func.func @one_value_of_every_block(%x: tensor<3x1xf32>) -> tensor<f32> {
  // expected-error @+1 {{yields one value of type 'tensor<f32>', but computes it for each block of columns}}
  %y = train.fusion columns rows = 3 cols = 4 (%x) : (tensor<3x1xf32>) -> tensor<f32> {
  ^bb0(%a: tensor<3x1xf32>):
    %0 = tensor.collapse_shape %a [[0, 1]] : tensor<3x1xf32> into tensor<3xf32>
    %1 = train.reduce sum %0 dims = [0] : tensor<3xf32> -> tensor<f32>
    train.yield %1 : tensor<f32>
  }
  return %y : tensor<f32>
}

// -----

func.func @calls_a_library(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = train.fusion flat rows = 1 cols = 2 (%x) : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%a: tensor<2xf32>):
    // expected-error @+1 {{has no kernel code: no instruction computes it and no polynomial is known; replace it by other functions of the math dialect}}
    %0 = arith.remf %a, %a : tensor<2xf32>
    train.yield %0 : tensor<2xf32>
  }
  return %y : tensor<2xf32>
}

// -----

func.func @slice_of_the_middle(%x: tensor<4x8xf32>) -> tensor<4x4xf32> {
  %y = train.fusion rows rows = 4 cols = 4 (%x) : (tensor<4x8xf32>) -> tensor<4x4xf32> {
  ^bb0(%a: tensor<4x8xf32>):
    // expected-error @+1 {{in a fusion has an offset, a stride or another rank; leave it outside}}
    %0 = tensor.extract_slice %a[0, 2] [4, 4] [1, 1] : tensor<4x8xf32> to tensor<4x4xf32>
    %1 = arith.addf %0, %0 : tensor<4x4xf32>
    train.yield %1 : tensor<4x4xf32>
  }
  return %y : tensor<4x4xf32>
}

// -----

// Zeros behind all rows are no zeros behind each row.
func.func @pad_of_rows(%x: tensor<4x4xf32>) -> tensor<8x4xf32> {
  %y = train.fusion rows rows = 4 cols = 4 (%x) : (tensor<4x4xf32>) -> tensor<8x4xf32> {
  ^bb0(%a: tensor<4x4xf32>):
    %zero = arith.constant 0.0 : f32
    %0 = arith.addf %a, %a : tensor<4x4xf32>
    // expected-error @+1 {{in a fusion puts something else than zeros behind the rows of a rows fusion; leave it outside}}
    %1 = tensor.pad %0 low[0, 0] high[4, 0] {
    ^bb1(%i: index, %j: index):
      tensor.yield %zero : f32
    } : tensor<4x4xf32> to tensor<8x4xf32>
    train.yield %1 : tensor<8x4xf32>
  }
  return %y : tensor<8x4xf32>
}
