// RUN: vernier-opt %s --amp-autocast=policy=tf32 --amp-materialize-casts --train-attach-optimizer="optimizer=sgd" --train-differentiate --canonicalize --cse --amp-pad-for-tensor-cores | FileCheck %s --check-prefixes=ZEROS,SGD
// RUN: vernier-opt %s --amp-autocast=policy=tf32 --amp-materialize-casts --train-attach-optimizer="optimizer=sgd momentum=0.9" --train-differentiate --canonicalize --cse --amp-pad-for-tensor-cores | FileCheck %s --check-prefixes=ZEROS,MOMENTUM
// RUN: vernier-opt %s --amp-autocast=policy=tf32 --amp-materialize-casts --train-attach-optimizer="optimizer=sgd momentum=0.9 nesterov=true weight-decay=0.1" --train-differentiate --canonicalize --cse --amp-pad-for-tensor-cores | FileCheck %s --check-prefixes=ZEROS,NESTEROV
// RUN: vernier-opt %s --amp-autocast=policy=tf32 --amp-materialize-casts --train-attach-optimizer="optimizer=adam weight-decay=0.1" --train-differentiate --canonicalize --cse --amp-pad-for-tensor-cores | FileCheck %s --check-prefixes=ZEROS,ADAM
// RUN: vernier-opt %s --amp-autocast=policy=tf32 --amp-materialize-casts --train-attach-optimizer="optimizer=adamw" --train-differentiate --canonicalize --cse --amp-pad-for-tensor-cores | FileCheck %s --check-prefixes=ZEROS,ADAMW
// RUN: vernier-opt %s --amp-autocast=policy=tf32 --amp-materialize-casts --train-attach-optimizer="optimizer=adamw clip-norm=1.0" --train-differentiate --canonicalize --cse --amp-pad-for-tensor-cores | FileCheck %s --check-prefixes=ZEROS,CLIP
// RUN: vernier-opt %s --amp-autocast=policy=tf32 --amp-materialize-casts --train-attach-optimizer="optimizer=adam eps=0.0" --train-differentiate --canonicalize --cse --amp-pad-for-tensor-cores | FileCheck %s --check-prefixes=MASKED
// RUN: vernier-opt %s --amp-autocast=policy=tf32 --amp-materialize-casts --train-attach-optimizer="optimizer=adamw clip-norm=1.0" --train-differentiate --canonicalize --cse --amp-loss-scaling=mode=dynamic --amp-pad-for-tensor-cores | FileCheck %s --check-prefixes=ZEROS,SCALED

// Every optimizer maps zeros to zeros: its formula says so (PaddedLanes), whatever is
// done to the gradient before. A hidden layer of 13 is padded between two of 16, with
// parameters and moments, and the whole step has no pad and no mask.
// ZEROS: ml_program.global {{.*}} @w1{{.*}} : tensor<16x16xf32> {train.logical_shape = array<i64: 13, 16>
// ZEROS: ml_program.global {{.*}} @w2{{.*}} : tensor<16x16xf32> {train.logical_shape = array<i64: 16, 13>
// MOMENTUM: @w1.momentum{{.*}} : tensor<16x16xf32> {train.logical_shape = array<i64: 13, 16>
// NESTEROV: @w2.momentum{{.*}} : tensor<16x16xf32> {train.logical_shape = array<i64: 16, 13>
// ADAM: @w1.m{{.*}} : tensor<16x16xf32> {train.logical_shape = array<i64: 13, 16>
// ADAM: @w1.v{{.*}} : tensor<16x16xf32> {train.logical_shape = array<i64: 13, 16>
// ADAMW: @w2.v{{.*}} : tensor<16x16xf32> {train.logical_shape = array<i64: 16, 13>
// ZEROS-LABEL: func.func @step
// ZEROS-NOT: tensor.pad
// ZEROS-NOT: arith.select {{.*}}16xi1
// SCALED: amp.all_finite {{.*}}tensor<16x16xf32>, tensor<16x16xf32>
// CLIP: train.clip_by_global_norm {{.*}}tensor<16x16xf32>, tensor<16x16xf32>
// SGD-COUNT-2: train.update #train.sgd<{{.*}} -> tensor<16x16xf32>
// NESTEROV-COUNT-2: train.update #train.sgd<{{.*}}nesterov = true{{.*}} -> (tensor<16x16xf32>, tensor<16x16xf32>)
// ADAM-COUNT-2: train.update #train.adam<{{.*}} -> (tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>)
// ADAMW-COUNT-2: train.update #train.adamw<{{.*}} -> (tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>)
// SCALED: amp.gate {{.*}}tensor<16x16xf32>
// ZEROS-NOT: tensor.pad
// ZEROS-NOT: arith.select {{.*}}16xi1
// ZEROS: return

// But Adam with epsilon 0 divides zero by zero: what it makes of the padding of each
// parameter is masked before it is stored, its moments are zeros.
// MASKED-LABEL: func.func @step
// MASKED: %[[P:.*]], %[[S:.*]]:2 = train.update
// MASKED: %[[Z:.*]] = arith.select %{{.*}}, %[[P]], %
// MASKED: ml_program.global_store @w1 = %[[Z]] : tensor<16x16xf32>
// MASKED: ml_program.global_store @w1.m = %[[S]]#0
ml_program.global private mutable @w1(#train.kaiming) : tensor<13x16xf32> {train.role = "parameter"}
ml_program.global private mutable @w2(#train.kaiming) : tensor<16x13xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<8x16xf32> {train.name = "x"}, %t: tensor<8x16xf32> {train.name = "t"}) -> (tensor<f32> {train.name = "loss"}) {
  %w1 = ml_program.global_load @w1 : tensor<13x16xf32>
  %w2 = ml_program.global_load @w2 : tensor<16x13xf32>
  %h = train.linear %x, %w1 : (tensor<8x16xf32>, tensor<13x16xf32>) -> tensor<8x13xf32>
  %y = train.linear %h, %w2 : (tensor<8x13xf32>, tensor<16x13xf32>) -> tensor<8x16xf32>
  %loss = train.mse_loss %y, %t : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
