// RUN: vernier-opt %s -verify-diagnostics --amp-autocast=policy=bf61

// A policy that is neither a preset nor a file.
// expected-error@unknown {{cannot read policy 'bf61': No such file or directory; expected a preset (bf16, f16, f32, keras-mixed-bfloat16, keras-mixed-float16, tf-bf16, tf-fp16, tf32, torch-cpu, torch-cuda, vernier), auto, or the path of a policy file; did you mean 'bf16'?}}
module {}
