#===- refused.py - What cannot run is refused by name
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# Models that were compiled to something else than was meant, to nothing that loads, or
# that crashed the compiler: it says what is wrong, where, and what helps, and exits
# with 3. Beside each input stand two more of its kind.
# REQUIRES: numpy, ml_dtypes, compiler
# RUN: %python %s %t

from Inputs.case import *


class Extents(CaseTest):
    def test_huge_extent(self):
        self.refused("huge-extent", "huge-extent.mlir:5:10: error: ", "unsupported extents of 'train.linear'",
                     "at most 2^30 rows, columns and terms of a sum", flags=())

    def test_huge_rows(self):
        self.refused(loss_of("""  %z = train.matmul %x, %w : (tensor<2147483648x2xf32>, tensor<2x1xf32>) -> tensor<2147483648x1xf32>
  %l = train.reduce mean %z dims = [0, 1] : tensor<2147483648x1xf32> -> tensor<f32>""",
                             [("x", "2147483648x2")], ("w", "2x1")), "m.mlir:4:8: error: ", "unsupported extents of 'train.matmul'")

    def test_huge_image(self):
        """A convolution; and an image that no product reads."""
        self.refused(loss_of("""  %z = train.conv2d %x, %w : (tensor<1x4294967296x1x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x4294967296x1x1xf32>
  %l = train.reduce mean %z dims = [0, 1, 2, 3] : tensor<1x4294967296x1x1xf32> -> tensor<f32>""",
                             [("x", "1x4294967296x1x1")], ("w", "1x1x1x1")), "m.mlir:4:8: error: ", "train.conv2d")
        self.refused(loss_of("""  %b = train.broadcast %w dims = [1] : tensor<4xf32> -> tensor<4611686018427387904x4xf32>
  %z = arith.mulf %b, %x : tensor<4611686018427387904x4xf32>
  %l = train.reduce mean %z dims = [0, 1] : tensor<4611686018427387904x4xf32> -> tensor<f32>""",
                             [("x", "4611686018427387904x4")], ("w", "4")),
                     "argument 0 of 'loss' has type 'tensor<4611686018427387904x4xf32>', which no machine can hold")


class Resources(CaseTest):
    def test_resource_initial_value(self):
        self.refused("resource-initial-value", "resource-initial-value.mlir:2:3: error: resource 'foo' has no data", flags=())

    def test_resource_of_op(self):
        """Whole numbers that an op holds, and the same in a function that only another calls."""
        model = loss_of("""  %i = arith.constant dense_resource<rows> : tensor<4xi32>
  %y = train.gather %w, %i : (tensor<8x2xf32>, tensor<4xi32>) -> tensor<4x2xf32>
  %l = train.mse_loss %y, %t : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<f32>""", [("t", "4x2")], ("w", "8x2"))
        self.refused(model, "m.mlir:4:8: error: resource 'rows' has no data")
        data = {"t": np.zeros((4, 2), "f4")}
        compile_plan(model + '{-# dialect_resources: { builtin: { rows: "0x0400000007000000000000000300000007000000" } } #-}\n',
                     "--policy=f32")
        states, found, _ = outputs("step", data)
        self.near(found["loss"], (states["w"][[7, 0, 3, 7]] ** 2).mean(), 1e-6)

    def test_resource_of_bf16(self):
        """16-bit values, and too few of them."""
        model = loss_of("""  %c = arith.constant dense_resource<half> : tensor<2xbf16>
  %f = arith.extf %c : tensor<2xbf16> to tensor<2xf32>
  %y = arith.mulf %w, %f : tensor<2xf32>
  %l = train.mse_loss %y, %t : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>""", [("t", "2")], ("w", "2"))
        bytes_of = '{{-# dialect_resources: {{ builtin: {{ half: "0x02000000{}" }} }} #-}}\n'
        self.refused(model + bytes_of.format("803F"), "m.mlir:4:8: error: resource 'half' has 2 bytes, which are not the elements of")
        compile_plan(model + bytes_of.format("803F40C0"), "--policy=f32")
        states, found, _ = outputs("step", {"t": np.ones(2, "f4")})
        self.near(found["loss"], ((states["w"] * [1, -3] - 1) ** 2).mean(), 1e-6)


class Attributes(CaseTest):
    def test_attribute_wrong(self):
        """With the name that is meant the loss is NumPy's."""
        self.refused("attribute-wrong", "attribute-wrong.mlir:6:10: error: unknown attribute 'smoothing' of 'train.cross_entropy'",
                     "did you mean 'label_smoothing'?", flags=("--policy=bf16",))
        compile_plan((INPUTS / "attribute-wrong.mlir").read_text().replace("{smoothing", "{label_smoothing"), "--policy=bf16")
        output = run("m.vplan", "train", "--data", "classes.npz", "--steps", 1, "--seed", 1)
        data = dict(np.load("classes.npz"))
        z = data["x"].astype(float) @ outputs("step", data, seed=1)[0]["w"].T
        losses = np.log(np.exp(z).sum(1, keepdims=True)) - z
        plain = losses[np.arange(16), data["y"]].mean()
        self.near(float(result(output)["loss"]), 0.5 * plain + 0.5 * losses.mean(), 0.005)
        self.assertGreater(abs(losses.mean() - plain), 0.05)

    def test_wrong_epsilon(self):
        self.refused(loss_of("""  %y = train.layer_norm %x, %w, %b {eps = 1.0e-3 : f64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %l = train.reduce mean %y dims = [0, 1] : tensor<4x8xf32> -> tensor<f32>""", [("x", "4x8")], ("w", "8"), ("b", "8")),
                     "m.mlir:6:8: error: unknown attribute 'eps' of 'train.layer_norm'; did you mean 'epsilon'?")

    def test_wrong_transpose(self):
        """Square operands have a shape that fits either way; and an op of another dialect."""
        self.refused(loss_of("""  %y = train.matmul %x, %w {transpose_b} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %l = train.reduce mean %y dims = [0, 1] : tensor<8x8xf32> -> tensor<f32>""", [("x", "8x8")], ("w", "8x8")),
                     "unknown attribute 'transpose_b' of 'train.matmul'", "transpose_rhs")
        self.refused(loss_of("""  %y = arith.mulf %x, %w {fastmaths = "fast"} : tensor<8xf32>
  %l = train.reduce mean %y dims = [0] : tensor<8xf32> -> tensor<f32>""", [("x", "8")], ("w", "8")),
                     "unknown attribute 'fastmaths' of 'arith.mulf'; did you mean 'fastmath'?")


class Roles(CaseTest):
    ROLE = 'train.role = "parameter"'

    def model(self, role):
        text = (INPUTS / "role-without-prefix.mlir").read_text()
        return text.replace('{role = "parameter"}', "{" + role + "}")

    def test_role_without_prefix(self):
        self.refused("role-without-prefix", "role-without-prefix.mlir:3:3: error: unknown attribute 'role' of 'ml_program.global'",
                     "did you mean 'train.role'?", flags=())
        compile_plan(self.model(self.ROLE))

    def test_misspelt_role(self):
        """The name, the value, and another attribute of the dialect."""
        self.refused(self.model('train.rolle = "parameter"'), "m.mlir:3:3: error: ", "'train.rolle'", "did you mean 'train.role'?")
        self.refused(self.model('train.role = "paramter"'), "m.mlir:3:3: error: ", "paramter", "parameter")
        self.refused(self.model(self.ROLE + ", train.gruop = 1 : i64"), "'train.gruop'", "did you mean 'train.group'?")

    def test_name_without_prefix(self):
        """Of an argument and of a result."""
        text = self.model(self.ROLE)
        self.refused(text.replace('{train.name = "x"}', '{vernier.name = "x"}'), "m.mlir:4:", "vernier.name", "train.name")
        self.refused(text.replace('{train.name = "loss"}', '{train.nam = "loss"}'), "m.mlir:4:", "train.nam", "train.name")


class OneValue(CaseTest):
    WARNING = "takes each of its statistics of one value: its result says nothing about its input"

    def test_batch_of_one(self):
        message = compile_plan("batch-of-one", "--policy=bf16")
        self.assertIn("batch-of-one.mlir:14:20: warning: 'train.batch_norm' " + self.WARNING, message)
        # What the run says of it in its turn.
        output = run("m.vplan", "train", "--data", "one-row.npz", "--epochs", 2)
        self.assertIn("2 of 3 parameters ('w', 'g') learned nothing in 10 steps", output)

    def test_group_of_one(self):
        """A group norm with as many groups as channels, of an image of one pixel; two pixels are many."""
        def model(pixels):
            kind = f"tensor<4x{pixels}x1x6xf32>"
            return loss_of(f"""  %y = train.group_norm %x, %w, %b {{groups = 6 : i64}} : ({kind}, tensor<6xf32>, tensor<6xf32>) -> {kind}
  %l = train.mse_loss %y, %x : ({kind}, {kind}) -> tensor<f32>""", [("x", f"4x{pixels}x1x6")], ("w", "6"), ("b", "6"))

        self.assertIn("'train.group_norm' " + self.WARNING, compile_plan(model(1)))
        self.assertNotIn("warning", compile_plan(model(2)))

    def test_hand_written(self):
        """What lies about its mean, over a batch of one row or of two."""
        def model(rows):
            kind = f"tensor<{rows}x6xf32>"
            return loss_of(f"""  %z = train.linear %x, %w : ({kind}, tensor<6x6xf32>) -> {kind}
  %m = train.reduce mean %z dims = [0] : {kind} -> tensor<6xf32>
  %mb = train.broadcast %m dims = [1] : tensor<6xf32> -> {kind}
  %y = arith.subf %z, %mb : {kind}
  %l = train.mse_loss %y, %x : ({kind}, {kind}) -> tensor<f32>""", [("x", f"{rows}x6")], ("w", "6x6"))

        self.assertIn("m.mlir:5:8: warning: 'train.reduce' " + self.WARNING, compile_plan(model(1)))
        self.assertNotIn("warning", compile_plan(model(2)))


class InputTypes(CaseTest):
    MODEL = (INPUTS / "byte-input.mlir").read_text()

    def test_byte_input(self):
        self.refused("byte-input", "byte-input.mlir:3:3: error: ", "argument 0 of 'loss' has type 'tensor<16x64xi8>'",
                     "expected elements of f32, bf16, f16, i32, i64 or i1: data files of bytes are read into i32 or f32 exactly")

    def test_other_inputs(self):
        """Whole numbers of 16 bits, and labels of 64 bits beside them; i32 is read."""
        self.refused(self.MODEL.replace("xi8>", "xi16>"), "argument 0 of 'loss' has type 'tensor<16x64xi16>'", "i32")
        compile_plan(self.MODEL.replace("xi8>", "xi32>"), "--policy=f32")
        random = np.random.RandomState(6)
        pixels, labels = random.randint(0, 256, (16, 64)).astype("u1"), random.randint(0, 10, 16)
        np.savez("bytes.npz", x=pixels, y=labels.astype("i4"))
        output = run("m.vplan", "train", "--data", "bytes.npz", "--steps", 1)
        z = pixels.astype(float) @ outputs("step", {"x": pixels.astype("i4"), "y": labels.astype("i4")})[0]["w"].T
        top = z.max(1)
        want = (top + np.log(np.exp(z - top[:, None]).sum(1)) - z[np.arange(16), labels]).mean()
        self.near(float(result(output)["loss"]), want, 1e-5)

    def test_wide_state(self):
        """A parameter of f64, and an fp8 result of @predict."""
        text = (INPUTS / "resume.mlir").read_text()
        self.refused(text.replace("tensor<8x8xf32>", "tensor<8x8xf64>"), "f64")
        self.refused('func.func @predict(%x: tensor<4xf32> {train.name = "x"}) -> (tensor<4xf8E4M3FN> {train.name = "y"}) {\n'
                     "  %y = arith.truncf %x : tensor<4xf32> to tensor<4xf8E4M3FN>\n  return %y : tensor<4xf8E4M3FN>\n}\n",
                     "f8E4M3FN")


main()
