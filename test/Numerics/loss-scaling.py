# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# RUN: %python %s
# REQUIRES: numpy, compiler
"""A step with --amp-loss-scaling does what torch.amp.GradScaler does: scale and
growth tracker agree after every step, a skipped step changes nothing else. The
model of GradScaler here follows its documentation (docs.pytorch.org/docs/stable/
amp.html); loss-scaling-torch.py compares with the class itself."""

import numpy as np

from Numerics.Inputs import vernier

rng = np.random.default_rng(0)

# dw = scale * x, as f16 has it: y = x w in f16, loss = y. The weight from before
# the step is a result, so that every step can be seen.
MODEL = """
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<1x4xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<1x4xf32> {train.name = "x"})
    -> (tensor<f32> {train.name = "loss"}, tensor<1x4xf32> {train.name = "w"}) {
  %w = ml_program.global_load @w : tensor<1x4xf32>
  %y = train.linear %x, %w : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x1xf32>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<1x1xf32> -> tensor<f32>
  return %loss, %w : tensor<f32>, tensor<1x4xf32>
}
"""


def build(scaling, policy="f16", optimizer="optimizer=sgd lr=0.125", passes=()):
    return vernier.optimize(
        MODEL, f"--amp-autocast=policy={policy}", "--amp-materialize-casts",
        f"--train-attach-optimizer={optimizer}", "--train-differentiate",
        f"--amp-loss-scaling={scaling}", *passes)


def run(text, x, state=None):
    # A single step takes its data without a leading dim.
    shape = (-1, 1, 4) if len(x) > 1 else (1, 4)
    return vernier.evaluate(text, "step", {"x": x.reshape(shape)}, state,
                            steps=len(x))


class GradScaler:
    """The formula of torch.amp.GradScaler, on float32."""

    def __init__(self, scale=65536.0, growth=2.0, backoff=0.5, interval=2000,
                 tracker=0):
        self.scale, self.tracker = np.float32(scale), tracker
        # Python numbers: products are in f64 and rounded once, as in the kernel.
        self.growth, self.backoff = growth, backoff
        self.interval = interval

    def update(self, found_inf):
        if found_inf:
            self.scale = np.float32(float(self.scale) * self.backoff)
            self.tracker = 0
            return
        self.tracker += 1
        if self.tracker == self.interval:
            with np.errstate(over="ignore"):
                grown = np.float32(float(self.scale) * self.growth)
            if np.isfinite(grown):
                self.scale = grown
            self.tracker = 0


def simulate(scaler, x, narrow=np.float16):
    """What each step should use and keep: scales, finite flags, weights."""
    w = np.ones(4, np.float32)
    scales, flags, weights = [], [], []
    for row in x:
        with np.errstate(all="ignore"):
            seed = np.float32(scaler.scale).astype(narrow)
            gradient = (np.float32(seed) * row.astype(narrow).astype(np.float32)
                        ).astype(narrow)
        finite = bool(np.isfinite(gradient.astype(np.float32)).all())
        scales.append(scaler.scale)
        flags.append(finite)
        weights.append(w)
        if finite:
            inverse = np.float32(1.0 / np.float64(scaler.scale))
            unscaled = gradient.astype(np.float32) * inverse
            w = (w.astype(np.float64) - 0.125 * unscaled).astype(np.float32)
        scaler.update(not finite)
    return np.array(scales), np.array(flags), np.array(weights), w


def check(name, text, scaler, x, **keywords):
    outputs, states = run(text, x)
    scales, flags, weights, w = simulate(scaler, x, **keywords)
    np.testing.assert_array_equal(outputs["loss_scale"], scales, name)
    np.testing.assert_array_equal(outputs["all_finite"], flags, name)
    np.testing.assert_array_equal(outputs["w"][:, 0], weights, name)
    np.testing.assert_array_equal(states["w"][0], w, name)
    assert states["amp.scale"] == scaler.scale, name
    assert states["amp.growth_tracker"] == scaler.tracker, name
    assert states["amp.skipped_steps"] == np.sum(~flags), name
    assert states["train.step"] == np.sum(flags), name
    print(f"{name}: {len(x)} steps, {np.sum(~flags)} skipped, "
          f"{len(np.unique(scales))} scales")


def gradients(steps, planted):
    """Values whose products with a power of two are exact in f16, and infs and
    NaNs in some."""
    x = rng.choice([-4.0, -0.5, 0.25, 1.0, 3.0], (steps, 4)).astype(np.float32)
    for step in np.flatnonzero(rng.random(steps) < planted):
        x[step, rng.integers(4)] = rng.choice([np.inf, -np.inf, np.nan])
    return x


# 10,000 steps; the scale grows until f16 overflows by itself, and falls where an
# inf or a NaN is planted. The composites and what they expand into agree.
x = gradients(10000, 0.02)
for passes in ((), ("--train-expand-composites",)):
    check("random " + " ".join(passes), build("growth-interval=20", passes=passes),
          GradScaler(interval=20), x)

# Other factors than powers of two: the inverse is rounded to f32, once.
check("odd factors",
      build("init-scale=1000 growth-factor=1.5 backoff-factor=0.3 growth-interval=7",
            policy="f32"),
      GradScaler(1000.0, 1.5, 0.3, 7), gradients(500, 0.05), narrow=np.float32)

# Conformance case 1: 2000 finite steps from 65536 double the scale.
check("2000 steps", build("", policy="f32"), GradScaler(), gradients(2001, 0.0),
      narrow=np.float32)

# Case 3: growth that would overflow f32 is refused, and the tracker starts again.
check("at the end of f32", build("init-scale=1.7014118346046923e38 growth-interval=3",
                                 policy="f32"),
      GradScaler(2.0**127, interval=3), gradients(7, 0.0) * np.float32(2.0**-20),
      narrow=np.float32)

# Case 2: a skipped step leaves weights, moments and step counter as they were, bit
# for bit.
adam = build("growth-interval=1000", policy="f32", optimizer="optimizer=adamw")
x = gradients(12, 0.0)
_, before = run(adam, x)
_, after = run(adam, np.array([[1, np.nan, 2, 3]], np.float32), before)
assert after["amp.scale"] == before["amp.scale"] / 2
assert after["amp.growth_tracker"] == 0 and before["amp.growth_tracker"] == 12
assert after["amp.skipped_steps"] == 1
for name in ("w", "w.m", "w.v", "train.step"):
    np.testing.assert_array_equal(after[name], before[name], name)

# Case 9: a run saved at step 1999 and continued grows where the whole run grows.
text = build("", policy="f32")
x = gradients(2002, 0.0)
whole, end = run(text, x)
_, saved = run(text, x[:1999])
rest, continued = run(text, x[1999:], saved)
np.testing.assert_array_equal(rest["loss_scale"], whole["loss_scale"][1999:])
for name in end:
    np.testing.assert_array_equal(continued[name], end[name], name)

# Case 10: PyTorch's scale goes to 0, and the next finite step divides by it; ours
# stops at its minimum, by default the smallest scale whose reciprocal is finite.
bad = np.full((300, 4), np.nan, np.float32)
_, states = run(build(""), np.concatenate([bad, np.ones((1, 4), np.float32)]))
assert states["amp.scale"] == 2.0 ** -126
assert states["amp.skipped_steps"] == 300 and np.isfinite(states["w"]).all()
_, states = run(build("min-scale=1"), bad)
assert states["amp.scale"] == 1

# A static scale stays, and still skips.
outputs, states = run(build("mode=static init-scale=128"), gradients(50, 0.5))
assert (outputs["loss_scale"] == 128).all() and not outputs["all_finite"].all()
assert states["amp.skipped_steps"] == np.sum(~outputs["all_finite"])

# Case 4: every kind of non-finite value is found in the first, the last and any
# other element, whatever the length.
for length in (1, 7, 8, 9, 15, 16, 17, 33):
    text = f"""func.func @f(%a: tensor<{length}xf32>) -> tensor<i1> {{
      %ok = amp.all_finite %a : (tensor<{length}xf32>) -> tensor<i1>
      return %ok : tensor<i1>
    }}"""
    rows = np.full((3 * length + 1, length), 3.4e38, np.float32)
    for i, bad in enumerate((np.inf, -np.inf, np.nan)):
        rows[np.arange(length) + i * length, np.arange(length)] = bad
    for text in (text, vernier.optimize(text, "--train-expand-composites")):
        found, _ = vernier.evaluate(text, "f", {"arg0": rows}, steps=len(rows))
        assert not found["result0"][:-1].any() and found["result0"][-1], length

# Case 5: a scale of 1 is the identity, subnormals included.
values = np.array([1e-45, -1e-40, 0.0, -0.0, 1.5, 3e38], np.float32)
text = """func.func @f(%g: tensor<6xf32>, %s: tensor<f32>) -> tensor<6xf32> {
  %u = amp.unscale %g, %s : (tensor<6xf32>, tensor<f32>) -> tensor<6xf32>
  return %u : tensor<6xf32>
}"""
for text in (text, vernier.optimize(text, "--train-expand-composites")):
    outputs, _ = vernier.evaluate(text, "f", {"arg0": values,
                                              "arg1": np.array(1, np.float32)})
    np.testing.assert_array_equal(outputs["result0"].view(np.uint32),
                                  values.view(np.uint32))
