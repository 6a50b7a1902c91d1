// RUN: vernier-opt %s -verify-diagnostics --amp-pad-for-tensor-cores=multiple=-8

// expected-error@+1 {{padding: option multiple is -8, expected 0 (ask the target) or more}}
module {}
