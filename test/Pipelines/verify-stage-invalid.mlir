// RUN: split-file %s %t
// RUN: vernier-opt --verify-stage=model -split-input-file -verify-diagnostics %t/model.mlir
// RUN: vernier-opt --verify-stage=import -split-input-file -verify-diagnostics %t/import.mlir
// RUN: vernier-opt --verify-stage=autocast -verify-diagnostics %t/autocast.mlir
// RUN: vernier-opt --verify-stage=differentiate -split-input-file -verify-diagnostics %t/differentiate.mlir
// RUN: vernier-opt --verify-stage=loss-scaling -split-input-file -verify-diagnostics %t/loss-scaling.mlir
// RUN: vernier-opt --verify-stage=evaluation -verify-diagnostics %t/evaluation.mlir
// RUN: vernier-opt --verify-stage=pad -split-input-file -verify-diagnostics %t/pad.mlir
// RUN: vernier-opt --verify-stage=codegen -verify-diagnostics %t/codegen.mlir
// RUN: vernier-opt --verify-stage=plan -split-input-file -verify-diagnostics %t/plan.mlir
// RUN: vernier-opt --verify-stage -verify-diagnostics %t/none.mlir

//--- none.mlir
// A stage must be named.
// expected-error @below {{verify-stage: name a stage: model, import, autocast, differentiate, loss-scaling, evaluation, pad, codegen or plan}}
module {}

//--- pad.mlir
// A contraction that padding has not seen.
func.func @predict(%x: tensor<8x7xbf16>, %w: tensor<8x7xbf16>) -> tensor<8x8xbf16> {
  // expected-error @below {{after pad: nobody has looked at the leading dimensions of 'train.linear'; run --amp-pad-for-tensor-cores}}
  %0 = train.linear %x, %w : (tensor<8x7xbf16>, tensor<8x7xbf16>) -> tensor<8x8xbf16>
  return %0 : tensor<8x8xbf16>
}

// -----

// K is 7 where multiples of 8 are asked for; the second says why, M is not asked.
func.func @predict(%x: tensor<5x7xbf16>, %w: tensor<8x7xbf16>) -> (tensor<5x8xbf16>, tensor<5x8xbf16>) {
  // expected-error @below {{after pad: a leading dimension of 7 is not a multiple of 8, and 'amp.unaligned' does not say why}}
  %0 = train.linear %x, %w {amp.alignment = 8 : i64} : (tensor<5x7xbf16>, tensor<8x7xbf16>) -> tensor<5x8xbf16>
  %1 = train.linear %x, %w {amp.alignment = 8 : i64, amp.unaligned = "too dear"} : (tensor<5x7xbf16>, tensor<8x7xbf16>) -> tensor<5x8xbf16>
  return %0, %1 : tensor<5x8xbf16>, tensor<5x8xbf16>
}

//--- model.mlir
// What nobody reads is a mistake: MLIR would keep it, and nothing would come of it.
func.func private @names(%x: tensor<2x4xf32>, %y: tensor<2xi32>, %g: tensor<4xf32>) {
  // expected-error @below {{unknown attribute 'smoothing' of 'train.cross_entropy'; did you mean 'label_smoothing'? (known: label_smoothing, reduction)}}
  %0 = train.cross_entropy %x, %y {smoothing = 0.5 : f64} : (tensor<2x4xf32>, tensor<2xi32>) -> tensor<f32>
  // expected-error @below {{unknown attribute 'eps' of 'train.layer_norm'; did you mean 'epsilon'? (known: epsilon)}}
  %1 = train.layer_norm %x, %g, %g {eps = 1.0e-3 : f64} : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  // expected-error @below {{unknown attribute 'weight' of 'train.mse_loss' (known: reduction)}}
  %2 = train.mse_loss %x, %x {weight = 2.0 : f64} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<f32>
  // expected-error @below {{unknown attribute 'inplace' of 'train.relu'; it has none: drop it}}
  %3 = train.relu %x {inplace} : tensor<2x4xf32>
  // expected-error @below {{unknown attribute 'fast' of 'arith.addf'; did you mean 'fastmath'?}}
  %4 = arith.addf %x, %x {fast} : tensor<2x4xf32>
  // expected-error @below {{unknown attribute 'amp.precison' of 'train.relu'; did you mean 'amp.precision'?}}
  %5 = train.relu %x {amp.precison = "bf16"} : tensor<2x4xf32>
  // expected-error @below {{unknown attribute 'tarin.backward' of 'train.relu'}}
  %6 = train.relu %x {tarin.backward} : tensor<2x4xf32>
  return
}

// -----

// A role that lacks its dialect's name: the weight would be frozen.
// expected-error @below {{unknown attribute 'role' of 'ml_program.global'; did you mean 'train.role'?}}
ml_program.global private mutable @w(#train.kaiming) : tensor<8x8xf32> {role = "parameter"}

// -----

// Of arguments, results and functions, too.
// expected-error @below {{unknown attribute 'trian.name' of 'func.func'}}
func.func private @argument(%x: tensor<4xf32> {trian.name = "x"}) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
// expected-error @below {{unknown attribute 'amp.precsion' of 'func.func'; did you mean 'amp.precision'?}}
func.func private @result(%x: tensor<4xf32>) -> (tensor<4xf32> {amp.precsion = 1 : i32}) {
  return %x : tensor<4xf32>
}

// -----

// Calls are inlined, so that no function can call itself.
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @g(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @g(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'@f' calls itself, through '@g'; a model has no recursion: write out what it computes}}
  %0 = call @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Each function calls the next one twice: 2^18 calls of the last, which nobody wants to wait for.
// expected-error @below {{'@d0' has 1572860 ops when its calls are inlined, of 75 that are written; calls may add 250000: let fewer functions call another one more than once}}
func.func private @d0() { call @d1() : () -> () call @d1() : () -> () return }
func.func private @d1() { call @d2() : () -> () call @d2() : () -> () return }
func.func private @d2() { call @d3() : () -> () call @d3() : () -> () return }
func.func private @d3() { call @d4() : () -> () call @d4() : () -> () return }
func.func private @d4() { call @d5() : () -> () call @d5() : () -> () return }
func.func private @d5() { call @d6() : () -> () call @d6() : () -> () return }
func.func private @d6() { call @d7() : () -> () call @d7() : () -> () return }
func.func private @d7() { call @d8() : () -> () call @d8() : () -> () return }
func.func private @d8() { call @d9() : () -> () call @d9() : () -> () return }
func.func private @d9() { call @d10() : () -> () call @d10() : () -> () return }
func.func private @d10() { call @d11() : () -> () call @d11() : () -> () return }
func.func private @d11() { call @d12() : () -> () call @d12() : () -> () return }
func.func private @d12() { call @d13() : () -> () call @d13() : () -> () return }
func.func private @d13() { call @d14() : () -> () call @d14() : () -> () return }
func.func private @d14() { call @d15() : () -> () call @d15() : () -> () return }
func.func private @d15() { call @d16() : () -> () call @d16() : () -> () return }
func.func private @d16() { call @d17() : () -> () call @d17() : () -> () return }
func.func private @d17() { call @d18() : () -> () call @d18() : () -> () return }
func.func private @d18() { return }

//--- import.mlir
// A session runs entries of known names alone.
// expected-error @below {{after import: 'forward' is no entry of a model; expected 'loss', 'predict' or 'step': rename it, or make it private if others call it}}
func.func @forward(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// A dynamic shape is refused at the argument that has it.
// expected-error @below {{after import: argument 0 of 'predict' has type 'tensor<?x4xf32>'; expected a tensor of static shape: write the batch size into the model}}
func.func @predict(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}

// -----

// So is a dynamic result inside.
func.func @predict(%x: tensor<4xf32>) {
  // expected-error @below {{after import: no kernel computes 'tensor.cast'; write it with other ops}}
  // expected-error @below {{after import: a result has type 'tensor<?xf32>'; expected a tensor of static shape}}
  %0 = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
  return
}

// -----

// Calls must have been inlined.
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func @predict(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{after import: a call remains; run --inline first (recursion is not supported)}}
  %0 = call @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Ops of other dialects are not part of a model.
func.func @predict(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{after import: 'vector.print' is not part of a model; expected train, arith, math, tensor, ml_program or func}}
  vector.print punctuation <newline>
  return %x : tensor<4xf32>
}

// -----

// Slices and padding are what copies can do.
func.func @predict(%x: tensor<4x8xf32>) -> (tensor<4x4xf32>, tensor<8xf32>, tensor<5x8xf32>) {
  // expected-error @below {{after import: unsupported 'tensor.extract_slice': a slice has static offsets, steps of 1 and the rank of its source; drop dims by tensor.collapse_shape behind it}}
  %steps = tensor.extract_slice %x[0, 0] [4, 4] [1, 2] : tensor<4x8xf32> to tensor<4x4xf32>
  // expected-error @below {{unsupported 'tensor.extract_slice'}}
  %row = tensor.extract_slice %x[0, 0] [1, 8] [1, 1] : tensor<4x8xf32> to tensor<8xf32>
  %one = arith.constant 1.0 : f32
  // expected-error @below {{after import: unsupported 'tensor.pad': padding has static extents of 0 or more and is the constant 0; concatenate a constant instead}}
  %padded = tensor.pad %x low[0, 0] high[1, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %one : f32
  } : tensor<4x8xf32> to tensor<5x8xf32>
  return %steps, %row, %padded : tensor<4x4xf32>, tensor<8xf32>, tensor<5x8xf32>
}

// -----

// A tensor without elements, one too large, and one of a type that is not lowered.
// expected-error @below {{after import: argument 0 of 'predict' has type 'tensor<0x4xf32>', which has no elements; expected extents of 1 or more}}
// expected-error @below {{after import: argument 1 of 'predict' has type 'tensor<8388608x8388608xf32>', which no machine can hold}}
// expected-error @below {{after import: argument 2 of 'predict' has type 'tensor<4xf64>'; expected f32, which precision is decided from}}
func.func @predict(%x: tensor<0x4xf32>, %y: tensor<8388608x8388608xf32>, %z: tensor<4xf64>) {
  return
}

// -----

// Elements that no kernel computes on and no plan holds, named where they are read.
// expected-error @below {{after import: argument 0 of 'predict' has type 'tensor<16x64xi8>'; expected elements of f32, bf16, f16, i32, i64 or i1: data files of bytes are read into i32 or f32 exactly}}
// expected-error @below {{after import: argument 1 of 'predict' has type 'tensor<4xui32>'; expected elements of}}
// expected-error @below {{after import: argument 2 of 'predict' has type 'tensor<4xf8E4M3FN>'; expected elements of}}
func.func @predict(%x: tensor<16x64xi8>, %y: tensor<4xui32>, %z: tensor<4xf8E4M3FN>) {
  return
}

// -----

// Ops that become no kernel, no call and no view.
func.func @predict(%x: tensor<4xi32>) -> (tensor<4xi32>, tensor<4xi32>) {
  // expected-error @below {{after import: no kernel computes 'arith.ceildivsi'; write it with other ops}}
  %0 = arith.ceildivsi %x, %x : tensor<4xi32>
  // expected-error @below {{after import: no kernel computes 'math.ctpop'}}
  %1 = math.ctpop %x : tensor<4xi32>
  return %0, %1 : tensor<4xi32>, tensor<4xi32>
}

// -----

// More than a library counts: of a product each extent, of images each dim.
func.func @predict(%x: tensor<4x4294967296xf32>, %i: tensor<1x1x2147483648x1xf32>, %k: tensor<1x1x1x1xf32>)
    -> (tensor<4x4xf32>, tensor<1x1x2147483648x1xf32>) {
  // expected-error @below {{after import: unsupported extents of 'train.linear': a product has at most 2^30 rows, columns and terms of a sum; split it}}
  %0 = train.linear %x, %x : (tensor<4x4294967296xf32>, tensor<4x4294967296xf32>) -> tensor<4x4xf32>
  // expected-error @below {{after import: unsupported extents of 'train.conv2d': extents are at most 2^30; split it}}
  %1 = train.conv2d %i, %k : (tensor<1x1x2147483648x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2147483648x1xf32>
  return %0, %1 : tensor<4x4xf32>, tensor<1x1x2147483648x1xf32>
}

// -----

// Elements that are neither dense nor one of ours.
// expected-error @below {{after import: '@w' has the initial value sparse<}}
ml_program.global private mutable @w(sparse<0, 1.0> : tensor<4xf32>) : tensor<4xf32> {train.role = "parameter"}
func.func @predict() -> tensor<4xf32> {
  // expected-error @below {{after import: a constant has the value sparse<}}
  %0 = arith.constant sparse<0, 1.0> : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Names of data are there and differ.
// expected-error @below {{after import: argument 0 of 'predict' has the name ""; expected a train.name of one or more letters (UTF-8)}}
// expected-error @below {{after import: two arguments of 'predict' have the name "x"; expected a train.name of its own for each}}
// expected-error @below {{after import: two results of 'predict' have the name "y"; expected a train.name of its own for each}}
func.func @predict(%a: tensor<4xf32> {train.name = ""}, %b: tensor<4xf32> {train.name = "x"}, %c: tensor<4xf32> {train.name = "x"})
    -> (tensor<4xf32> {train.name = "y"}, tensor<4xf32> {train.name = "y"}) {
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// -----

// A loss is one number.
// expected-error @below {{after import: the first result of 'loss' is no loss; expected a tensor<f32>: reduce it with train.reduce}}
func.func @loss(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{after import: the first result of 'loss' is no loss}}
func.func @loss(%x: tensor<4xf32>) {
  return
}

// -----

// Names of states are text that a checkpoint can hold.
// expected-error @below {{after import: a state has the name ""; expected one or more letters (UTF-8)}}
ml_program.global private mutable @""(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}
// expected-error @below {{after import: a state has the name "a\00b"}}
ml_program.global private mutable @"a\00b"(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}
// expected-error @below {{after import: a state has the name "a\FFb"}}
ml_program.global private mutable @"a\FFb"(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}
// Letters of any script may be in it.
ml_program.global private mutable @"d\C3\A9calage/0"(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}

// -----

// Some names are taken, whatever the options.
// expected-error @below {{after import: '@step' is the name of a function that the compiler adds; rename this state}}
ml_program.global private mutable @step(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}
// expected-error @below {{after import: '@accumulate' is the name of a function that the compiler adds}}
ml_program.global private mutable @accumulate(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}
// expected-error @below {{after import: '@refresh' is the name of a function that the compiler adds}}
ml_program.global private mutable @refresh(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}
// expected-error @below {{after import: '@kernels' is the name of the kernels of a plan; rename this state}}
ml_program.global private mutable @kernels(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}
// expected-error @below {{after import: '@__metadata__' is the name of what a checkpoint says of itself (safetensors); rename this state}}
ml_program.global private mutable @__metadata__(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}

// -----

// Training reports the first result as the loss.
// expected-error @below {{after import: result 0 of 'loss' has the name "cost"; "loss" is the name of the first}}
// expected-error @below {{after import: result 1 of 'loss' has the name "loss"; "loss" is the name of the first}}
func.func @loss(%x: tensor<f32>) -> (tensor<f32> {train.name = "cost"}, tensor<f32> {train.name = "loss"}) {
  return %x, %x : tensor<f32>, tensor<f32>
}

// -----

// A state begins with a value; some attributes are set by later passes.
// expected-error @below {{after import: '@w' has no initial value; expected one in parentheses behind the name, such as (#train.kaiming), (#train.constant<0.0>) or (dense<...> : 'tensor<4xf32>')}}
ml_program.global private mutable @w : tensor<4xf32> {train.role = "parameter"}
// expected-error @below {{after import: '@v' has 'train.logical_shape', which the compiler sets; drop it}}
ml_program.global private mutable @v(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter", train.logical_shape = array<i64: 2>}
// expected-error @below {{after import: '@u' has 'train.copy_of', which the compiler sets; drop it}}
ml_program.global private mutable @u(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter", train.copy_of = @v}

// -----

// An initial value has the type of its state.
// expected-error @below {{after import: '@w' has type 'tensor<4xf32>', but an initial value of type 'tensor<4xi32>'}}
ml_program.global private mutable @w(dense<1> : tensor<4xi32>) : tensor<4xf32> {train.role = "frozen"}

// -----

// A function is one block.
// expected-error @below {{after import: 'predict' must be one block without branches}}
func.func @predict(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{after import: 'cf.br' is not part of a model; expected train, arith, math, tensor, ml_program or func}}
  cf.br ^bb1
^bb1:
  return %x : tensor<4xf32>
}

//--- autocast.mlir
// An op with a precision to decide has none.
func.func @predict(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // expected-error @below {{after autocast: no precision decided for 'train.softmax'; run --amp-autocast}}
  %0 = train.softmax %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

//--- differentiate.mlir
// expected-error @below {{after differentiate: there is no @step; run --train-attach-optimizer}}
module {}

// -----

// A parameter that no update stores, and a gradient that was not expanded.
// expected-error @below {{after differentiate: parameter 'w' has 0 updates whose result is stored; expected exactly one}}
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @loss() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<4xf32>
  %0 = train.reduce sum %w dims = [0] : tensor<4xf32> -> tensor<f32>
  return %0 : tensor<f32>
}
func.func @step() {
  // expected-error @below {{after differentiate: a train.gradient remains; run --train-differentiate}}
  %l, %g = train.gradient @loss() wrt [@w] : () -> (tensor<f32>, tensor<4xf32>)
  return
}

// -----

// Two updates of one parameter.
// expected-error @below {{after differentiate: parameter 'w' has 2 updates whose result is stored; expected exactly one}}
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @step(%g: tensor<4xf32>, %lr: tensor<f32>, %t: tensor<i32>) {
  %w = ml_program.global_load @w : tensor<4xf32>
  // expected-note @below {{an update is here}}
  %0 = train.update #train.sgd<> %w, %g, %lr, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  // expected-note @below {{an update is here}}
  %1 = train.update #train.sgd<> %w, %g, %lr, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  ml_program.global_store @w = %0 : tensor<4xf32>
  ml_program.global_store @w = %1 : tensor<4xf32>
  return
}

//--- loss-scaling.mlir
// expected-error @below {{after loss-scaling: there is no @step}}
module {}

// -----

// A gradient that is not unscaled, a store that is not gated, a scale that is
// not on the seed.
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @step(%g: tensor<4xf32>, %lr: tensor<f32>, %t: tensor<i32>) {
  // expected-error @below {{after loss-scaling: expected one amp.scale, on the train.seed}}
  %s = amp.scale %g, %lr : tensor<4xf32>, tensor<f32>
  %w = ml_program.global_load @w : tensor<4xf32>
  // expected-error @below {{after loss-scaling: the gradient passes 0 amp.unscale ops; expected exactly one}}
  %0 = train.update #train.sgd<> %w, %s, %lr, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  // expected-error @below {{after loss-scaling: the state change is not gated by the step's amp.all_finite}}
  ml_program.global_store @w = %0 : tensor<4xf32>
  return
}

// -----

// A second reader of the seed sees it unscaled. A state of a group must be gated by
// its group's check, not by all.
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<f32> {train.role = "parameter", train.group = "a"}
func.func @step(%lr: tensor<f32>, %t: tensor<i32>) -> tensor<f32> {
  // expected-error @below {{after loss-scaling: expected one amp.scale to be the only reader of this train.seed}}
  %s = train.seed : tensor<f32>
  %g = amp.scale %s, %lr : tensor<f32>, tensor<f32>
  %a = amp.all_finite %g : (tensor<f32>) -> tensor<i1>
  %b = amp.all_finite %g : (tensor<f32>) -> tensor<i1>
  %both = arith.andi %a, %b : tensor<i1>
  %u = amp.unscale %g, %lr : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %w = ml_program.global_load @w : tensor<f32>
  %0 = train.update #train.sgd<> %w, %u, %lr, %t : (tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> tensor<f32>
  %1 = amp.gate %both, %w, %0 : tensor<i1>, tensor<f32>
  // expected-error @below {{after loss-scaling: the state change is not gated by the step's amp.all_finite}}
  ml_program.global_store @w = %1 : tensor<f32>
  return %s : tensor<f32>
}

//--- evaluation.mlir
// Only @step may change a state or do what training alone does.
ml_program.global private mutable @n(dense<0> : tensor<i32>) : tensor<i32> {train.role = "counter"}
func.func @predict(%x: tensor<8xf32>) -> tensor<8xf32> {
  %n = ml_program.global_load @n : tensor<i32>
  // expected-error @below {{after evaluation: 'train.dropout' in '@predict' belongs to training; run --train-evaluation-mode}}
  %y = train.dropout %x step %n {rate = 0.5 : f64, seed = 1 : i32} : (tensor<8xf32>, tensor<i32>) -> tensor<8xf32>
  // expected-error @below {{after evaluation: 'ml_program.global_store' in '@predict' belongs to training}}
  ml_program.global_store @n = %n : tensor<i32>
  return %y : tensor<8xf32>
}

//--- codegen.mlir
// What is neither fused nor a call has no place after codegen.
func.func @predict(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{after codegen: 'math.exp' is neither in a fusion nor a library call; run --train-form-fusions}}
  %0 = math.exp %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

//--- plan.mlir
// Buffers without offsets.
// expected-error @below {{after plan: the buffer has no offset; run --plan-assign-buffers}}
plan.state @w role "parameter" : !plan.buffer<4xf32>
plan.entry @predict {
  // expected-error @below {{after plan: the buffer has no offset; run --plan-assign-buffers}}
  %x = plan.input "x" : !plan.buffer<8x4xf32>
  // expected-error @below {{after plan: the buffer has no offset; run --plan-assign-buffers}}
  %y = plan.alloc : !plan.buffer<8x4xf32>
}

// -----

// Something that is not a plan op.
// expected-error @below {{after plan: 'func.func' is not a plan op; run --convert-train-to-plan}}
func.func @predict() {
  return
}
