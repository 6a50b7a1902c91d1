// Modules that are no models, though each is verified IR.

// Functions without bodies.
func.func private @f()
func.func private @loss(%x: tensor<4xf32>) -> tensor<f32>
func.func private @step(%x: tensor<4xf32>) -> tensor<f32>
func.func private @predict(tensor<4xf32>) -> tensor<4xf32>

// -----

// Functions of scalars.
func.func @loss(%x: f32) -> f32 {
  %y = arith.mulf %x, %x : f32
  return %y : f32
}
func.func @step(%x: f32) -> f32 {
  %y = math.exp %x : f32
  return %y : f32
}

// -----

func.func @loss(%x: f32) -> f32 {
  return %x : f32
}

// -----

// Unranked tensors.
func.func @predict(%x: tensor<*xf32>) -> tensor<*xf32> {
  %y = arith.mulf %x, %x : tensor<*xf32>
  %z = math.exp %y : tensor<*xf32>
  return %z : tensor<*xf32>
}

// -----

ml_program.global private mutable @w(#train.constant<0.0>) : tensor<*xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<*xf32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<*xf32>
  %y = arith.mulf %x, %w : tensor<*xf32>
  ml_program.global_store @w = %y : tensor<*xf32>
  %c = arith.constant dense<0.0> : tensor<f32>
  return %c : tensor<f32>
}

// -----

// Dynamic shapes.
func.func @predict(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = arith.mulf %x, %x : tensor<?x4xf32>
  %z = math.exp %y : tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}

// -----

ml_program.global private mutable @w(#train.constant<0.0>) : tensor<?xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<?xf32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<?xf32>
  %y = arith.mulf %x, %w : tensor<?xf32>
  %c = arith.constant dense<0.0> : tensor<f32>
  return %c : tensor<f32>
}

// -----

// Nothing.
module {}

// -----

// Functions of nothing.
func.func @loss() { return }
func.func @step() { return }
func.func @accumulate() { return }
func.func @predict() { return }
func.func @refresh() { return }

// -----

// A scalar state.
ml_program.global private mutable @w(1.0 : f32) : f32 {train.role = "parameter"}
func.func @loss(%x: tensor<f32>) -> tensor<f32> {
  %w = ml_program.global_load @w : f32
  %s = tensor.from_elements %w : tensor<f32>
  ml_program.global_store @w = %w : f32
  return %s : tensor<f32>
}

// -----

ml_program.global private mutable @w(1.0 : f32) : f32 {train.role = "parameter"}

// -----

// Functions of several blocks.
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<f32> {train.role = "parameter"}
func.func @loss(%x: tensor<f32>, %c: i1) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<f32>
  %a = arith.mulf %w, %x : tensor<f32>
  cf.cond_br %c, ^bb1(%x : tensor<f32>), ^bb1(%a : tensor<f32>)
^bb1(%y: tensor<f32>):
  %z = math.exp %y : tensor<f32>
  return %z : tensor<f32>
}

// -----

ml_program.global private mutable @w(#train.constant<0.0>) : tensor<f32> {train.role = "parameter"}
func.func @step(%x: tensor<f32>, %c: i1, %lr: tensor<f32>, %t: tensor<i32>) -> tensor<f32> {
  %s = train.seed : tensor<f32>
  cf.cond_br %c, ^bb1(%x : tensor<f32>), ^bb1(%s : tensor<f32>)
^bb1(%y: tensor<f32>):
  %w = ml_program.global_load @w : tensor<f32>
  %w1 = train.update #train.sgd<> %w, %y, %lr, %t : (tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> tensor<f32>
  ml_program.global_store @w = %w1 : tensor<f32>
  return %w1 : tensor<f32>
}

// -----

// One without a return.
func.func @predict(%x: tensor<4xf32>) {
  cf.br ^bb1
^bb1:
  cf.br ^bb1
}

// -----

// Ops with regions.
func.func @predict(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  %y = scf.if %c -> tensor<4xf32> {
    %0 = math.exp %x : tensor<4xf32>
    scf.yield %0 : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  return %y : tensor<4xf32>
}

// -----

// Types that are no tensors of numbers.
func.func @loss(%x: tensor<4xcomplex<f32>>, %i: index, %v: vector<4xf32>, %t: tensor<4xindex>) -> (tensor<4xcomplex<f32>>, index, vector<4xf32>, tensor<4xindex>) {
  return %x, %i, %v, %t : tensor<4xcomplex<f32>>, index, vector<4xf32>, tensor<4xindex>
}

// -----

// Recursion.
func.func private @g(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = func.call @g(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func @predict(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = func.call @g(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Names that the compiler gives.
ml_program.global private mutable @step(#train.constant<0.0>) : tensor<f32> {train.role = "parameter"}
ml_program.global private mutable @loss(#train.constant<0.0>) : tensor<f32> {train.role = "parameter"}
ml_program.global private mutable @kernels(#train.constant<0.0>) : tensor<f32> {train.role = "moment"}
ml_program.global private mutable @predict(#train.constant<0.0>) : tensor<f32>
ml_program.global private mutable @accumulate(#train.constant<0.0>) : tensor<f32>

// -----

// No elements.
func.func @predict(%x: tensor<0x4xf32>, %w: tensor<5x4xf32>) -> tensor<0x5xf32> {
  %y = train.linear %x, %w : (tensor<0x4xf32>, tensor<5x4xf32>) -> tensor<0x5xf32>
  %z = train.relu %y : tensor<0x5xf32>
  return %z : tensor<0x5xf32>
}

// -----

// A loss that is no scalar.
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<2xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<2xf32>) -> tensor<2xf32> {
  %w = ml_program.global_load @w : tensor<2xf32>
  %a = arith.mulf %w, %x : tensor<2xf32>
  return %a : tensor<2xf32>
}

// -----

// A module in a module.
module @inner {
  func.func private @f()
  func.func @loss(%x: f32) -> f32 { return %x : f32 }
}

// -----

// Scalars out of tensors.
func.func @predict(%x: tensor<4x4xf32>, %i: index) -> f32 {
  %e = tensor.extract %x[%i, %i] : tensor<4x4xf32>
  %c = arith.constant 1.0 : f32
  %y = arith.addf %e, %c : f32
  %b = arith.truncf %y : f32 to bf16
  %z = arith.extf %b : bf16 to f32
  return %z : f32
}

// -----

// Slices and padding of unknown extents.
func.func @predict(%x: tensor<4x4xf32>, %n: index) -> (tensor<?x4xf32>, tensor<?x?xf32>, tensor<4xf32>, tensor<16xf32>) {
  %a = tensor.extract_slice %x[0, 0] [%n, 4] [1, 1] : tensor<4x4xf32> to tensor<?x4xf32>
  %c = arith.constant 1.0 : f32
  %p = tensor.pad %x low[%n, 0] high[0, %n] {
  ^bb0(%i: index, %j: index):
    tensor.yield %c : f32
  } : tensor<4x4xf32> to tensor<?x?xf32>
  %r = tensor.extract_slice %x[0, 0] [1, 4] [1, 1] : tensor<4x4xf32> to tensor<4xf32>
  %f = tensor.collapse_shape %x [[0, 1]] : tensor<4x4xf32> into tensor<16xf32>
  return %a, %p, %r, %f : tensor<?x4xf32>, tensor<?x?xf32>, tensor<4xf32>, tensor<16xf32>
}
