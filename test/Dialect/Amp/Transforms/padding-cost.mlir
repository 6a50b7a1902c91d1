// RUN: vernier-opt %s --attach-target=target=cuda:sm_80 --amp-pad-for-tensor-cores --remarks-filter="amp-pad-for-tensor-cores" --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s
// RUN: vernier-opt %s --attach-target=target=cuda:sm_80 --amp-pad-for-tensor-cores | FileCheck %s --check-prefix=IR
// RUN: vernier-opt %s --attach-target=target=cuda:sm_80 --amp-pad-for-tensor-cores=always=true | FileCheck %s --check-prefix=ALWAYS
// RUN: vernier-opt %s --attach-target=target=cuda:sm_70 --amp-pad-for-tensor-cores | FileCheck %s --check-prefix=VOLTA

// A roofline on published rates decides (A100: 312 TFLOP/s in bf16, 1555 GB/s; rows that
// begin anywhere take 1.624 times as long). Here both operands have K as leading
// dimension and nothing needs a copy, since the product that makes the left one is
// padded, too: 2 * 8192 * 4096 * 1157 FLOPs take 248.86 us, or 404.15 us from such rows,
// and with 1160 249.51 us.
// CHECK: train.linear | Category:amp-pad-for-tensor-cores | Function=both_operands | Remark="padding pays: about 249.51 us instead of 404.15 us on cuda:sm_80"
// CHECK: train.linear | Category:amp-pad-for-tensor-cores | Function=both_operands {{.*}}Remark="padded K 1157 -> 1160"
// IR-LABEL: func.func @both_operands
// IR-NOT: tensor.pad %arg
// IR: train.linear {{.*}} (tensor<8192x1160xbf16>, tensor<4096x1160xbf16>) -> tensor<8192x4096xbf16>
// VOLTA-NOT: tensor.pad
ml_program.global private mutable @w(#train.kaiming) : tensor<4096x1157xbf16> {train.role = "parameter"}
ml_program.global private mutable @u(#train.kaiming) : tensor<1157x64xbf16> {train.role = "parameter"}
func.func @both_operands(%x: tensor<8192x64xbf16>) -> tensor<8192x4096xf32> {
  %w = ml_program.global_load @w : tensor<4096x1157xbf16>
  %u = ml_program.global_load @u : tensor<1157x64xbf16>
  %h = train.linear %x, %u : (tensor<8192x64xbf16>, tensor<1157x64xbf16>) -> tensor<8192x1157xbf16>
  %y = train.linear %h, %w : (tensor<8192x1157xbf16>, tensor<4096x1157xbf16>) -> tensor<8192x4096xbf16>
  %z = arith.extf %y : tensor<8192x4096xbf16> to tensor<8192x4096xf32>
  return %z : tensor<8192x4096xf32>
}

// N is the leading dimension of the result alone, which is written once: the products
// take longer than the bytes, aligned or not.
// CHECK: Function=result_alone | {{.*}}not padded: about 248.86 us as it is, 249.51 us with all leading dimensions padded, on cuda:sm_80
// IR-LABEL: func.func @result_alone
// IR: train.linear {{.*}} -> tensor<8192x1157xbf16>
// ALWAYS-LABEL: func.func @result_alone
// ALWAYS: train.linear {{.*}} -> tensor<8192x1160xbf16>
ml_program.global private mutable @v(#train.kaiming) : tensor<1157x4096xbf16> {train.role = "parameter"}
func.func @result_alone(%x: tensor<8192x4096xbf16>) -> tensor<8192x1157xf32> {
  %v = ml_program.global_load @v : tensor<1157x4096xbf16>
  %y = train.linear %x, %v : (tensor<8192x4096xbf16>, tensor<1157x4096xbf16>) -> tensor<8192x1157xbf16>
  %z = arith.extf %y : tensor<8192x1157xbf16> to tensor<8192x1157xf32>
  return %z : tensor<8192x1157xf32>
}

// tf32 lies in memory as f32 and is multiplied at a rate of its own, 156 TFLOP/s: half
// of bf16's.
// CHECK: Function=rounded_operands | Remark="padding pays: about 499.01 us instead of 808.30 us on cuda:sm_80"
// IR-LABEL: func.func @rounded_operands
// IR: train.linear {{.*}} (tensor<8192x1160xf32>, tensor<4096x1160xf32>)
// VOLTA-LABEL: func.func @rounded_operands
// VOLTA-NOT: tensor.pad
ml_program.global private mutable @wide(#train.kaiming) : tensor<4096x1157xf32> {train.role = "parameter"}
ml_program.global private mutable @wide_u(#train.kaiming) : tensor<1157x64xf32> {train.role = "parameter"}
func.func @rounded_operands(%x: tensor<8192x64xf32>) -> tensor<8192x4096xf32> {
  %w = ml_program.global_load @wide : tensor<4096x1157xf32>
  %u = ml_program.global_load @wide_u : tensor<1157x64xf32>
  %h = train.linear %x, %u {tf32} : (tensor<8192x64xf32>, tensor<1157x64xf32>) -> tensor<8192x1157xf32>
  %y = train.linear %h, %w {tf32} : (tensor<8192x1157xf32>, tensor<4096x1157xf32>) -> tensor<8192x4096xf32>
  %z = arith.negf %y : tensor<8192x4096xf32>
  return %z : tensor<8192x4096xf32>
}

// Data must be copied: 24.4 us more, which long products repay and short ones do not.
// CHECK: Function=data | {{.*}}padding pays: about 273.92 us instead of 404.15 us
// CHECK: Function=data | {{.*}}padded K 1157 -> 1160
// CHECK: Function=data | {{.*}}not padded: about 21.30 us as it is, 38.08 us with all leading dimensions padded
ml_program.global private mutable @s(#train.kaiming) : tensor<64x1157xbf16> {train.role = "parameter"}
func.func @data(%x: tensor<8192x1157xbf16>, %y: tensor<8192x1157xbf16>) -> (tensor<8192x4096xf32>, tensor<8192x64xf32>) {
  %w = ml_program.global_load @w : tensor<4096x1157xbf16>
  %s = ml_program.global_load @s : tensor<64x1157xbf16>
  %a = train.linear %x, %w : (tensor<8192x1157xbf16>, tensor<4096x1157xbf16>) -> tensor<8192x4096xf32>
  %b = train.linear %y, %s : (tensor<8192x1157xbf16>, tensor<64x1157xbf16>) -> tensor<8192x64xf32>
  %c = arith.negf %a : tensor<8192x4096xf32>
  %d = arith.negf %b : tensor<8192x64xf32>
  return %c, %d : tensor<8192x4096xf32>, tensor<8192x64xf32>
}

// The three channels of a picture would become eight, with 2.7 times the products. Sixty
// channels of what is read become 64, those of what is written once stay.
// CHECK: train.conv2d {{.*}}Function=channels | {{.*}}not padded: about {{.*}} us as it is, no less with padded channels, on cuda:sm_80
// CHECK: train.conv2d {{.*}}Function=channels | {{.*}}padded channels 60 -> 64 to 60 -> 60
// IR-LABEL: func.func @channels
// IR: train.conv2d {{.*}} (tensor<32x56x56x64xbf16>, tensor<60x3x3x64xbf16>) -> tensor<32x56x56x60xbf16>
ml_program.global private mutable @k(#train.kaiming) : tensor<64x7x7x3xbf16> {train.role = "parameter"}
ml_program.global private mutable @l(#train.kaiming) : tensor<60x3x3x60xbf16> {train.role = "parameter"}
func.func @channels(%x: tensor<32x56x56x3xbf16>, %y: tensor<32x56x56x60xf32>) -> (tensor<32x56x56x64xf32>, tensor<32x56x56x60xf32>) {
  %k = ml_program.global_load @k : tensor<64x7x7x3xbf16>
  %l = ml_program.global_load @l : tensor<60x3x3x60xbf16>
  %a = train.conv2d %x, %k padding = [3, 3, 3, 3] : (tensor<32x56x56x3xbf16>, tensor<64x7x7x3xbf16>) -> tensor<32x56x56x64xf32>
  %r = arith.truncf %y : tensor<32x56x56x60xf32> to tensor<32x56x56x60xbf16>
  %b = train.conv2d %r, %l padding = [1, 1, 1, 1] : (tensor<32x56x56x60xbf16>, tensor<60x3x3x60xbf16>) -> tensor<32x56x56x60xbf16>
  %c = arith.extf %b : tensor<32x56x56x60xbf16> to tensor<32x56x56x60xf32>
  return %a, %c : tensor<32x56x56x64xf32>, tensor<32x56x56x60xf32>
}
