#===- loss-scaling-conformance.py - What loss scaling must do, case by case
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""The conformance cases of loss scaling, in the evaluator and on the CPU. Case 6 (two
optimizers) is in loss-scaling-groups.py, case 8 (accumulation) in
accumulate-gradients.py, case 11 (hysteresis) in loss-scaling-hysteresis.py."""

import os
import tempfile

import numpy as np

from Numerics.Inputs import runtime, vernier

FOLDER = tempfile.TemporaryDirectory()
F32 = np.float32


def linear(length):
    """loss = sum(w * x): the gradient of w is x, times the scale."""
    return f"""
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<{length}xf32> {{train.role = "parameter"}}
func.func @loss(%x: tensor<{length}xf32> {{train.name = "x"}}) -> (tensor<f32> {{train.name = "loss"}}) {{
  %w = ml_program.global_load @w : tensor<{length}xf32>
  %y = arith.mulf %w, %x : tensor<{length}xf32>
  %loss = train.reduce sum %y dims = [0] : tensor<{length}xf32> -> tensor<f32>
  return %loss : tensor<f32>
}}
"""


class Machine:
    """The evaluator or the CPU with a compiled step and its states."""

    def __init__(self, device, text, scale, optimizer="sgd,lr=1", policy="f32", state=None):
        self.device, self.states = device, dict(state or {})
        self.model = os.path.join(FOLDER.name, "m.mlir")
        with open(self.model, "w") as file:
            file.write(text)
        flags = [f"--policy={policy}", f"--optimizer={optimizer}", f"--loss-scale={scale}"]
        if device == "evaluator":
            self.step = vernier.run_tool("vernier-compile", self.model, "--emit=step", *flags)
        else:
            plan = os.path.join(FOLDER.name, "m.vplan")
            vernier.run_tool("vernier-compile", self.model, "-o", plan, *flags)
            self.session = runtime.Session(plan)
            self.session.set_states(self.states)

    def run(self, x):
        """Outputs of the steps with the rows of x, by name."""
        if self.device == "evaluator":
            # Of one step neither data nor outputs have a leading dim.
            data = x if len(x) > 1 else x[0]
            outputs, states = vernier.evaluate(self.step, "step", {"x": data}, self.states,
                                               steps=len(x))
            self.states = states
            return outputs if len(x) > 1 else {k: v[None] for k, v in outputs.items()}
        rows = [self.session.run("step", {"x": row}) for row in x]
        self.states = self.session.get_states()
        return {key: np.array([row[key] for row in rows]) for key in rows[0]}

    def state(self, name):
        return np.asarray(self.states[name])


def on_both(case):
    for device in ("evaluator", "cpu"):
        case(device)
    print(f"{case.__name__}: {case.__doc__}")


def ones(steps, length=4):
    return np.ones((steps, length), F32)


def equal_but_scaler(before, after):
    """Bit for bit, whatever is not the scaler's."""
    for name in before:
        if not name.startswith("amp."):
            np.testing.assert_array_equal(before[name], after[name], name)


def case_1(device):
    """2000 finite steps from 65536 double the scale"""
    machine = Machine(device, linear(4), "dynamic")
    outputs = machine.run(ones(1999))
    assert (outputs["loss_scale"] == 65536).all()
    assert machine.state("amp.scale") == 65536 and machine.state("amp.growth_tracker") == 1999
    machine.run(ones(1))
    assert machine.state("amp.scale") == 131072 and machine.state("amp.growth_tracker") == 0


def case_2(device):
    """an inf halves the scale once and leaves weights, moments and counters as they were"""
    machine = Machine(device, linear(4), "dynamic", "adamw,lr=0.1,weight_decay=0.1")
    machine.run(np.random.default_rng(0).standard_normal((5, 4)).astype(F32))
    before = dict(machine.states)
    bad = ones(1)
    bad[0, 2] = np.inf
    outputs = machine.run(bad)
    assert not outputs["all_finite"][0] and outputs["first_overflow"][0] == 0
    equal_but_scaler(before, machine.states)
    assert machine.state("amp.scale") == 32768 and machine.state("amp.growth_tracker") == 0
    assert machine.state("amp.skipped_steps") == 1 and machine.state("amp.steps") == 6
    assert machine.state("amp.first_overflow_step") == 6
    machine.run(ones(2))
    assert machine.state("amp.scale") == 32768 and machine.state("train.step") == 7


def case_3(device):
    """growth that would overflow f32 is refused, the tracker starts over"""
    machine = Machine(device, linear(4), f"dynamic,init={2.0**127!r},growth_interval=3")
    machine.run(ones(7) * F32(2.0**-20))
    assert machine.state("amp.scale") == F32(2.0**127) and machine.state("amp.growth_tracker") == 1


def case_4(device):
    """NaN, inf and -inf are found in the first, the last and any other element"""
    for length in (1, 7, 8, 9, 15, 16, 17, 33, 1025):
        machine = Machine(device, linear(length), "dynamic")
        places = sorted({0, length // 2, length - 1, length - 2} & set(range(length)))
        rows = []
        for place in places:
            for bad in (np.inf, -np.inf, np.nan):
                rows.append(ones(1, length)[0])
                rows[-1][place] = bad
        outputs = machine.run(np.array(rows + [ones(1, length)[0]]))
        assert not outputs["all_finite"][:-1].any() and outputs["all_finite"][-1], length


def case_5(device):
    """a scale of 1 is the identity, subnormals included"""
    values = np.array([1e-45, -1e-40, 0.0, -0.0, 1.5, 3e38], F32)
    machine = Machine(device, linear(6), "1", "sgd,lr=1,momentum=0.5")
    machine.run(values[None])
    # The first momentum is the gradient.
    np.testing.assert_array_equal(machine.state("w.momentum").reshape(-1), values)


def case_7(device):
    """the norm that clips is that of unscaled gradients, and nothing is unscaled twice"""
    x = np.random.default_rng(1).standard_normal((6, 4)).astype(F32) * 5
    optimizer = "sgd,lr=0.1,momentum=0.9,clip_norm=2"
    scaled = Machine(device, linear(4), "dynamic,init=1024,growth_interval=2", optimizer)
    plain = Machine(device, linear(4), "none", optimizer)
    outputs = scaled.run(x)
    np.testing.assert_array_equal(outputs["grad_norm"], plain.run(x)["grad_norm"])
    np.testing.assert_allclose(outputs["grad_norm"], np.linalg.norm(x.astype(float), axis=1), 1e-6)
    assert len(set(outputs["loss_scale"])) == 3
    for name in ("w", "w.momentum"):
        np.testing.assert_array_equal(scaled.state(name), plain.state(name))


def case_9(device):
    """a run saved at step 1999 grows where the whole run grows"""
    first = Machine(device, linear(4), "dynamic")
    first.run(ones(1999))
    second = Machine(device, linear(4), "dynamic", state=first.states)
    outputs = second.run(ones(3))
    np.testing.assert_array_equal(outputs["loss_scale"], [65536, 131072, 131072])


def case_10(device):
    """PyTorch's scale goes to 0, after which a finite step makes NaN; ours stops where it can be divided by, or at
    the minimum given, and counts"""
    bad = np.full((300, 4), np.nan, F32)
    machine = Machine(device, linear(4), "dynamic")
    machine.run(np.concatenate([bad, ones(1)]))
    assert machine.state("amp.scale") == 2.0**-126
    assert np.isfinite(machine.state("w")).all()
    machine = Machine(device, linear(4), "dynamic,min=0")
    machine.run(bad)
    assert machine.state("amp.scale") == 0
    machine = Machine(device, linear(4), "dynamic,min=1")
    outputs = machine.run(bad)
    assert machine.state("amp.scale") == 1
    # 16 halvings, then skipped steps in a row at the minimum.
    np.testing.assert_array_equal(outputs["steps_at_minimum"][:18], [0] * 16 + [1, 2])
    assert machine.state("amp.overflows") == 300


def case_12(device):
    """the gradients of a weight that is used twice are summed in f32"""
    text = """
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<1x8xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<2x8xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
  %w = ml_program.global_load @w : tensor<1x8xf32>
  %a0 = tensor.extract_slice %x[0, 0] [1, 8] [1, 1] : tensor<2x8xf32> to tensor<1x8xf32>
  %b0 = tensor.extract_slice %x[1, 0] [1, 8] [1, 1] : tensor<2x8xf32> to tensor<1x8xf32>
  %a = train.linear %a0, %w : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x1xf32>
  %b = train.linear %b0, %w : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x1xf32>
  %y = arith.addf %a, %b : tensor<1x1xf32>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<1x1xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
"""
    # 1 and 2^-12 are f16 numbers, their sum is not.
    x = np.array([[np.ones(8), np.full(8, 2.0**-12)]], F32)
    machine = Machine(device, text, "1", "sgd,lr=0,momentum=0.9", policy="f16")
    machine.run(x)
    np.testing.assert_array_equal(machine.state("w.momentum").reshape(-1), np.full(8, 1 + 2.0**-12, F32))


def case_18(device):
    """running statistics, dropout's counter and the schedule do not see a skipped step"""
    text = """
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<64xf32> {train.role = "parameter"}
ml_program.global private mutable @mean(#train.constant<0.0>) : tensor<64xf32> {train.role = "statistic"}
ml_program.global private mutable @draws(dense<0> : tensor<i32>) : tensor<i32> {train.role = "counter"}
func.func @loss(%x: tensor<64xf32> {train.name = "x"})
    -> (tensor<f32> {train.name = "loss"}, tensor<64xf32> {train.name = "dropped"}) {
  %w = ml_program.global_load @w : tensor<64xf32>
  %n = ml_program.global_load @draws : tensor<i32>
  %one = arith.constant dense<1> : tensor<i32>
  %n1 = arith.addi %n, %one : tensor<i32>
  ml_program.global_store @draws = %n1 : tensor<i32>
  %d = train.dropout %w step %n {rate = 0.5 : f64, seed = 3 : i32} : (tensor<64xf32>, tensor<i32>) -> tensor<64xf32>
  %m = ml_program.global_load @mean : tensor<64xf32>
  %m1 = arith.addf %m, %x : tensor<64xf32>
  ml_program.global_store @mean = %m1 : tensor<64xf32>
  %y = arith.mulf %d, %x : tensor<64xf32>
  %loss = train.reduce sum %y dims = [0] : tensor<64xf32> -> tensor<f32>
  return %loss, %d : tensor<f32>, tensor<64xf32>
}
"""
    rows = np.random.default_rng(2).standard_normal((6, 64)).astype(F32)
    # Everywhere, so that dropout cannot hide it.
    bad = np.full((1, 64), np.inf, F32)
    optimizer = "adamw,lr=0.1,schedule=linear,total_steps=10"
    whole = Machine(device, text, "dynamic,init=8", optimizer)
    wanted = whole.run(rows)
    machine = Machine(device, text, "dynamic,init=8", optimizer)
    first = machine.run(rows[:3])
    before = dict(machine.states)
    skipped = machine.run(bad)
    assert not skipped["all_finite"][0] and machine.state("amp.scale") == 4
    equal_but_scaler(before, machine.states)
    rest = machine.run(rows[3:])
    for name in ("learning_rate", "dropped"):
        np.testing.assert_array_equal(np.concatenate([first[name], rest[name]]), wanted[name], name)
    equal_but_scaler(whole.states, machine.states)


for case in (case_1, case_2, case_3, case_4, case_5, case_7, case_9, case_10, case_12, case_18):
    on_both(case)
