// RUN: vernier-opt %s --split-input-file --amp-repair-unsafe-patterns=policy=f16 | FileCheck %s
// RUN: vernier-opt %s --split-input-file --amp-repair-unsafe-patterns=policy=f16 --remarks-filter=amp-repair-unsafe-patterns --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK

// Sigmoid and binary cross entropy, written with log: one loss of the scores. The
// probability is still there for who else reads it.
// REMARK: {{.*}}sigmoid and binary cross entropy{{.*}}Reason="a sigmoid that rounds to 0 or 1 has the logarithm -inf, and its gradient 1 / p overflows", Remark="sigmoid and binary cross entropy is now train.bce_with_logits_loss"
// CHECK-LABEL: func.func @bce
// CHECK-NEXT: %[[P:.*]] = train.sigmoid %arg0
// CHECK-NEXT: %[[L:.*]] = train.bce_with_logits_loss %arg0, %arg1 : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<f32>
// CHECK-NEXT: return %[[L]], %[[P]]
func.func @bce(%x: tensor<4x2xf32>, %t: tensor<4x2xf32>) -> (tensor<f32>, tensor<4x2xf32>) {
  %one = arith.constant dense<1.0> : tensor<4x2xf32>
  %p = train.sigmoid %x : tensor<4x2xf32>
  %logp = math.log %p : tensor<4x2xf32>
  %q = arith.subf %one, %p : tensor<4x2xf32>
  %logq = math.log %q : tensor<4x2xf32>
  %u = arith.subf %one, %t : tensor<4x2xf32>
  %hit = arith.mulf %t, %logp : tensor<4x2xf32>
  %miss = arith.mulf %u, %logq : tensor<4x2xf32>
  %sum = arith.addf %miss, %hit : tensor<4x2xf32>
  %mean = train.reduce mean %sum dims = [0, 1] : tensor<4x2xf32> -> tensor<f32>
  %loss = arith.negf %mean : tensor<f32>
  return %loss, %p : tensor<f32>, tensor<4x2xf32>
}

// -----

// The same with the sigmoid written out, the negation inside and a sum.
// CHECK-LABEL: func.func @bce_written_out
// CHECK-NEXT: %[[L:.*]] = train.bce_with_logits_loss %arg0, %arg1 {reduction = #train<reduction sum>}
// CHECK-NEXT: return %[[L]]
func.func @bce_written_out(%x: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<f32> {
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %n = arith.negf %x : tensor<4xf32>
  %e = math.exp %n : tensor<4xf32>
  %d = arith.addf %one, %e : tensor<4xf32>
  %p = arith.divf %one, %d : tensor<4xf32>
  %logp = math.log %p : tensor<4xf32>
  %q = arith.subf %one, %p : tensor<4xf32>
  %logq = math.log %q : tensor<4xf32>
  %u = arith.subf %one, %t : tensor<4xf32>
  %hit = arith.mulf %logp, %t : tensor<4xf32>
  %miss = arith.mulf %u, %logq : tensor<4xf32>
  %sum = arith.addf %hit, %miss : tensor<4xf32>
  %minus = arith.negf %sum : tensor<4xf32>
  %loss = train.reduce sum %minus dims = [0] : tensor<4xf32> -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// Each logarithm alone. The exponent of what is left is never positive.
// CHECK-LABEL: func.func @logarithms
// CHECK-NOT: train.sigmoid
// CHECK-NOT: math.log %
// CHECK-COUNT-2: math.log1p
// CHECK: return
func.func @logarithms(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %p = train.sigmoid %x : tensor<4xf32>
  %logp = math.log %p : tensor<4xf32>
  %q = arith.subf %one, %p : tensor<4xf32>
  %logq = math.log %q : tensor<4xf32>
  return %logp, %logq : tensor<4xf32>, tensor<4xf32>
}

// -----

// Logarithms that a small constant guards keep it: log(p + e) of a p made of scores is
// logaddexp(log p, log e), for every score. As written, 1 - p is 0 in bf16 from x = 6.24, and
// the loss there log(e), without a gradient.
// REMARK: Reason="a probability that rounds to 0 or 1 leaves log(epsilon) instead of its logarithm, and no gradient", Remark="log of 1 - sigmoid with epsilon is now logaddexp(-softplus(x), log(epsilon))"
// REMARK: log of sigmoid with epsilon is now logaddexp(-softplus(-x), log(epsilon))
// CHECK-LABEL: func.func @guarded_bce
// CHECK-NOT: train.sigmoid
// CHECK: %[[E:.*]] = arith.constant dense<-16.118{{[0-9]*}}> : tensor<4xf32>
// CHECK: %[[MAX:.*]] = arith.maximumf %[[LOGP:.*]], %[[E]]
// CHECK: %[[D:.*]] = arith.subf %[[LOGP]], %[[E]]
// CHECK: %[[A:.*]] = math.absf %[[D]]
// CHECK: %[[N:.*]] = arith.negf %[[A]]
// CHECK: %[[X:.*]] = math.exp %[[N]]
// CHECK: %[[L:.*]] = math.log1p %[[X]]
// CHECK: %[[HIT:.*]] = arith.addf %[[MAX]], %[[L]]
// CHECK: %[[MISS:.*]] = arith.addf
// CHECK: arith.mulf %arg1, %[[HIT]]
// CHECK-NOT: train.bce_with_logits_loss
// CHECK: return
func.func @guarded_bce(%x: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<f32> {
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %eps = arith.constant dense<1.0e-7> : tensor<4xf32>
  %p = train.sigmoid %x : tensor<4xf32>
  %pe = arith.addf %p, %eps : tensor<4xf32>
  %logp = math.log %pe : tensor<4xf32>
  %q = arith.subf %one, %p : tensor<4xf32>
  %qe = arith.addf %eps, %q : tensor<4xf32>
  %logq = math.log %qe : tensor<4xf32>
  %u = arith.subf %one, %t : tensor<4xf32>
  %hit = arith.mulf %t, %logp : tensor<4xf32>
  %miss = arith.mulf %u, %logq : tensor<4xf32>
  %sum = arith.addf %miss, %hit : tensor<4xf32>
  %mean = train.reduce mean %sum dims = [0] : tensor<4xf32> -> tensor<f32>
  %loss = arith.negf %mean : tensor<f32>
  return %loss : tensor<f32>
}

// -----

// A probability that is clipped on both sides, as Keras does, and one whose 1 + epsilon
// is one constant.
// REMARK: log of 1 - sigmoid with epsilon is now clip(-softplus(x), log(epsilon), log(1 - epsilon))
// REMARK: log of sigmoid with epsilon is now clip(-softplus(-x), log(epsilon), log(1 - epsilon))
// CHECK-LABEL: func.func @clipped
// CHECK-NOT: train.sigmoid
// CHECK: %[[LEAST:.*]] = arith.constant dense<-16.118{{[0-9]*}}> : tensor<4xf32>
// CHECK: %[[LARGER:.*]] = arith.maximumf %{{.*}}, %[[LEAST]]
// CHECK: %[[MOST:.*]] = arith.constant dense<-1.192{{[0-9]*}}E-7> : tensor<4xf32>
// CHECK: arith.minimumf %[[LARGER]], %[[MOST]]
// CHECK: arith.constant dense<-15.942{{[0-9]*}}> : tensor<4xf32>
func.func @clipped(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %eps = arith.constant dense<1.0e-7> : tensor<4xf32>
  %most = arith.constant dense<0.9999999> : tensor<4xf32>
  %p = train.sigmoid %x : tensor<4xf32>
  %m = arith.minimumf %p, %most : tensor<4xf32>
  %c = arith.maximumf %m, %eps : tensor<4xf32>
  %logp = math.log %c : tensor<4xf32>
  %q = arith.subf %one, %c : tensor<4xf32>
  %logq = math.log %q : tensor<4xf32>
  return %logp, %logq : tensor<4xf32>, tensor<4xf32>
}

// -----

// REMARK: log of 1 - sigmoid with epsilon is now logaddexp(-softplus(x), log(epsilon))
// CHECK-LABEL: func.func @folded_epsilon
// CHECK-NOT: math.log %
// CHECK: return
func.func @folded_epsilon(%x: tensor<4xf32>) -> tensor<4xf32> {
  %more = arith.constant dense<1.0000001> : tensor<4xf32>
  %p = train.sigmoid %x : tensor<4xf32>
  %q = arith.subf %more, %p : tensor<4xf32>
  %y = math.log %q : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// The ceiling alone keeps no logarithm from -inf: what is left is the repair of a sigmoid,
// if any.
// CHECK-LABEL: func.func @ceiling
// CHECK: math.log %
func.func @ceiling(%x: tensor<4xf32>) -> tensor<4xf32> {
  %most = arith.constant dense<0.9999999> : tensor<4xf32>
  %p = train.sigmoid %x : tensor<4xf32>
  %m = arith.minimumf %p, %most : tensor<4xf32>
  %y = math.log %m : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// A guard by the maximum is one of the logarithms, too.
// REMARK: log of softmax with epsilon is now max(train.log_softmax, log(epsilon))
// CHECK-LABEL: func.func @guarded_softmax
// CHECK: %[[L:.*]] = train.log_softmax %arg0
// CHECK: %[[E:.*]] = arith.constant dense<-27.6310{{[0-9]*}}>
// CHECK-NEXT: %[[Y:.*]] = arith.maximumf %[[L]], %[[E]]
// CHECK-NEXT: return %[[Y]]
func.func @guarded_softmax(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %eps = arith.constant dense<1.0e-12> : tensor<4x8xf32>
  %p = train.softmax %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %m = arith.maximumf %p, %eps : tensor<4x8xf32>
  %y = math.log %m : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// What is added is no guard if it is more than a rounding, and what is no probability
// of scores has nothing to be repaired with.
// CHECK-LABEL: func.func @no_guard
// CHECK: math.log %
// CHECK: math.log %
// CHECK-NOT: math.log1p
// CHECK: return
func.func @no_guard(%x: tensor<4xf32>, %z: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %half = arith.constant dense<0.5> : tensor<4xf32>
  %eps = arith.constant dense<1.0e-7> : tensor<4xf32>
  %p = train.sigmoid %x : tensor<4xf32>
  %ph = arith.addf %p, %half : tensor<4xf32>
  %y = math.log %ph : tensor<4xf32>
  %ze = arith.addf %z, %eps : tensor<4xf32>
  %w = math.log %ze : tensor<4xf32>
  return %y, %w : tensor<4xf32>, tensor<4xf32>
}

// -----

// REMARK: softplus is now max(x, 0) + log1p(exp(-|x|))
// CHECK-LABEL: func.func @softplus
// CHECK: %[[POSITIVE:.*]] = arith.maximumf %arg0
// CHECK: %[[SIZE:.*]] = math.absf %arg0
// CHECK: %[[MINUS:.*]] = arith.negf %[[SIZE]]
// CHECK: %[[E:.*]] = math.exp %[[MINUS]]
// CHECK: %[[L:.*]] = math.log1p %[[E]]
// CHECK: %[[Y:.*]] = arith.addf %[[POSITIVE]], %[[L]]
// CHECK: return %[[Y]]
func.func @softplus(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = math.exp %x : tensor<4xf32>
  %y = math.log1p %e : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// What is stable as it stands is left alone: the exponents are not positive.
// CHECK-LABEL: func.func @stable
// CHECK: math.absf
// CHECK-NEXT: arith.negf
// CHECK-NEXT: math.exp
// CHECK-NEXT: math.log1p
// CHECK-NEXT: train.reduce max
// CHECK-NEXT: train.broadcast
// CHECK-NEXT: arith.subf
// CHECK-NEXT: math.exp
// CHECK-NEXT: train.reduce sum
// CHECK-NEXT: math.log
// CHECK-NEXT: return
func.func @stable(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4xf32>) {
  %a = math.absf %x : tensor<4x8xf32>
  %n = arith.negf %a : tensor<4x8xf32>
  %e = math.exp %n : tensor<4x8xf32>
  %y = math.log1p %e : tensor<4x8xf32>
  %m = train.reduce max %x dims = [1] : tensor<4x8xf32> -> tensor<4xf32>
  %r = train.broadcast %m dims = [0] : tensor<4xf32> -> tensor<4x8xf32>
  %d = arith.subf %x, %r : tensor<4x8xf32>
  %f = math.exp %d : tensor<4x8xf32>
  %s = train.reduce sum %f dims = [1] : tensor<4x8xf32> -> tensor<4xf32>
  %l = math.log %s : tensor<4xf32>
  return %y, %l : tensor<4x8xf32>, tensor<4xf32>
}

// -----

// REMARK: log of softmax is now train.log_softmax
// CHECK-LABEL: func.func @softmax
// CHECK-NEXT: %[[Y:.*]] = train.log_softmax %arg0
// CHECK-NEXT: %[[P:.*]] = train.softmax %arg1
// CHECK-NEXT: return %[[Y]], %[[P]]
func.func @softmax(%x: tensor<4x8xf32>, %z: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %p = train.softmax %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = math.log %p : tensor<4x8xf32>
  %e = math.exp %z : tensor<4x8xf32>
  %s = train.reduce sum %e dims = [1] : tensor<4x8xf32> -> tensor<4xf32>
  %r = train.broadcast %s dims = [0] : tensor<4xf32> -> tensor<4x8xf32>
  %q = arith.divf %e, %r : tensor<4x8xf32>
  return %y, %q : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// A quotient by the sums of columns is no softmax of rows.
// CHECK-LABEL: func.func @columns
// CHECK: math.exp
// CHECK: arith.divf
// CHECK-NOT: train.softmax
func.func @columns(%z: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %e = math.exp %z : tensor<8x8xf32>
  %s = train.reduce sum %e dims = [0] : tensor<8x8xf32> -> tensor<8xf32>
  %r = train.broadcast %s dims = [1] : tensor<8xf32> -> tensor<8x8xf32>
  %q = arith.divf %e, %r : tensor<8x8xf32>
  return %q : tensor<8x8xf32>
}

// -----

// The sum of exponentials, along any dims; the maximum is 0 where it is infinite.
// REMARK: log of sum of exp is now max + log(sum(exp(x - max)))
// CHECK-LABEL: func.func @log_sum_exp
// CHECK: %[[M:.*]] = train.reduce max %arg0 dims = [0]
// CHECK: %[[S:.*]] = arith.select {{.*}}, %[[M]]
// CHECK: %[[R:.*]] = train.broadcast %[[S]] dims = [1]
// CHECK: %[[D:.*]] = arith.subf %arg0, %[[R]]
// CHECK: math.exp %[[D]]
// CHECK: %[[L:.*]] = math.log
// CHECK: arith.addf %[[S]], %[[L]]
func.func @log_sum_exp(%x: tensor<4x8xf32>) -> tensor<8xf32> {
  %e = math.exp %x : tensor<4x8xf32>
  %s = train.reduce sum %e dims = [0] : tensor<4x8xf32> -> tensor<8xf32>
  %l = math.log %s : tensor<8xf32>
  return %l : tensor<8xf32>
}

// -----

// No square is larger than 1, and no sum of 2^20 of them larger than 2^15.
// REMARK: Reason="x^2 overflows f16 from |x| = 256, and vanishes below 2.4e-4"
// CHECK-LABEL: func.func @norm
// CHECK: math.absf %arg0
// CHECK: train.reduce max
// CHECK: %[[RATIO:.*]] = arith.divf %arg0
// CHECK: %[[EIGHTH:.*]] = arith.constant dense<1.250000e-01>
// CHECK: %[[SMALL:.*]] = arith.mulf %[[RATIO]], %[[EIGHTH]]
// CHECK: arith.mulf %[[SMALL]], %[[SMALL]]
// CHECK: math.sqrt
func.func @norm(%x: tensor<1048576xf32>) -> tensor<f32> {
  %q = arith.mulf %x, %x : tensor<1048576xf32>
  %s = train.reduce sum %q dims = [0] : tensor<1048576xf32> -> tensor<f32>
  %r = math.sqrt %s : tensor<f32>
  return %r : tensor<f32>
}

// -----

// The sum of squares is read by something else, too, and stays what it is; other
// products than squares are no norm.
// CHECK-LABEL: func.func @other_roots
// CHECK-NOT: train.reduce max
// CHECK: return
func.func @other_roots(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<f32>, tensor<f32>, tensor<f32>) {
  %q = arith.mulf %x, %x : tensor<4xf32>
  %s = train.reduce sum %q dims = [0] : tensor<4xf32> -> tensor<f32>
  %r = math.sqrt %s : tensor<f32>
  %d = arith.mulf %x, %y : tensor<4xf32>
  %t = train.reduce sum %d dims = [0] : tensor<4xf32> -> tensor<f32>
  %u = math.sqrt %t : tensor<f32>
  return %r, %s, %u : tensor<f32>, tensor<f32>, tensor<f32>
}
