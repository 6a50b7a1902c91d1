#===- kept-values.py - No 16-bit decision ruins a value
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# Inputs whose values 16 bits once lost without a word: constants that vanish, norms
# written by hand, values beyond f16, a loss that is a sum, residual convolutions.
# Beside each input stand two more of its kind; the right values are NumPy's.
# REQUIRES: numpy, ml_dtypes, compiler
# RUN: %python %s %t

from Inputs.case import *

SCORES = np.array([-8, -4, -2, -1, -.5, -.1, 0, 0, .1, .5, 1, 2, 4, 8, 10, 20.])[:, None]


def of_scores(body):
    """A model of one weight, 1, whose @predict makes %y of %z, a score."""
    return parameter("w", "1x1", "dense<1.0> : tensor<1x1xf32>") + typed(
        'func.func @predict(%x: T {train.name = "x"}) -> (T {train.name = "y"}) {\n'
        "  %w = ml_program.global_load @w : tensor<1x1xf32>\n"
        "  %z = train.linear %x, %w : (T, tensor<1x1xf32>) -> T\n" + body + "\n  return %y : T\n}\n", T="tensor<16x1xf32>")


class Constants(CaseTest):
    def check(self, model, want, bound):
        """In every policy, the prediction by the tool."""
        for policy in POLICIES:
            compile_plan(model, f"--policy={policy}")
            run("m.vplan", "predict", "--data", "scores.npz", "--output", "p.npz")
            y = np.load("p.npz")["y"].astype(float)
            self.assertTrue(np.all(np.abs(y - want) <= bound * np.abs(want) + bound), f"{policy}\n{y}\n{want}")

    def test_small_constant(self):
        """log(0 + 1e-8) is -18.42, not -inf."""
        want = np.log(np.maximum(SCORES, 0) + 1e-8)
        self.assertAlmostEqual(want[0, 0], -18.42, 2)
        self.check("small-constant", want, 0.01)

    def test_divisor(self):
        """1e-4 / (relu(z) + 1e-7) is 1000 where z is not positive; 1e-7 is subnormal in f16, 839."""
        self.check(of_scores("""  %r = train.relu %z : T
  %e = arith.constant dense<1.0e-7> : T
  %n = arith.constant dense<1.0e-4> : T
  %a = arith.addf %r, %e : T
  %y = arith.divf %n, %a : T"""), 1e-4 / (np.maximum(SCORES, 0) + 1e-7), 0.01)

    def test_clip_bound(self):
        """log(1 - min(sigmoid(z), 1 - 1e-6)) ends at -13.8; in bf16 the bound is 1 and the log -inf."""
        p = np.minimum(1 / (1 + np.exp(-SCORES)), 1 - 1e-6)
        self.check(of_scores("""  %p = train.sigmoid %z : T
  %b = arith.constant dense<0.999999> : T
  %one = arith.constant dense<1.0> : T
  %c = arith.minimumf %p, %b : T
  %q = arith.subf %one, %c : T
  %y = math.log %q : T"""), np.log(1 - p), 0.05)

    def test_large_term(self):
        """(z + 4096) / 2 - 2048 is z / 2; in bf16 it was 0, for 4096 has neighbours at 32."""
        self.check(of_scores("""  %c = arith.constant dense<4096.0> : T
  %h = arith.constant dense<0.5> : T
  %d = arith.constant dense<2048.0> : T
  %a = arith.addf %z, %c : T
  %b = arith.mulf %a, %h : T
  %y = arith.subf %b, %d : T"""), SCORES / 2, 0.01)


def norm_of_products(body):
    """A model whose @predict makes %y of the products %z (16x64) of large data."""
    return parameter("w", "64x8", "#train.normal<0.0, 1.0>") + typed(
        'func.func @predict(%x: X {train.name = "x"}) -> (T {train.name = "y"}) {\n'
        "  %w = ml_program.global_load @w : tensor<64x8xf32>\n"
        "  %z = train.linear %x, %w : (X, tensor<64x8xf32>) -> T\n" + body + "\n  return %y : T\n}\n"
        'func.func @loss(%x: X {train.name = "x"}, %t: T {train.name = "t"}) -> (tensor<f32> {train.name = "loss"}) {\n'
        "  %y = func.call @predict(%x) : (X) -> T\n"
        "  %l = train.mse_loss %y, %t : (T, T) -> tensor<f32>\n  return %l : tensor<f32>\n}\n",
        X="tensor<16x8xf32>", T="tensor<16x64xf32>", R="tensor<16xf32>", C="tensor<64xf32>")


class Norms(CaseTest):
    def check(self, model, norm):
        """Prediction and loss are NumPy's, and training goes as in f32, in every policy."""
        data, losses = dict(np.load("large.npz")), {}
        for policy in POLICIES:
            compile_plan(model, f"--policy={policy}", "--optimizer=sgd,lr=1e-3")
            states, found, _ = outputs("predict", data)
            want = norm(data["x"].astype(float) @ states["w"].T)
            self.near(found["y"], want, 0.01, policy)
            output = run("m.vplan", "train", "--data", "large.npz", "--steps", 20, "--log", "l.csv")
            losses[policy] = float(result(output)["loss"])
            self.near(float(log()[0]["loss"]), ((want - data["t"]) ** 2).mean(), 0.01, policy)
            self.assertEqual(result(output)["skipped"], "0")
            os.remove("l.csv")
        for policy in POLICIES:
            self.near(losses[policy], losses["f32"], 0.01, policy)
        return np.max(np.abs(found["y"])), losses["f16"]

    def test_rms(self):
        largest, loss = self.check("hand-rms-norm", lambda z: z / np.sqrt((z * z).mean(1, keepdims=True) + 1e-6))
        self.assertAlmostEqual(largest, 3.457, 2)
        self.assertAlmostEqual(loss, 1.983, 2)

    def test_rms_auto(self):
        """What --policy=auto chooses from a profile of this data keeps the values, too."""
        compile_plan("hand-rms-norm", "--policy=f32", "--optimizer=sgd,lr=1e-3")
        run("m.vplan", "train", "--data", "large.npz", "--steps", 20, "--profile-numerics", "np.json")
        compile_plan("hand-rms-norm", "--policy=auto", "--profile=np.json", "--optimizer=sgd,lr=1e-3")
        loss = result(run("m.vplan", "train", "--data", "large.npz", "--steps", 20))["loss"]
        self.assertAlmostEqual(float(loss), 1.983, 2)

    def test_layer_norm(self):
        def norm(z):
            d = z - z.mean(1, keepdims=True)
            return d / np.sqrt((d * d).mean(1, keepdims=True) + 1e-5)

        self.check(norm_of_products("""  %m = train.reduce mean %z dims = [1] : T -> R
  %mb = train.broadcast %m dims = [0] : R -> T
  %d = arith.subf %z, %mb : T
  %q = arith.mulf %d, %d : T
  %v = train.reduce mean %q dims = [1] : T -> R
  %e = arith.constant dense<1.0e-5> : R
  %ve = arith.addf %v, %e : R
  %s = math.sqrt %ve : R
  %sb = train.broadcast %s dims = [0] : R -> T
  %y = arith.divf %d, %sb : T"""), norm)

    def test_l2_norm(self):
        """With no epsilon, and over columns: each of the 64 has the length 1."""
        self.check(norm_of_products("""  %q = arith.mulf %z, %z : T
  %v = train.reduce sum %q dims = [0] : T -> C
  %r = math.rsqrt %v : C
  %rb = train.broadcast %r dims = [1] : C -> T
  %y = arith.mulf %z, %rb : T"""), lambda z: z / np.sqrt((z * z).sum(0)))


# Four products of each row, and their loss.
LINEAR = "  %y = train.linear %x, %w : (tensor<16x8xf32>, tensor<4x8xf32>) -> tensor<16x4xf32>\n"
MSE = "  %l = train.mse_loss %v, %t : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<f32>"
ARGUMENTS = (("x", "16x8"), ("t", "16x4"))


class BeyondF16(CaseTest):
    def ends(self, data, row, *says):
        """A run whose forward values leave f16 ends, names op and row, and saves nothing."""
        output = run("m.vplan", "train", "--data", data, "--steps", 40, "--save", "ck", code=4)
        for text in ("first non-finite result: the kernel of loss/train.linear@w at ", f" of {data}", row,
                     "it does not depend on the loss scale, so no scale cures it", "f16 ends at 65504",
                     "RESULT failed code=4 steps=5 ", "skipped=5", *says):
            self.assertIn(text, output)
        self.assertFalse(list(pathlib.Path("ck").glob("step-*")))

    def trains(self, model, rate, **data):
        """In f16 the first loss is f32's, and the last is smaller."""
        np.savez("d.npz", **{name: array.astype("f4") for name, array in data.items()})
        losses = {}
        for policy in ("f32", "f16"):
            compile_plan(model, f"--policy={policy}", f"--optimizer=sgd,lr={rate}")
            run("m.vplan", "train", "--data", "d.npz", "--steps", 20, "--log", f"{policy}.csv")
            losses[policy] = [float(row["loss"]) for row in log(f"{policy}.csv")]
        self.near(losses["f16"][0], losses["f32"][0], 0.01)
        self.assertLess(losses["f16"][-1], losses["f16"][0])

    def test_beyond_f16(self):
        compile_plan("beyond-f16", "--policy=f16")
        self.ends("beyond.npz", "row ", "beyond-f16.mlir:5:10", "input x: f32 (16, 8), in [70000, 70000]", "loss=nan")

    def test_beyond_product(self):
        """Rows within f16, one of which has products that are not."""
        random = np.random.RandomState(1)
        x = random.randn(16, 8)
        x[11] = 60000
        np.savez("d.npz", x=x.astype("f4"), t=random.randn(16, 4).astype("f4"))
        compile_plan(loss_of(LINEAR.replace("%y", "%v") + MSE, ARGUMENTS, ("w", "4x8")), "--policy=f16")
        self.ends("d.npz", "row 11 ", " at m.mlir:")

    def test_beyond_target(self):
        """Only the target leaves f16; it meets nothing but the loss, which is f32's."""
        random = np.random.RandomState(1)
        self.trains(loss_of(LINEAR.replace("%y", "%v") + MSE, ARGUMENTS, ("w", "4x8")), 1e-3,
                    x=random.randn(16, 8), t=1e6 * random.randn(16, 4))

    def test_beyond_exp(self):
        """exp of 12 and more is beyond f16; the logarithm of it is not."""
        body = LINEAR + """  %u = math.exp %y : tensor<16x4xf32>
  %v = math.log %u : tensor<16x4xf32>
""" + MSE
        self.trains(loss_of(body, ARGUMENTS, ("w", "4x8")), 1e-5, x=50 * np.eye(16, 8), t=np.ones((16, 4)))


class SumLoss(CaseTest):
    def check(self, model, data, rate, descend, scaler=()):
        """The run's last loss is that of as many steps of SGD in NumPy as were not skipped. `descend`
        gives loss and gradient."""
        compile_plan(model, "--policy=f16", f"--optimizer=sgd,lr={rate}", *scaler)
        fields = result(run("m.vplan", "train", "--data", data, "--steps", 40))
        w, x = 10.0, np.load(data)["x"].astype(float)
        for _ in range(40 - int(fields["skipped"]) - 1):
            w -= rate * descend(w, x)[1]
        self.assertLess(int(fields["skipped"]), 30)
        self.near(float(fields["loss"]), descend(w, x)[0], 0.01)
        return fields

    def test_sum_loss(self):
        """The gradient, 131072, is beyond f16 at a scale of 1: the scale falls below, and the run trains."""
        def linear(w, x):
            return w * x.sum(), x.sum()

        fields = [self.check("sum-loss", "ones.npz", 1e-5, linear, scaler) for scaler in ((), ("--loss-scale=dynamic",))]
        self.assertEqual(*({name: field[name] for name in ("loss", "skipped")} for field in fields))

    def test_sum_of_squares(self):
        """Loss and gradient both leave f16, the loss at the first step."""
        model = (INPUTS / "sum-loss.mlir").read_text().replace("131072", "32768").replace(
            "  %l = train.reduce sum %z", "  %q = arith.mulf %z, %z : tensor<32768x1xf32>\n    %l = train.reduce sum %q")
        np.savez("d.npz", x=np.random.RandomState(2).randn(32768, 1).astype("f4"))
        self.check(model, "d.npz", 1e-6, lambda w, x: (w * w * (x * x).sum(), 2 * w * (x * x).sum()))

    def test_weighted_mean(self):
        """A mean times a large constant is the same kind."""
        model = (INPUTS / "sum-loss.mlir").read_text().replace("131072", "256").replace(
            "  %l = train.reduce sum %z", "  %m = train.reduce mean %z").replace(
            "    return", "    %c = arith.constant dense<3.0e5> : tensor<f32>\n"
                          "    %l = arith.mulf %m, %c : tensor<f32>\n    return")
        np.savez("d.npz", x=np.random.RandomState(3).rand(256, 1).astype("f4") + 1)
        self.check(model, "d.npz", 1e-6, lambda w, x: (3e5 * w * x.mean(), 3e5 * x.mean()))


class Residuals(CaseTest):
    def bench(self, model, shape, *flags):
        """In bf16, on this machine and on a plain one, a step runs and its loss is f32's."""
        losses = {}
        for policy, target in [("f32", "cpu"), *(("bf16", target) for target in targets())]:
            compile_plan(model, f"--policy={policy}", f"--target={target}", *flags)
            self.assertIn("RESULT ok", run("m.vplan", "bench", "--steps", 2))
            random = np.random.RandomState(4)
            x = (random.randn(*shape) + 1).astype("f4")
            states, found, _ = outputs("step", {"x": x})
            losses[policy, target] = found["loss"]
            self.near(found["loss"], losses["f32", "cpu"], 0.02, (policy, target))
        return x, states, losses["f32", "cpu"]

    def test_residual_conv(self):
        x, states, loss = self.bench("residual-conv-bf16", (32, 8, 8, 1))
        h = np.einsum("nhwc,oc->nhwo", x, states["v"][:, 0, 0])
        y = np.einsum("nhwc,oc->nhwo", h[:, ::2, ::2], states["w"][:, 0, 0])
        self.near(loss, y.mean() + h.mean(), 1e-4)

    def test_residual_block(self):
        """A block of a residual network: two 3x3 convolutions beside a strided shortcut, then relu."""
        self.bench(loss_of("""  %a = train.conv2d %x, %u strides = [2, 2] padding = [1, 1, 1, 1] : (tensor<4x8x8x16xf32>, tensor<32x3x3x16xf32>) -> tensor<4x4x4x32xf32>
  %b = train.relu %a : tensor<4x4x4x32xf32>
  %c = train.conv2d %b, %v padding = [1, 1, 1, 1] : (tensor<4x4x4x32xf32>, tensor<32x3x3x32xf32>) -> tensor<4x4x4x32xf32>
  %s = train.conv2d %x, %w strides = [2, 2] : (tensor<4x8x8x16xf32>, tensor<32x1x1x16xf32>) -> tensor<4x4x4x32xf32>
  %d = arith.addf %c, %s : tensor<4x4x4x32xf32>
  %e = train.relu %d : tensor<4x4x4x32xf32>
  %f = train.conv2d %e, %t : (tensor<4x4x4x32xf32>, tensor<32x1x1x32xf32>) -> tensor<4x4x4x32xf32>
  %g = arith.addf %e, %f : tensor<4x4x4x32xf32>
  %q = arith.mulf %g, %g : tensor<4x4x4x32xf32>
  %l = train.reduce mean %q dims = [0, 1, 2, 3] : tensor<4x4x4x32xf32> -> tensor<f32>""",
                           [("x", "4x8x8x16")], ("u", "32x3x3x16"), ("v", "32x3x3x32"), ("w", "32x1x1x16"), ("t", "32x1x1x32")),
                   (4, 8, 8, 16), "--optimizer=sgd,lr=0.01")

    def test_residual_pool(self):
        """A value that a grouped convolution, a pool and a square read."""
        self.bench(loss_of("""  %h = train.conv2d %x, %u padding = [1, 1, 1, 1] : (tensor<4x8x8x8xf32>, tensor<8x3x3x8xf32>) -> tensor<4x8x8x8xf32>
  %a = train.conv2d %h, %v strides = [2, 2] padding = [1, 1, 1, 1] groups = 2 : (tensor<4x8x8x8xf32>, tensor<8x3x3x4xf32>) -> tensor<4x4x4x8xf32>
  %b = train.pool2d max %h window = [2, 2] strides = [2, 2] padding = [0, 0, 0, 0] : tensor<4x8x8x8xf32> -> tensor<4x4x4x8xf32>
  %c = arith.addf %a, %b : tensor<4x4x4x8xf32>
  %p = arith.mulf %c, %c : tensor<4x4x4x8xf32>
  %l1 = train.reduce mean %p dims = [0, 1, 2, 3] : tensor<4x4x4x8xf32> -> tensor<f32>
  %q = arith.mulf %h, %h : tensor<4x8x8x8xf32>
  %l2 = train.reduce mean %q dims = [0, 1, 2, 3] : tensor<4x8x8x8xf32> -> tensor<f32>
  %l = arith.addf %l1, %l2 : tensor<f32>""", [("x", "4x8x8x8")], ("u", "8x3x3x8"), ("v", "8x3x3x4")),
                   (4, 8, 8, 8), "--optimizer=sgd,lr=0.01")


main()
