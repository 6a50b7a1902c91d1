#===- gradient-overflow.py - Gradients that overflow, but cannot underflow
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# The scale that such gradients need is below 1. The automatic scaler finds it as
# the dynamic one does.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

from Inputs.runner import *

ROWS = 131072
# A loss made of %z, by its name: its ops, and the learning rate.
LOSSES = {
    # The weight gradient is the sum of all rows.
    "sum": ("%loss = train.reduce sum %z dims = [0, 1] : tensor<ROWSx1xf32> -> tensor<f32>", "1e-5"),
    # The gradient of half of the rows passes a rectifier.
    "rectified": ("""%r = train.relu %z : tensor<ROWSx1xf32>
    %loss = train.reduce sum %r dims = [0, 1] : tensor<ROWSx1xf32> -> tensor<f32>""", "1e-5"),
    # Each row's gradient is itself beyond f16.
    "coefficient": ("""%c = arith.constant dense<1.0e6> : tensor<f32>
    %s = train.reduce sum %z dims = [0, 1] : tensor<ROWSx1xf32> -> tensor<f32>
    %loss = arith.mulf %s, %c : tensor<f32>""", "1e-11"),
}


class GradientOverflow(RunnerTest):
    def train(self, name, scaler):
        body, rate = LOSSES[name]
        text = f"""module @{name} {{
  ml_program.global private mutable @w(#train.constant<10.0>) : tensor<1x1xf32> {{train.role = "parameter"}}
  func.func @loss(%x: tensor<ROWSx1xf32> {{train.name = "x"}}) -> (tensor<f32> {{train.name = "loss"}}) {{
    %w = ml_program.global_load @w : tensor<1x1xf32>
    %z = train.linear %x, %w : (tensor<ROWSx1xf32>, tensor<1x1xf32>) -> tensor<ROWSx1xf32>
    {body}
    return %loss : tensor<f32>
  }}
}}
""".replace("ROWS", str(ROWS))
        pathlib.Path("model.mlir").write_text(text)
        subprocess.run(["vernier-compile", "model.mlir", "-o", "m.vplan", "--policy=f16",
                        f"--optimizer=sgd,lr={rate}", f"--loss-scale={scaler}"], check=True)
        signs = np.where(np.arange(ROWS) % 4 == 0, -1, 1) if name == "rectified" else np.ones(ROWS)
        np.savez("data.npz", x=signs.astype(np.float32)[:, None])
        result = run("m.vplan", "train", "--data", "data.npz", "--steps", 60).result
        return float(result["loss"]), int(result["skipped"])

    def test_same_as_dynamic(self):
        """It trains, and as with the scaler that is asked for."""
        for name in LOSSES:
            with self.subTest(name):
                loss, skipped = self.train(name, "auto")
                self.assertEqual((loss, skipped), self.train(name, "dynamic"))
                # The weight falls from 10 in every step that is not skipped.
                self.assertLess(loss, ROWS)
                self.assertLess(skipped, 60)
                self.assertGreater(skipped, 16)


main()
