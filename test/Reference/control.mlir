// RUN: vernier-evaluate %s --entry=step --steps=3 | FileCheck %s

// Calls, fusions and the globals that outlive a step: after each of three steps
// the counter and the sum so far.
// CHECK: count: tensor<3xi32> [1, 2, 3]
// CHECK: sum: tensor<3x2xf32> {{\[}}[2, 4], [4, 8], [6, 12]]
ml_program.global private mutable @count(dense<0> : tensor<i32>) : tensor<i32>
ml_program.global private mutable @sum(#train.constant<0.0>) : tensor<2xf32>

func.func @twice(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = train.fusion flat rows = 1 cols = 2 (%x) : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%a: tensor<2xf32>):
    %b = arith.addf %a, %a : tensor<2xf32>
    train.yield %b : tensor<2xf32>
  }
  return %y : tensor<2xf32>
}

func.func @step() -> (tensor<i32> {train.name = "count"}, tensor<2xf32> {train.name = "sum"}) {
  %one = arith.constant dense<1> : tensor<i32>
  %n = ml_program.global_load @count : tensor<i32>
  %next = arith.addi %n, %one : tensor<i32>
  ml_program.global_store @count = %next : tensor<i32>
  %x = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = func.call @twice(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %s = ml_program.global_load @sum : tensor<2xf32>
  %t = arith.addf %s, %y : tensor<2xf32>
  ml_program.global_store @sum = %t : tensor<2xf32>
  return %next, %t : tensor<i32>, tensor<2xf32>
}
