// RUN: vernier-opt --plan-assign-buffers -split-input-file -verify-diagnostics %s

// Many tensors, each of which a machine could hold.
// expected-error @below {{a run of '@predict' takes 1125899906842624 bytes, more than a processor addresses; use a smaller batch}}
plan.entry @predict {
  %x = plan.input "x" : !plan.buffer<1048576x1048576x128xf32>
  %y = plan.alloc : !plan.buffer<1048576x1048576x128xf32>
  plan.copy %x to %y : !plan.buffer<1048576x1048576x128xf32> to !plan.buffer<1048576x1048576x128xf32>
  plan.output "y" %y : !plan.buffer<1048576x1048576x128xf32>
}

// -----

// expected-error @below {{the states take 562949953421312 bytes, more than a processor addresses}}
module {
  plan.state @w role "parameter" : !plan.buffer<1048576x1048576x128xf32>
}
