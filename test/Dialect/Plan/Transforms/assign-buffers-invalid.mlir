// RUN: vernier-opt --plan-assign-buffers="alignment=0" -verify-diagnostics %s
// RUN: not vernier-opt --plan-assign-buffers="alignment=3" %s 2>&1 | FileCheck %s --check-prefix=ODD
// RUN: not vernier-opt --plan-assign-buffers="alignment=4611686018427387904" %s 2>&1 | FileCheck %s --check-prefix=LARGE

// Offsets are multiples of the alignment, so it cannot be zero, and machines
// know powers of two alone.
// ODD: alignment must be a power of two from 1 to 1048576, got 3
// LARGE: alignment must be a power of two from 1 to 1048576, got 4611686018427387904
// expected-error @below {{plan-assign-buffers: alignment must be a power of two from 1 to 1048576, got 0}}
module {}
