#===- embedding.py - Rows of a table by index, from data
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# A bag of words over an embedding learns in each precision; an index that the table
# has no row for is refused, with the row of the data that holds it.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

from Inputs.runner import *

WORDS, TOKENS, ROWS = 50, 6, 64
MODEL = """
module @words {
  ml_program.global private mutable @table(#train.normal<0.0, 1.0>) : tensor<50x16xf32> {train.role = "parameter"}
  ml_program.global private mutable @w(#train.kaiming) : tensor<4x16xf32> {train.role = "parameter"}
  func.func @loss(%token: tensor<8x6xi32> {train.name = "token"}, %label: tensor<8xi32> {train.name = "label"})
      -> (tensor<f32> {train.name = "loss"}, tensor<8x4xf32> {train.name = "logits"}) {
    %table = ml_program.global_load @table : tensor<50x16xf32>
    %w = ml_program.global_load @w : tensor<4x16xf32>
    %e = train.gather %table, %token : (tensor<50x16xf32>, tensor<8x6xi32>) -> tensor<8x6x16xf32>
    %bag = train.reduce mean %e dims = [1] : tensor<8x6x16xf32> -> tensor<8x16xf32>
    %logits = train.linear %bag, %w : (tensor<8x16xf32>, tensor<4x16xf32>) -> tensor<8x4xf32>
    %loss = train.cross_entropy %logits, %label : (tensor<8x4xf32>, tensor<8xi32>) -> tensor<f32>
    return %loss, %logits : tensor<f32>, tensor<8x4xf32>
  }
}
"""


class Embedding(RunnerTest):
    def setUp(self):
        super().setUp()
        pathlib.Path("words.mlir").write_text(MODEL)

    def compile(self, *flags):
        subprocess.run(["vernier-compile", "words.mlir", "-o", "words.vplan", "--optimizer=adam,lr=1e-1", *flags], check=True)

    def make_data(self, **changes):
        """The label is the quarter of the vocabulary that the words come from."""
        random = np.random.RandomState(0)
        label = random.randint(0, 4, ROWS)
        token = (label[:, None] * (WORDS // 4) + random.randint(0, WORDS // 4, (ROWS, TOKENS))).astype(np.int32)
        for place, index in changes.items():
            token[int(place[1:]), 2] = index
        np.savez("words.npz", token=token, label=label.astype(np.int32))

    def test_learns(self):
        self.make_data()
        for flags in (("--policy=f32",), ("--policy=bf16",), ("--policy=f16", "--loss-scale=dynamic")):
            self.compile(*flags)
            result = run("words.vplan", "train", "--data", "words.npz", "--epochs", 10, "--seed", 1).result
            self.assertEqual(float(result["accuracy"]), 1, flags)

    def test_index_outside(self):
        """Above the last row, and negative."""
        self.compile("--policy=f32")
        for index in (WORDS, -1):
            self.make_data(r13=index)
            self.fails(BAD_FILE, "words.vplan", "train", "--data", "words.npz", "--epochs", 1,
                       says=f"words.npz: 'token' in row 13 is {index}; expected a class in 0..49")


main()
