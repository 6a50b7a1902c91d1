// RUN: vernier-opt %s --amp-autocast --amp-materialize-casts --train-attach-optimizer --train-differentiate \
// RUN:   --amp-loss-scaling --amp-explain -o %t 2>&1 | FileCheck %s

ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<10x16xf32> {train.role = "parameter"}

// The table has the step, which repeats the loss: forward ops with the line of the
// policy, backward ops with the line of their forward op, casts, the optimizer; and
// what each kind of op and each type has of the work. The location is a name if the op has one.
// CHECK-LABEL: @step
// CHECK: op {{.*}}operand {{.*}}computed {{.*}}result {{.*}}FLOPs {{.*}}bytes {{.*}}location {{.*}}rule: why
// CHECK: arith.truncf {{ *}}f32 {{ *}}f32 {{ *}}bf16 {{.*}} cast; f32 to bf16
// CHECK: train.linear {{ *}}bf16 {{ *}}f32 {{ *}}bf16 {{ *}}2.56k {{.*}}head {{.*}}vernier/train.linear: low; contraction, summed in f32
// CHECK: train.cross_entropy {{ *}}bf16 {{ *}}f32 {{ *}}f32 {{.*}}explain.mlir:{{[0-9]+}}:11 {{.*}}full-inside
// CHECK: train.matmul {{ *}}bf16 {{.*}}head {{.*}}vernier/train.linear: low; weight gradient of train.linear: follows its forward op
// CHECK: amp.unscale
// CHECK: train.update {{ *}}f32 {{.*}}step; the state of training is f32
// CHECK: ops by type {{ *}}f32 {{ *}}bf16
// CHECK: train.linear {{ *}}- {{ *}}1{{$}}
// CHECK: train.matmul {{ *}}- {{ *}}1{{$}}
// CHECK: train.update {{ *}}1 {{ *}}-{{$}}
// CHECK: {{^ *}}bf16 {{ *}}{{[0-9]+}} ops {{.*}}FLOPs ({{.*}}%) {{.*}}B ({{.*}}%)
// CHECK-NOT: @loss
func.func @loss(%x: tensor<8x16xf32>, %y: tensor<8xi32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<10x16xf32>
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<10x16xf32>) -> tensor<8x10xf32> loc("head")
  %loss = train.cross_entropy %h, %y : (tensor<8x10xf32>, tensor<8xi32>) -> tensor<f32>
  return %loss : tensor<f32>
}
