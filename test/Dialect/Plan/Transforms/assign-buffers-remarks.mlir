// RUN: vernier-opt %s --plan-assign-buffers --remarks-filter=plan-assign-buffers --remark-format=emitRemark -verify-diagnostics

// What is saved is the most at one time: the second loss saves when what the
// first has saved is given back already. It is never more than the arena.
// expected-remark @below {{saved_bytes=64}}
plan.entry @interleaved {
  %x = plan.input "x" : !plan.buffer<16xf32>
  %a = plan.alloc : !plan.buffer<16xf32> {saved}
  plan.copy %x to %a : !plan.buffer<16xf32> to !plan.buffer<16xf32>
  %da = plan.alloc : !plan.buffer<16xf32>
  plan.copy %a to %da : !plan.buffer<16xf32> to !plan.buffer<16xf32>
  %b = plan.alloc : !plan.buffer<16xf32> {saved}
  plan.copy %da to %b : !plan.buffer<16xf32> to !plan.buffer<16xf32>
  plan.output "b" %b : !plan.buffer<16xf32>
}
