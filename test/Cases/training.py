#===- training.py - Runs that go on and norms that span groups
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# A run goes on with another policy, optimizer or window, or says why it cannot and
# offers --init; one norm of the gradients spans the groups of an optimizer. Beside
# each input stand two more of its kind; the right values are NumPy's.
# REQUIRES: numpy, ml_dtypes, compiler
# RUN: %python %s %t

from Inputs.case import *


def train(steps, *flags, data="rows64.npz", code=0):
    return run("m.vplan", "train", "--data", data, "--steps", steps, *flags, code=code)


def losses(path="l.csv"):
    return np.array([float(row["loss"]) for row in log(path)])


class Resume(CaseTest):
    def unbroken(self, *flags, steps=16):
        """Losses in f32 of one run from the beginning."""
        compile_plan("resume", "--policy=f32", *flags)
        train(steps, "--log", "whole.csv")
        return losses("whole.csv")

    def go_on(self, before, after, says):
        """Losses of the last eight steps of 16, the first eight of which another plan made."""
        for name in ("ck", "ck2"):
            shutil.rmtree(name, ignore_errors=True)
        compile_plan("resume", *before)
        train(8, "--save", "ck")
        compile_plan("resume", *after)
        output = train(16, "--resume", "ck", "--log", "l.csv")
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, output)
        found = losses()
        os.remove("l.csv")
        return found

    def test_resume(self):
        """Each as the unbroken run in f32, but for what 16 bits round."""
        want = self.unbroken()[8:]
        f16 = ("--policy=f16",)
        for after, says in ((("--policy=bf16",), ("policy: f16, now bf16", "the loss scaler's states are dropped")),
                            (("--policy=f32",), "policy: f16, now f32"),
                            (("--policy=f16", "--optimizer=adam,lr=1e-3"), "optimizer: adamw, now adam,lr=1e-3")):
            self.near(self.go_on(f16, after, says), want, 0.01, after)
        found = self.go_on(f16, ("--policy=f16", "--accumulate=2"), "accumulate: (default), now 2")
        # The same batches, two in a step: after four steps the unbroken run has no more.
        self.assertEqual(found.size, 8)
        self.near(found[:4], want.reshape(4, 2).mean(1), 0.01)

    def test_init_instead(self):
        """The moments of another optimizer cannot go on; the weights can."""
        compile_plan("resume", "--policy=f16")
        train(8, "--save", "ck")
        compile_plan("resume", "--policy=f16", "--optimizer=sgd,lr=0.1")
        output = train(16, "--resume", "ck", code=3)
        self.assertIn("it has 'w.m', 'w.v', which the plan does not have", output)
        self.assertIn("start from its weights alone (--init)", output)
        train(0, "--init", "ck", "--save", "new")
        params = [next(pathlib.Path(name).glob("step-*")) / "params.safetensors" for name in ("ck", "new")]
        size = 8 * 8 * 4
        self.assertEqual(*(path.read_bytes()[-size:] for path in params))
        train(2, "--init", "ck")

    def test_scaler_appears(self):
        """From f32 to f16, whose scaler starts anew; the momentum goes on."""
        sgd = "--optimizer=sgd,lr=0.05,momentum=0.9"
        found = self.go_on(("--policy=f32", sgd), ("--policy=f16", "--loss-scale=dynamic", sgd), "policy: f32, now f16")
        self.near(found, self.unbroken(sgd)[8:], 0.01)

    def test_windows(self):
        """Steps over all rows, in four micro-batches: descent in NumPy, the second half in bf16."""
        flags = ("--optimizer=sgd,lr=0.5", "--accumulate=4")
        found = self.go_on(("--policy=f32", *flags), ("--policy=bf16", *flags), "policy: f32, now bf16")
        data = np.load("rows64.npz")
        x, y = data["x"].astype(float), np.eye(8)[data["y"]]
        compile_plan("resume", "--policy=f32", *flags)
        w = outputs("step", {"x": data["x"][:16], "y": data["y"][:16]})[0]["w"]
        want = []
        for _ in range(16):
            e = np.exp(x @ w.T)
            p = e / e.sum(1, keepdims=True)
            want.append(-(y * np.log(p)).sum(1).mean())
            w = w - 0.5 * (p - y).T @ x / 64
        self.near(found, want[8:], 0.01)


ALL = "--optimizer=sgd,lr=0.1,clip_norm=1"


class Groups(CaseTest):
    def norm(self, model, data, *flags):
        """(norm in the log of the first step, states before it, states after it)."""
        compile_plan(model, *flags)
        states, _, after = outputs("step", data)
        train(1, "--log", "l.csv", data="clip.npz")
        row = log()[0]
        os.remove("l.csv")
        return float(row["grad_norm"]), states, after

    def test_groups(self):
        """One norm over weight and bias, with a group for the bias as without one."""
        data = dict(np.load("clip.npz"))
        for policy, bound in (("bf16", 3e-3), ("f32", 1e-5)):
            norms = []
            for flags in ((ALL,), (ALL, ALL + ",group=nodecay,parameters=.*bias")):
                norm, states, after = self.norm("groups", data, f"--policy={policy}", *flags)
                d = 2 * (data["x"] @ states["fc.weight"].T + states["fc.bias"] - data["t"]) / 64
                gradients = {"fc.weight": d.T @ data["x"], "fc.bias": d.sum(0)}
                want = np.sqrt(sum((g ** 2).sum() for g in gradients.values()))
                self.near(norm, want, bound)
                for name, gradient in gradients.items():
                    self.near(states[name] - after[name], 0.1 * gradient / want, 3 * bound, name)
                norms.append(norm)
            self.assertEqual(*norms)

    def two_layers(self, data, states):
        """Gradients of mean((tanh(x u') v' + b - t)^2)."""
        h = np.tanh(data["x"] @ states["u"].T)
        d = 2 * (h @ states["v"].T + states["b"] - data["t"]) / 64
        slope = (d @ states["v"]) * (1 - h * h)
        return {"u": slope.T @ data["x"], "v": d.T @ h, "b": d.sum(0)}

    MODEL = loss_of("""  %a = train.linear %x, %u : (tensor<16x8xf32>, tensor<6x8xf32>) -> tensor<16x6xf32>
  %h = math.tanh %a : tensor<16x6xf32>
  %y = train.linear %h, %v, %b : (tensor<16x6xf32>, tensor<4x6xf32>, tensor<4xf32>) -> tensor<16x4xf32>
  %l = train.mse_loss %y, %t : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<f32>""",
                    [("x", "16x8"), ("t", "16x4")], ("u", "6x8"), ("v", "4x6"), ("b", "4"))

    def test_three_groups(self):
        """Each group has a learning rate of its own, all have one norm and one factor."""
        data = dict(np.load("clip.npz"))
        rates = {"u": 0.1, "v": 0.02, "b": 0.5}
        norm, states, after = self.norm(self.MODEL, data, "--policy=f32", "--optimizer=sgd,lr=0.1,clip_norm=0.5",
                                        "--optimizer=sgd,lr=0.02,group=second,parameters=v",
                                        "--optimizer=sgd,lr=0.5,clip_norm=0.5,group=bias,parameters=b")
        gradients = self.two_layers(data, states)
        want = np.sqrt(sum((g ** 2).sum() for g in gradients.values()))
        self.near(norm, want, 1e-5)
        self.assertGreater(want, 1)
        for name, gradient in gradients.items():
            self.near(states[name] - after[name], rates[name] * gradient * 0.5 / want, 1e-4, name)

    def test_of_group(self):
        """On request a group has a norm of its own, and another optimizer does not change the first's."""
        data = dict(np.load("clip.npz"))
        norm, states, after = self.norm(self.MODEL, data, "--policy=f32", ALL + ",clip_scope=group",
                                        "--optimizer=adam,lr=0.01,clip_norm=3,clip_scope=group,group=bias,parameters=b")
        gradients = self.two_layers(data, states)
        want = np.sqrt((gradients["u"] ** 2).sum() + (gradients["v"] ** 2).sum())
        self.near(norm, want, 1e-5)
        for name in "uv":
            self.near(states[name] - after[name], 0.1 * gradients[name] / max(want, 1), 1e-4, name)
        # The first step of Adam is the learning rate, whatever the length of the gradient.
        self.near(states["b"] - after["b"], 0.01 * np.sign(gradients["b"]), 1e-3)


main()
