#===- explain-json.py - What --explain=json promises
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s %source/examples/digits/mlp.mlir %t
# REQUIRES: compiler
"""The JSON explanation has the fields of docs/Explain.md, and its numbers agree
with each other and with the plan's text."""

import json
import os
import re
import subprocess
import sys

MODEL, SCRATCH = sys.argv[1:]
os.makedirs(SCRATCH, exist_ok=True)

with open(os.path.join(os.environ["VERNIER_SOURCE"], "docs", "Explain.md")) as file:
    DOCUMENTED = set(re.findall(r"^\| `(\w+)`", file.read(), re.M))


def explain(model, *flags):
    path = os.path.join(SCRATCH, "explain.json")
    subprocess.run(["vernier-compile", model, "--explain=json", "--explain-file=" + path,
                    "-o", os.path.join(SCRATCH, "m.vplan"), *flags], check=True)
    with open(path) as file:
        return json.load(file)


def keys_of(value):
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(keys_of(v) for k, v in value.items() if k != "options"))


def check_function(function):
    ops = function["ops"]
    assert [op["id"] for op in ops] == list(range(len(ops)))
    for op in ops:
        assert all(0 <= i < op["id"] for i in op["inputs"]), op
        assert op["phase"] in ("forward", "backward", "update"), op
        assert op["rule"] and op["reason"], op
        if "forward" in op:
            assert op["phase"] == "backward" and ops[op["forward"]]["phase"] == "forward", op
    # Totals are sums over the ops, and a phase has no op of another.
    for total in function["totals"]:
        part = [op for op in ops if (op["operand"], op["phase"]) == (total["type"], total["phase"])]
        assert total["ops"] == len(part)
        for what in ("flops", "bytes"):
            assert total[what] == sum(op[what] for op in part), (total, what)
    assert sum(total["ops"] for total in function["totals"]) == len(ops)
    # So are those of each op and type.
    for kind in function["kinds"]:
        part = [op for op in ops if (op["op"], op["operand"]) == (kind["op"], kind["type"])]
        assert [kind[what] for what in ("ops", "flops", "bytes")] == \
            [len(part), sum(op["flops"] for op in part), sum(op["bytes"] for op in part)], kind
    assert sum(kind["ops"] for kind in function["kinds"]) == len(ops)
    # Each cast that an op reads is charged to its readers, to the byte.
    read = {i for op in ops for i in op["inputs"]}
    casts = sum(op["bytes"] for op in ops if op["cast"] and op["id"] in read)
    assert casts == sum(op["castBytes"] for op in ops), casts
    # Forward feeds backward feeds update, never the other way.
    order = {"forward": 0, "backward": 1, "update": 2}
    for op in ops:
        assert all(order[ops[i]["phase"]] <= order[op["phase"]] or op["op"] == "amp.scale" for i in op["inputs"]), op


bf16 = explain(MODEL, "--policy=bf16")
assert (bf16["schema"], bf16["version"], bf16["model"]) == ("vernier.explain", 1, "mlp")
assert bf16["options"] == {"target": "cpu:x86-64-v3", "policy": "bf16", "optimizer": "adamw", "loss-scale": "auto"}
assert keys_of(bf16) == DOCUMENTED, keys_of(bf16) ^ DOCUMENTED
for policy in ("bf16", "f16", "tf32", "f32"):
    for function in explain(MODEL, "--policy=" + policy)["functions"]:
        check_function(function)

# The parts of the step are where one expects them.
step = next(f for f in bf16["functions"] if f["name"] == "step")["ops"]
phases = {op["op"]: op["phase"] for op in step if not op["cast"]}
assert phases["train.linear"] == phases["train.cross_entropy"] == "forward"
assert phases["train.matmul"] == "backward" and phases["train.update"] == "update"
scaled = next(f for f in explain(MODEL, "--policy=f16")["functions"] if f["name"] == "step")["ops"]
phases = {op["op"]: op["phase"] for op in scaled}
assert phases["amp.scale"] == "backward" and phases["amp.all_finite"] == phases["amp.gate"] == "update"
update = next(op for op in step if op["op"] == "train.update")
assert set(update["reads"]) == {"fc1.weight", "fc1.weight.m", "fc1.weight.v", "train.step"}, update

# Memory: parameters of the model, two moments of each, a bf16 copy of each.
memory = {(row["where"], row["holds"], row["type"]): row["bytes"] for row in bf16["memory"]}
parameters = 4 * (64 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10)
assert memory["state", "parameters", "f32"] == parameters
assert memory["state", "moments", "f32"] == 2 * parameters
assert memory["state", "copies", "bf16"] == parameters // 2
arena = sum(row["bytes"] for row in bf16["memory"] if row["where"] == "step")
plan = subprocess.run(["vernier-compile", MODEL, "--policy=bf16", "--emit=plan", "-o", "-"], check=True, capture_output=True, text=True).stdout
assert arena == int(re.search(r"plan.entry @step attributes {arena_bytes = (\d+)", plan).group(1))

# What the forward part leaves to the backward part is kept in the type decided for it:
# the results of two sigmoids, 8 x 16 each, which their gradients and the next products
# read. One that a policy keeps in f32 is kept in f32, and rounded for the product.
saving = os.path.join(SCRATCH, "saving.mlir")
with open(saving, "w") as file:
    file.write("""ml_program.global private mutable @w(#train.kaiming) : tensor<16x16xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<8x16xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
  %w = ml_program.global_load @w : tensor<16x16xf32>
  %0 = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %1 = train.sigmoid %0 : tensor<8x16xf32> loc("first")
  %2 = train.linear %1, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %3 = train.sigmoid %2 : tensor<8x16xf32> loc("second")
  %4 = train.linear %3, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %loss = train.mse_loss %4, %x : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
""")
policy = os.path.join(SCRATCH, "second.yaml")
with open(policy, "w") as file:
    file.write("name: mine\nbase: vernier\ncompute: bf16\noverrides:\n  - location: second\n    class: full\n")

def saved(policy):
    return {row["type"]: row["bytes"] for row in explain(saving, "--policy=" + policy)["memory"] if row["where"] == "saved"}

narrow, mixed, wide = saved("bf16"), saved(policy), saved("f32")
activation = 8 * 16
assert narrow["bf16"] == mixed["bf16"] == 2 * activation * 2 and "bf16" not in wide
assert mixed["f32"] == narrow["f32"] + activation * 4 and wide["f32"] == narrow["f32"] + 2 * activation * 4

# Contractions run in 16 bits where the target multiplies them.
def contractions(*flags):
    return [op["contraction"] for f in explain(MODEL, *flags)["functions"] for op in f["ops"] if "contraction" in op]

assert all(c["accelerated"] and c["why"] == "cpu:cooperlake multiplies bf16" for c in contractions("--target=cpu:cooperlake"))
assert all(not c["accelerated"] and "multiplies no bf16" in c["why"] for c in contractions())
assert all(not c["accelerated"] and c["why"].startswith("its operands are f32: ") for c in contractions("--policy=f32", "--target=cpu:cooperlake"))

# The rule that lost: the line below the override that won, the class that an op
# asks for below the policy's line, the operand that was widened.
policy = os.path.join(SCRATCH, "mine.yaml")
with open(policy, "w") as file:
    file.write("name: mine\nbase: vernier\ncompute: bf16\noverrides:\n  - op: train\\.linear\n    location: \":20:\"\n    class: full\n")
mine = next(f for f in explain(MODEL, "--policy=" + policy)["functions"] if f["name"] == "step")["ops"]
linear = [op for op in mine if op["op"] == "train.linear"]
assert [op["competing"] for op in linear] == ["vernier/train.linear: low", "", ""], linear
assert linear[0]["rule"] == "mine/overrides[0]: full"

# Names of the user are bytes; the file is UTF-8 whatever they are.
strange = os.path.join(SCRATCH, "strange.mlir")
with open(strange, "wb") as file:
    file.write(b"""func.func @predict(%x: tensor<4xf32> {train.name = "x"}, %y: tensor<4xf32> {train.name = "y"}) -> tensor<4xf32> {
  %w = arith.truncf %x : tensor<4xf32> to tensor<4xbf16>
  %v = arith.extf %w : tensor<4xbf16> to tensor<4xf32>
  %0 = math.tanh %v : tensor<4xf32> loc("</script>\\FF\\22&")
  %1 = arith.addf %0, %y : tensor<4xf32>
  return %1 : tensor<4xf32>
}
""")
names = [op["name"] for op in explain(strange)["functions"][0]["ops"]]
assert "</script>\ufffd\"&" in names, names
