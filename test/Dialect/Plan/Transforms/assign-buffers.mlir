// RUN: vernier-opt --plan-assign-buffers -split-input-file %s | FileCheck %s
// RUN: vernier-opt --attach-target=target=cuda:sm_80 --plan-assign-buffers -split-input-file %s | FileCheck %s --check-prefix=WIDE

// A buffer takes the place of one that is no longer used; one that is still
// used keeps its place.
// CHECK-LABEL: plan.entry @reuse
// CHECK-SAME: arena_bytes = 192
plan.entry @reuse {
  // CHECK: plan.input "x" : <16xf32> {offset = 0 : i64}
  %x = plan.input "x" : !plan.buffer<16xf32>
  // CHECK: plan.alloc : <16xf32> {offset = 64 : i64}
  %a = plan.alloc : !plan.buffer<16xf32>
  plan.copy %x to %a : !plan.buffer<16xf32> to !plan.buffer<16xf32>
  // The input's last use is behind us: its place is free.
  // CHECK: plan.alloc : <16xf32> {offset = 0 : i64}
  %b = plan.alloc : !plan.buffer<16xf32>
  plan.copy %a to %b : !plan.buffer<16xf32> to !plan.buffer<16xf32>
  // CHECK: plan.alloc : <16xf32> {offset = 128 : i64}
  %c = plan.alloc : !plan.buffer<16xf32>
  plan.copy %a to %c : !plan.buffer<16xf32> to !plan.buffer<16xf32>
  plan.output "b" %b : !plan.buffer<16xf32>
  plan.output "c" %c : !plan.buffer<16xf32>
}

// -----

// A view keeps the memory it looks at alive.
// CHECK-LABEL: plan.entry @view
plan.entry @view {
  %x = plan.input "x" : !plan.buffer<4x4xf32>
  // CHECK: plan.alloc : <4x4xf32> {offset = 64 : i64}
  %a = plan.alloc : !plan.buffer<4x4xf32>
  plan.copy %x to %a : !plan.buffer<4x4xf32> to !plan.buffer<4x4xf32>
  %v = plan.view %a : !plan.buffer<4x4xf32> to !plan.buffer<16xf32>
  // CHECK: plan.alloc : <16xf32> {offset = 0 : i64}
  %b = plan.alloc : !plan.buffer<16xf32>
  plan.copy %v to %b : !plan.buffer<16xf32> to !plan.buffer<16xf32>
  plan.output "b" %b : !plan.buffer<16xf32>
}

// -----

// States lie one after the other, each aligned; so do buffers.
// CHECK: plan.state @w role "parameter" : !plan.buffer<3xf32> {offset = 0 : i64}
// CHECK: plan.state @m role "moment" : !plan.buffer<3xf32> {offset = 64 : i64}
// WIDE: plan.state @m role "moment" : !plan.buffer<3xf32> {offset = 256 : i64}
plan.state @w role "parameter" : !plan.buffer<3xf32>
plan.state @m role "moment" : !plan.buffer<3xf32>
