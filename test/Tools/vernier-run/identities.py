#===- identities.py - What an op is called, from the model to the run
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# Profiles, policies, explanations and messages call an op by its identity: lines
# and ops elsewhere change nothing, and what is no longer there is named.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

import json
import re

from Inputs.runner import *

# A helper that is called twice, named ops, and ops that nobody has named.
MODEL = """module @m {
  ml_program.global private mutable @w(#train.xavier) : tensor<16x16xf32> {train.role = "parameter"}
  ml_program.global private mutable @head(#train.xavier) : tensor<4x16xf32> {train.role = "parameter"}
  func.func private @block(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
    %w = ml_program.global_load @w : tensor<16x16xf32>
    %q = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> loc("attn.q")
    %k = train.matmul %q, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> loc("attn.k")
    %s = train.matmul %q, %k {transpose_rhs} : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x8xf32>
    %y = train.matmul %s, %q : (tensor<8x8xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
    %z = train.softmax %y : (tensor<8x16xf32>) -> tensor<8x16xf32>
    return %z : tensor<8x16xf32>
  }
  func.func @loss(%x: tensor<8x16xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
    %0 = call @block(%x) : (tensor<8x16xf32>) -> tensor<8x16xf32>
    %1 = call @block(%0) : (tensor<8x16xf32>) -> tensor<8x16xf32>
    %h = ml_program.global_load @head : tensor<4x16xf32>
    %2 = train.linear %1, %h : (tensor<8x16xf32>, tensor<4x16xf32>) -> tensor<8x4xf32>
    %3 = arith.mulf %2, %2 : tensor<8x4xf32>
    %4 = train.reduce mean %3 dims = [0, 1] : tensor<8x4xf32> -> tensor<f32>
    return %4 : tensor<f32>
  }
}
"""
BLOCK = ("attn.q", "attn.k", "train.matmul", "train.matmul#2")
FORWARD = [f"{call}/{op}" for call in ("block", "block#2") for op in BLOCK] + ["loss/train.linear@head"]


def compile_model(model, plan, *flags, code=0):
    """Compile a text; what is said of it."""
    pathlib.Path("m.mlir").write_text(model)
    process = subprocess.run(["vernier-compile", "m.mlir", "-o", plan, "--optimizer=sgd,lr=1e-3", *flags],
                             capture_output=True, text=True)
    assert process.returncode == code, process.stderr
    return process.stderr


def explained(model, policy):
    """The operand type of each forward contraction by identity."""
    compile_model(model, "e.vplan", f"--policy={policy}", "--explain=json", "--explain-file=e.json")
    step = next(f for f in json.loads(pathlib.Path("e.json").read_text())["functions"] if f["name"] == "step")
    return {op["identity"]: op["operand"] for op in step["ops"] if op["phase"] == "forward" and "contraction" in op}


class Identities(RunnerTest):
    def setUp(self):
        super().setUp()
        np.savez("x.npz", x=np.random.RandomState(0).randn(64, 16).astype("f4"))
        compile_model(MODEL, "f32.vplan", "--policy=f32")
        run("f32.vplan", "train", "--data", "x.npz", "--steps", 4, "--profile-numerics", "p.json", "--profile-every", 1)

    def test_profile(self):
        """A product for each contraction of each call, with its gradients and whose they are."""
        products = json.loads(pathlib.Path("p.json").read_text())["products"]
        self.assertEqual([p["identity"] for p in products if p["role"] == "forward"], FORWARD)
        gradients = {(p["identity"], p["role"]): p.get("parameter") for p in products if p["role"] != "forward"}
        for call in ("block", "block#2"):
            self.assertEqual(gradients[f"{call}/attn.q", "rhs gradient"], "w")
            self.assertEqual(gradients[f"{call}/attn.k", "rhs gradient"], "w")
            for operand in ("lhs", "rhs"):  # of scores, square and equal in size
                self.assertIsNone(gradients[f"{call}/train.matmul", f"{operand} gradient"])
        self.assertEqual(gradients["loss/train.linear@head", "rhs gradient"], "head")
        # Nobody wants the gradient of the data.
        self.assertNotIn(("block/attn.q", "lhs gradient"), gradients)
        self.assertEqual(len(products), 3 * len(FORWARD) - 1)

    def test_policy(self):
        """What --policy=auto says is what the written policy does, whatever is written around the ops."""
        said = compile_model(MODEL, "a.vplan", "--policy=auto", "--profile=p.json", "--error-budget=0.02", "--write-policy=p.yaml")
        narrow = int(re.search(r"policy auto: (\d+) of 26 contractions", said)[1])
        self.assertNotIn("warning", said)
        policy = pathlib.Path("p.yaml").read_text()
        self.assertEqual(re.findall(r"identity: '(.*)'", policy), FORWARD)
        written = dict(re.findall(r"identity: '(.*)'\n.*\n    compute: (\w+)", policy))
        types = explained(MODEL, "p.yaml")
        self.assertEqual(types, written)
        self.assertLessEqual(list(types.values()).count("bf16"), narrow)
        other = MODEL.replace("module @m {", "// A comment.\n\nmodule @m {").replace(
            "    %3 = arith.mulf", "    %t = math.tanh %2 : tensor<8x4xf32>\n    %3 = arith.mulf").replace(
            "func.func @loss", "func.func private @unused(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {\n"
            "    %0 = train.relu %x : tensor<8x16xf32>\n    return %0 : tensor<8x16xf32>\n  }\n  func.func @loss")
        self.assertEqual(explained(other, "p.yaml"), types)
        # A profile is of the same ops, too.
        self.assertNotIn("warning", compile_model(other, "b.vplan", "--policy=auto", "--profile=p.json"))

    def test_unknown(self):
        """An op that has another name: policy and profile name the old one, and nothing else is decided by it."""
        compile_model(MODEL, "a.vplan", "--policy=auto", "--profile=p.json", "--error-budget=10", "--write-policy=p.yaml")
        renamed = MODEL.replace('loc("attn.k")', 'loc("attn.key")')
        said = compile_model(renamed, "b.vplan", "--policy=p.yaml")
        for call in ("block", "block#2"):
            self.assertIn(f"is about '{call}/attn.k', which this model does not have", said)
        said = compile_model(renamed, "b.vplan", "--policy=auto", "--profile=p.json", "--write-policy=q.yaml")
        self.assertIn("the profile has no numbers of 'block/attn.key' (train.matmul), 'block#2/attn.key' (train.matmul)", said)
        self.assertIn("the profile has numbers of 'block#2/attn.k' (train.matmul), 'block/attn.k' (train.matmul), "
                      "which this model does not have", said)
        types = dict(re.findall(r"identity: '(.*)'\n.*\n    compute: (\w+)", pathlib.Path("q.yaml").read_text()))
        self.assertEqual((types["block/attn.key"], types["block#2/attn.key"]), ("f32", "f32"))
        # An op of another kind is not the one that the policy was written for.
        kind = MODEL.replace('train.linear %x, %w :', 'train.matmul %x, %w {transpose_rhs} :')
        self.assertIn("is about 'block/attn.q', which this model does not have, has as an op of another kind",
                      compile_model(kind, "b.vplan", "--policy=p.yaml"))

    def test_messages(self):
        """--check-numerics and the profile of times tell the calls of a helper apart."""
        np.savez("bad.npz", x=np.full((64, 16), 1e30, "f4"))
        self.fails(NUMERIC, "f32.vplan", "train", "--data", "bad.npz", "--steps", 1, "--check-numerics",
                   says="first non-finite result: block/train.matmul at m.mlir:8:10 (call ")
        table = run("f32.vplan", "bench", "--profile", "--steps", 3).stderr
        for name in ("block/attn.q (train.linear)", "block#2/attn.q (train.linear)",
                     "block#2/train.matmul#2 at m.mlir:9:10", "weight gradient of loss/train.linear@head at m.mlir:17:10",
                     "weight gradient (@w) of block#2/attn.k (train.matmul)"):
            self.assertIn(name, table)


main()
