#===- optimizer-steps.py - Whole steps of every optimizer
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""Several steps of a linear model with every optimizer and option, gradient
clipping, schedule and loss scale: the device against the evaluator, and against
the same steps in NumPy, which rounds where the policy says."""

import concurrent.futures
import os
import tempfile
from dataclasses import dataclass, field

import numpy as np

from Numerics.Inputs import formats, optimizers, runtime, vernier

ROWS, FEATURES, RESULTS, STEPS = 8, 12, 7, 6
MODEL = f"""
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<{RESULTS}x{FEATURES}xf32> {{train.role = "parameter"}}
ml_program.global private mutable @b(#train.constant<0.0>) : tensor<{RESULTS}xf32> {{train.role = "parameter"}}
func.func @loss(%x: tensor<{ROWS}x{FEATURES}xf32> {{train.name = "x"}},
                %t: tensor<{ROWS}x{RESULTS}xf32> {{train.name = "t"}})
    -> (tensor<f32> {{train.name = "loss"}}) {{
  %w = ml_program.global_load @w : tensor<{RESULTS}x{FEATURES}xf32>
  %b = ml_program.global_load @b : tensor<{RESULTS}xf32>
  %y = train.linear %x, %w, %b : (tensor<{ROWS}x{FEATURES}xf32>,
    tensor<{RESULTS}x{FEATURES}xf32>, tensor<{RESULTS}xf32>) -> tensor<{ROWS}x{RESULTS}xf32>
  %l = train.mse_loss %y, %t : (tensor<{ROWS}x{RESULTS}xf32>,
    tensor<{ROWS}x{RESULTS}xf32>) -> tensor<f32>
  return %l : tensor<f32>
}}"""

rng = np.random.default_rng(8)
START = {"w": rng.uniform(-0.5, 0.5, (RESULTS, FEATURES)).astype(np.float32),
         "b": rng.uniform(-0.5, 0.5, RESULTS).astype(np.float32)}
# Positive inputs and far targets: no gradient is the small difference of large
# terms, whose sign Adam would turn into a whole step.
SIGNS = np.array([1, -1, 1, 1, -1, -1, 1])
X = rng.uniform(0.5, 1.5, (STEPS, ROWS, FEATURES)).astype(np.float32)
T = (SIGNS * rng.uniform(6, 9, (STEPS, ROWS, RESULTS))).astype(np.float32)
OVERFLOW = 2  # The step in which f16 gradients overflow.

# Of each policy, how far a run may be from NumPy's, relative to the largest
# value: f32 to rounding of sums; 16 bits to one rounding that falls the other
# way, and its effect on the steps after it.
BOUNDS = {"f32": 1e-5, "bf16": 2.0**-7, "f16": 2.0**-10}


@dataclass
class Case:
    optimizer: optimizers.Optimizer
    policy: str
    rate: float = 0.01
    clip: float = 0.0
    schedule: dict = field(default_factory=dict)
    loss_scale: str = "none"

    def flags(self):
        settings = {"lr": self.rate, **self.optimizer.options, **self.schedule}
        if self.clip:
            settings["clip_norm"] = self.clip
        settings = {{"epsilon": "eps"}.get(key, key): value
                    for key, value in settings.items()}
        return [f"--policy={self.policy}", f"--loss-scale={self.loss_scale}",
                "--optimizer=" + ",".join([self.optimizer.name] + [
                    f"{key}={str(value).lower()}" for key, value in settings.items()])]

    def start(self):
        """A dynamic scale that grows after two steps."""
        if self.loss_scale != "dynamic":
            return START
        return {**START, "amp.scale": np.float32(2**12),
                "amp.growth_tracker": np.int32(1998)}

    def data(self):
        targets = T.copy()
        if self.loss_scale == "dynamic":
            targets[OVERFLOW, 0, 0] = 1e9
        return {"x": X, "t": targets}


def gradients(case, p, x, t, scale):
    """(loss, scaled gradients): rounded where the step has 16-bit values."""
    def narrow(values):
        return formats.rounded(values, case.policy)

    x16 = narrow(x)
    y = narrow(x16 @ narrow(p["w"]).T + narrow(p["b"]))
    dy = narrow(scale * 2 / y.size * (y - t))
    return np.mean((y - t) ** 2), {"w": narrow(dy.T @ x16), "b": narrow(dy.sum(0))}


def train_in_numpy(case):
    """(outputs of all steps, final states)."""
    decay = {"weight_decay": 0.01} if case.optimizer.name == "adamw" else {}
    optimizer = optimizers.make(case.optimizer.name, **{**decay, **case.optimizer.options})
    p = {name: value.astype(np.float64) for name, value in START.items()}
    states = {name: optimizer.start(value) for name, value in p.items()}
    is_dynamic, data = case.loss_scale == "dynamic", case.data()
    scale = 2.0**12 if is_dynamic else float(case.loss_scale.replace("none", "1"))
    tracker, taken, rows = 1998, 0, []
    for x, t in zip(data["x"], data["t"]):
        loss, g = gradients(case, p, x, t, scale)
        row = {"loss": loss, "learning_rate": optimizers.rate(
            taken + 1, case.rate, **case.schedule)}
        row["all_finite"] = all(np.isfinite(value).all() for value in g.values())
        if case.loss_scale != "none":
            row["loss_scale"] = scale
        g = {name: value / scale for name, value in g.items()}
        if case.clip:
            row["grad_norm"] = np.sqrt(sum(np.sum(value**2) for value in g.values()))
            factor = row["clip_factor"] = np.minimum(1.0, case.clip / (row["grad_norm"] + 1e-6))
            g = {name: value * factor for name, value in g.items()}
        rows.append(row)
        if not row["all_finite"]:
            scale, tracker = (scale / 2, 0) if is_dynamic else (scale, tracker)
            continue
        taken, tracker = taken + 1, tracker + 1
        if is_dynamic and tracker == 2000:
            scale, tracker = scale * 2, 0
        for name in p:
            p[name], states[name] = optimizer.step(
                p[name], g[name], row["learning_rate"], taken, states[name])
    final = {**p, "train.step": taken}
    suffixes = [".momentum"] if optimizer.name == "sgd" else [".m", ".v"]
    for name, values in states.items():
        final.update((name + suffix, value) for suffix, value in zip(suffixes, values))
    if case.loss_scale != "none":
        final |= {"amp.scale": scale, "amp.skipped_steps": STEPS - taken}
    if is_dynamic:
        final["amp.growth_tracker"] = tracker
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}, final


def train_on_device(case, target, folder):
    model, plan = (os.path.join(folder, name) for name in ("m.mlir", "m.vplan"))
    vernier.run_tool("vernier-compile", model, "-o", plan, f"--target={target}",
                     *case.flags())
    session = runtime.Session(plan)
    session.set_states(case.start())
    data = case.data()
    runs = [session.run("step", {name: array[i] for name, array in data.items()})
            for i in range(STEPS)]
    states = session.get_states()
    session.close()
    return {name: np.stack([run[name] for run in runs]) for name in runs[0]}, states


REPORTS = {"first_overflow", "steps_at_minimum", "amp.first_overflow", "amp.first_overflow_step", "amp.overflows",
           "amp.steps", "amp.steps_at_minimum"}


def distance(got, want):
    """The largest over all values but infinities and NaN, which must agree.
    Parameters by how far they moved: where they are says little of a few steps."""
    worst = 0.0
    for values, wanted in zip(got, want):
        # 16-bit copies are rounded from their parameters; who overflowed is what
        # loss-scaling-conformance.py looks at.
        names = [name for name in values if not name.endswith("16") and name not in REPORTS]
        assert set(names) == set(wanted) - REPORTS, (names, wanted.keys())
        for name in names:
            a, b = (np.float64(part[name]) - START.get(name, 0)
                    for part in (values, wanted))
            finite = np.isfinite(b)
            np.testing.assert_array_equal(np.isfinite(a), finite)
            worst = max(worst, formats.error_relative_to_largest(
                np.where(finite, a, 0), np.where(finite, b, 0)))
    return worst


def check(case):
    """Distances of one case by whose they are."""
    with np.errstate(over="ignore", invalid="ignore"):
        wanted = train_in_numpy(case)
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "m.mlir")
        with open(model, "w") as file:
            file.write(MODEL)
        step = vernier.run_tool("vernier-compile", model, "--emit=step", *case.flags())
        evaluated = vernier.evaluate(step, "step", case.data(), case.start(), steps=STEPS)
        found = {"evaluator to NumPy": distance(evaluated, wanted)}
        for target in runtime.targets():
            device = train_on_device(case, target, folder)
            found[f"{target} to NumPy"] = distance(device, wanted)
            found[f"{target} to evaluator"] = distance(device, evaluated)
    if case.loss_scale == "dynamic":
        taken = wanted[0]["all_finite"]
        assert not taken[OVERFLOW] and taken.sum() == STEPS - 1, taken
    return found


SCHEDULES = [{"warmup_steps": 3}, {"schedule": "linear", "total_steps": 5},
             {"schedule": "cosine", "warmup_steps": 2, "total_steps": 5,
              "final_lr": 0.001}]
PRECISIONS = [("f32", "none"), ("bf16", "none"), ("f16", "dynamic"), ("f16", "1024")]
CASES = [Case(optimizer, policy, loss_scale=scale)
         for optimizer in optimizers.ALL for policy, scale in PRECISIONS]
for policy, scale in PRECISIONS:
    for optimizer in (optimizers.make("sgd", momentum=0.9), optimizers.make("adamw")):
        # The norm of the gradients is about 20.
        CASES += [Case(optimizer, policy, clip=clip, loss_scale=scale)
                  for clip in (0.5, 1e3)]
    CASES += [Case(optimizers.make("sgd"), policy, schedule=schedule, loss_scale=scale)
              for schedule in SCHEDULES]

worst, failures = {}, []
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for case, found in zip(CASES, pool.map(check, CASES)):
        for whose, error in found.items():
            key = case.policy, whose
            worst[key] = max(worst.get(key, 0.0), error)
            if not error <= BOUNDS[case.policy]:
                failures.append(f"{' '.join(case.flags())}: {whose} {error:.3g}")
for (policy, whose), error in worst.items():
    print(f"{policy}, {whose}: {error:.2g} at most")
print("\n".join(failures))
assert not failures
