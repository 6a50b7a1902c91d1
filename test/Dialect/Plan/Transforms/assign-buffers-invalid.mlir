// RUN: vernier-opt --plan-assign-buffers="alignment=0" -verify-diagnostics %s

// Offsets are multiples of the alignment, so it cannot be zero.
// expected-error @below {{plan-assign-buffers: alignment must be at least 1, got 0}}
module {}
