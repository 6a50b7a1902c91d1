#===- what-runs.py - What compiles runs
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# Models that once did not compile, or whose plan the verifier or the loader refused:
# norms over middle dims, losses that interleave, maxima in f16, calls that double.
# Beside each input stand two more of its kind; the right values are NumPy's.
# REQUIRES: numpy, ml_dtypes, compiler
# RUN: %python %s %t

from Inputs.case import *


def random_data(seed=5, **shapes):
    random = np.random.RandomState(seed)
    return {name: random.randn(*shape).astype("f4") for name, shape in shapes.items()}


class MiddleAxis(CaseTest):
    def steps(self, model, data, loss):
        """In f32 the loss is NumPy's, and a step of SGD makes it smaller."""
        compile_plan(model, "--policy=f32", "--optimizer=sgd,lr=1e-2")
        states, found, after = outputs("step", data)
        self.near(found["loss"], loss(states["p"]), 1e-5)
        self.assertLess(loss(after["p"]), loss(states["p"]))

    def test_softmax_middle_axis(self):
        """64 elements are reduced in rows of 64 others."""
        def loss(a):
            e = np.exp(a - a.max(1, keepdims=True))
            return ((e / e.sum(1, keepdims=True) - data["c"]) ** 2).mean()

        data = random_data(c=(8, 64, 64))
        self.steps("softmax-middle-axis", data, loss)

    def test_log_softmax_first_axis(self):
        """The first of three dims, all of 16."""
        def loss(a):
            m = a.max(0)
            return ((a - m - np.log(np.exp(a - m).sum(0)) - data["c"]) ** 2).mean()

        data = random_data(c=(16, 16, 16))
        self.steps(loss_of("""  %m = train.reduce max %p dims = [0] : tensor<16x16x16xf32> -> tensor<16x16xf32>
  %mb = train.broadcast %m dims = [1, 2] : tensor<16x16xf32> -> tensor<16x16x16xf32>
  %d = arith.subf %p, %mb : tensor<16x16x16xf32>
  %e = math.exp %d : tensor<16x16x16xf32>
  %s = train.reduce sum %e dims = [0] : tensor<16x16x16xf32> -> tensor<16x16xf32>
  %g = math.log %s : tensor<16x16xf32>
  %gb = train.broadcast %g dims = [1, 2] : tensor<16x16xf32> -> tensor<16x16x16xf32>
  %y = arith.subf %d, %gb : tensor<16x16x16xf32>
  %l = train.mse_loss %y, %c : (tensor<16x16x16xf32>, tensor<16x16x16xf32>) -> tensor<f32>""",
                           [("c", "16x16x16")], ("p", "16x16x16")), data, loss)

    def test_two_middle_axes(self):
        """Both dims in the middle of four, and in the sum the first and the last."""
        def loss(a):
            d = a / (np.abs(a).max((1, 2), keepdims=True) + 1)
            return ((d - d.mean((0, 3), keepdims=True) - data["c"]) ** 2).mean()

        data = random_data(c=(4, 12, 12, 4))
        self.steps(loss_of("""  %b = math.absf %p : tensor<4x12x12x4xf32>
  %m = train.reduce max %b dims = [1, 2] : tensor<4x12x12x4xf32> -> tensor<4x4xf32>
  %one = arith.constant dense<1.0> : tensor<4x4xf32>
  %n = arith.addf %m, %one : tensor<4x4xf32>
  %nb = train.broadcast %n dims = [0, 3] : tensor<4x4xf32> -> tensor<4x12x12x4xf32>
  %d = arith.divf %p, %nb : tensor<4x12x12x4xf32>
  %s = train.reduce mean %d dims = [0, 3] : tensor<4x12x12x4xf32> -> tensor<12x12xf32>
  %sb = train.broadcast %s dims = [1, 2] : tensor<12x12xf32> -> tensor<4x12x12x4xf32>
  %y = arith.subf %d, %sb : tensor<4x12x12x4xf32>
  %l = train.mse_loss %y, %c : (tensor<4x12x12x4xf32>, tensor<4x12x12x4xf32>) -> tensor<f32>""",
                           [("c", "4x12x12x4")], ("p", "4x12x12x4")), data, loss)


class Heads(CaseTest):
    def test_two_heads(self):
        """Loss and both gradients are NumPy's."""
        compile_plan("two-heads", "--policy=f32", "--optimizer=sgd,lr=0.1")
        self.assertIn("precision ", run("m.vplan", "info"))
        data = random_data(x=(8, 16, 16, 3), c=(8, 16, 16, 4), d=(8, 16, 16, 4))
        states, found, after = outputs("step", data)
        x = data["x"].astype(float)
        a, b = (np.einsum("nhwc,oc->nhwo", x, states[name][:, 0, 0]) for name in "wu")
        s = np.sqrt(b * b + 1)
        e = np.exp(np.tanh(s))
        self.near(found["loss"], (np.maximum(a, 0) * data["c"]).sum() + (e * data["d"]).sum(), 1e-5)
        slopes = {"w": data["c"] * (a > 0), "u": data["d"] * e * (1 - np.tanh(s) ** 2) * b / s}
        for name, slope in slopes.items():
            gradient = np.einsum("nhwo,nhwc->oc", slope, x)
            self.near((states[name] - after[name])[:, 0, 0], 0.1 * gradient, 1e-4, name)

    def three_heads(self, trunk):
        """Three losses of a value: square, absolute, exponential."""
        body = [trunk]
        for i in range(3):
            body += [f"%h{i} = train.linear %z, %v{i} : (tensor<9x5xf32>, tensor<7x5xf32>) -> tensor<9x7xf32>"]
        for i, op in enumerate(("arith.mulf %h{0}, %h{0}", "math.absf %h{0}", "math.exp %h{0}")):
            body += [f"%s{i} = {op.format(i)} : tensor<9x7xf32>",
                     f"%k{i} = train.reduce mean %s{i} dims = [0, 1] : tensor<9x7xf32> -> tensor<f32>"]
        body += ["%k3 = arith.addf %k0, %k1 : tensor<f32>", "%l = arith.addf %k3, %k2 : tensor<f32>"]
        return loss_of("\n".join("  " + line for line in body), [("x", "9x6")], ("w", "5x6"), *((f"v{i}", "7x5") for i in range(3)))

    def check_three(self, model, value, *flags, bound):
        compile_plan(model, *flags)
        run("m.vplan", "info")
        data = random_data(x=(9, 6))
        # Padded states have more elements: those of the plain plan are the real ones.
        compile_plan(model, "--policy=f32", plan="plain.vplan")
        states = outputs("step", data, "plain.vplan")[0]
        _, found, _ = outputs("step", data)
        z = value(data["x"].astype(float) @ states["w"].T)
        h = [z @ states[f"v{i}"].T for i in range(3)]
        self.near(found["loss"], (h[0] ** 2).mean() + np.abs(h[1]).mean() + np.exp(h[2]).mean(), bound, flags)

    LINEAR = "train.linear %x, %w : (tensor<9x6xf32>, tensor<5x6xf32>) -> tensor<9x5xf32>"

    def test_three_heads(self):
        for flags, bound in ((("--policy=f32",), 1e-5), (("--policy=bf16", "--strategy=min-cut"), 0.02)):
            self.check_three(self.three_heads(f"%z = {self.LINEAR}"), lambda a: a, *flags, bound=bound)

    def test_padded_heads(self):
        """With a trunk, padded for tensor cores."""
        for policy, bound in (("f32", 1e-5), ("f16", 0.01)):
            self.check_three(self.three_heads(f"%a = {self.LINEAR}\n  %z = math.tanh %a : tensor<9x5xf32>"), np.tanh,
                             f"--policy={policy}", "--pad-for-tensor-cores", bound=bound)


class Maxima(CaseTest):
    def check(self, model, loss, names="wu"):
        """Links in every policy and on every target of this machine; the loss is NumPy's."""
        data = random_data(x=(8, 16), t=(8, 16))
        for policy in POLICIES:
            for target in targets():
                compile_plan(model, f"--policy={policy}", f"--target={target}")
                run("m.vplan", "info")
                states, found, _ = outputs("step", data)
                products = [data["x"].astype(float) @ states[name].T for name in names]
                self.near(found["loss"], ((loss(*products) - data["t"]) ** 2).mean(), 1e-5 if policy == "f32" else 0.01, policy)

    def of_products(self, body):
        """A loss of %y, made of the products %z and %v."""
        product = "  %{} = train.linear %x, %{} : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>\n"
        return loss_of(product.format("z", "w") + product.format("v", "u") + typed(body, T="tensor<8x16xf32>")
                       + "\n  %l = train.mse_loss %y, %t : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<f32>",
                       [("x", "8x16"), ("t", "8x16")], ("w", "16x16"), ("u", "16x16"))

    def test_maxout(self):
        self.check("maxout-f16", np.maximum)

    def test_minimum(self):
        """minnumf and maximumf: the middle of 0 and two values."""
        self.check(self.of_products("""  %a = arith.minnumf %z, %v : T
  %b = arith.constant dense<-0.5> : T
  %y = arith.maximumf %a, %b : T"""), lambda z, v: np.maximum(np.minimum(z, v), -0.5))

    def test_is_infinite(self):
        """math.isinf had no lowering: 1 / relu(z) is infinite where z is not positive."""
        self.check(self.of_products("""  %r = train.relu %z : T
  %one = arith.constant dense<1.0> : T
  %q = arith.divf %one, %r : T
  %i = math.isinf %q : T
  %y = arith.select %i, %v, %z : tensor<8x16xi1>, T"""), lambda z, v: np.where(z > 0, z, v))


KIND = "tensor<4x8xf32>"


def calls(functions):
    """@f0, @f1, ... that call what their lists name, one after the other, and @predict, which calls
    @f0. The one behind the last list is tanh."""
    lines = []
    for i, names in enumerate(functions):
        lines.append(f"func.func private @f{i}(%x0: {KIND}) -> {KIND} {{")
        lines += [f"  %x{j + 1} = func.call @{name}(%x{j}) : ({KIND}) -> {KIND}" for j, name in enumerate(names)]
        lines.append(f"  return %x{len(names)} : {KIND}\n}}")
    return "\n".join([*lines, f"func.func private @f{len(functions)}(%x: {KIND}) -> {KIND} {{",
                      f"  %y = math.tanh %x : {KIND}\n  return %y : {KIND}\n}}",
                      f'func.func @predict(%x: {KIND} {{train.name = "x"}}) -> ({KIND} {{train.name = "y"}}) {{',
                      f"  %y = func.call @f0(%x) : ({KIND}) -> {KIND}\n  return %y : {KIND}\n}}\n"])


class Calls(CaseTest):
    def tanh(self, x, times):
        for _ in range(times):
            x = np.tanh(x)
        return x

    def test_calls_double(self):
        """tanh, 1024 times."""
        compile_plan("calls-double")
        data = {**random_data(image=(4, 8)), "label": np.arange(4, dtype="i4")}
        states, found, _ = outputs("step", data)
        z = self.tanh(data["image"].astype(float), 1024) @ states["w"].T
        self.near(found["loss"], np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(4), np.arange(4)]), 1e-3)

    def test_diamonds(self):
        """Two functions between one and a third: the value of one diamond; forty, one behind the
        other, have 2^80 paths from top to bottom."""
        compile_plan(calls([["f1", "f2"], ["f3", "f3"], ["f3"]]), "--policy=f32")
        data = random_data(x=(4, 8))
        self.near(outputs("predict", data)[1]["y"], self.tanh(data["x"].astype(float), 3), 1e-5)
        levels = [calls for top in range(0, 3 * 40, 3)
                  for calls in ([f"f{top + 1}", f"f{top + 2}"], [f"f{top + 3}"] * 2, [f"f{top + 3}"] * 2)]
        os.remove("m.vplan")
        self.refused(calls(levels), " ops when its calls are inlined, of ")

    def test_eighteen(self):
        """Calls of the next function, twice of 18 and three times of 14, are refused in seconds."""
        for count, times in ((18, 2), (14, 3)):
            self.refused(calls([[f"f{i + 1}"] * times for i in range(count)]),
                         " ops when its calls are inlined, of ", "let fewer functions call another one more than once")


main()
