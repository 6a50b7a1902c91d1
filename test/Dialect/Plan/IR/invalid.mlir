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

// A view never changes the number of elements.
plan.entry @p3 {
  %x = plan.input "x" : !plan.buffer<8x4xf32>
  // expected-error @+1 {{(P3) expects as many elements of the same type, got '!plan.buffer<8x4xf32>' and '!plan.buffer<31xf32>'}}
  %y = plan.view %x : !plan.buffer<8x4xf32> to !plan.buffer<31xf32>
}

// -----

// (P4) A copy keeps element type and rank.
plan.entry @e {
  %a = plan.input "a" : !plan.buffer<8x16xf32>
  %b = plan.alloc : !plan.buffer<128xf32>
  // expected-error @below {{(P4) expects one element type and rank, got '!plan.buffer<8x16xf32>' and '!plan.buffer<128xf32>'}}
  plan.copy %a to %b : !plan.buffer<8x16xf32> to !plan.buffer<128xf32>
}
