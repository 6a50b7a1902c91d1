// RUN: vernier-opt %s -split-input-file -verify-diagnostics

// A matmul whose right operand is too small for its leading dimension.
plan.entry @p2 {
  %a = plan.input "a" : !plan.buffer<8x16xf32>
  %b = plan.input "b" : !plan.buffer<16x4xf32>
  %c = plan.alloc : !plan.buffer<8x4xf32>
  // expected-error @+1 {{(P2) expects rhs to hold 1 x 16 x 4 elements with leading dimension 8, got '!plan.buffer<16x4xf32>'}}
  plan.matmul %a, %b to %c batch = 1 m = 8 n = 4 k = 16 : !plan.buffer<8x16xf32>, !plan.buffer<16x4xf32> to !plan.buffer<8x4xf32> {lhs_ld = 16 : i64, rhs_ld = 8 : i64, result_ld = 4 : i64, tile_m = 8 : i64, tile_n = 4 : i64}
}

// -----

// A view has no more elements than its source.
plan.entry @p3 {
  %x = plan.input "x" : !plan.buffer<8x4xf32>
  // expected-error @+1 {{(P3) expects elements of the same type and no more than the source has, got '!plan.buffer<8x4xf32>' and '!plan.buffer<33xf32>'}}
  %y = plan.view %x : !plan.buffer<8x4xf32> to !plan.buffer<33xf32>
}

// -----

// (P4) A copy keeps element type and rank.
plan.entry @e {
  %a = plan.input "a" : !plan.buffer<8x16xf32>
  %b = plan.alloc : !plan.buffer<128xf32>
  // expected-error @below {{(P4) expects one element type and rank, got '!plan.buffer<8x16xf32>' and '!plan.buffer<128xf32>'}}
  plan.copy %a to %b : !plan.buffer<8x16xf32> to !plan.buffer<128xf32>
}

// -----

// (P4) An offset has a number for each dim.
plan.entry @e {
  %a = plan.input "a" : !plan.buffer<8x16xf32>
  %b = plan.alloc : !plan.buffer<4x16xf32>
  // expected-error @below {{(P4) expects an offset for each dim, got 1 for '!plan.buffer<8x16xf32>'}}
  plan.copy %a to %b offset = [4] : !plan.buffer<8x16xf32> to !plan.buffer<4x16xf32>
}

// -----

// (P5) Images and weights have four dims.
plan.entry @e {
  %x = plan.input "x" : !plan.buffer<2x8x8x3xf32>
  %w = plan.input "w" : !plan.buffer<16x27xf32>
  %y = plan.alloc : !plan.buffer<2x8x8x16xf32>
  // expected-error @below {{(P5) expects buffers of rank 4, two strides, four paddings and two dilations}}
  plan.convolution "output" %x, %w, %y : !plan.buffer<2x8x8x3xf32>, !plan.buffer<16x27xf32>, !plan.buffer<2x8x8x16xf32> {strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilation = array<i64: 1, 1>, groups = 1 : i64, tile = 1 : i64}
}

// -----

// (P6) A window has two extents.
plan.entry @e {
  %x = plan.input "x" : !plan.buffer<2x8x8x3xf32>
  %y = plan.alloc : !plan.buffer<2x4x4x3xf32>
  // expected-error @below {{(P6) expects buffers of rank 4, two extents of the window, two strides and four paddings}}
  plan.pool "max" %x to %y : !plan.buffer<2x8x8x3xf32> to !plan.buffer<2x4x4x3xf32> {window = array<i64: 2>, strides = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>}
}

// -----

// (P7) There is an index for each row.
plan.entry @e {
  %t = plan.input "t" : !plan.buffer<100x16xf32>
  %i = plan.input "i" : !plan.buffer<7xi32>
  %y = plan.alloc : !plan.buffer<8x16xf32>
  // expected-error @below {{(P7) expects rows of one length and an index for each, got '!plan.buffer<100x16xf32>', '!plan.buffer<7xi32>' and '!plan.buffer<8x16xf32>' for 100 rows}}
  plan.gather %t, %i to %y rows = 100 : !plan.buffer<100x16xf32>, !plan.buffer<7xi32> to !plan.buffer<8x16xf32>
}
