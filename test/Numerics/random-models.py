#===- random-models.py - Models made at random compile, load and run
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s --count=40 --jobs=1
# REQUIRES: numpy, ml_dtypes, jax, compiler
"""What compiles runs: whole models made at random, under every policy, with and without
padding, relaxed casts and micro-batches, are compiled, loaded, trained for two steps
and asked for a prediction. Nothing is refused by compiler, verifier or library, and the
loss is near that of f32, which for some of the models is compared with the evaluator's.
Nothing that a run returns is infinite, unless a step of descent is too long for the
model: then it is in the evaluator, too.

usage: random-models.py [--count N] [--seed FIRST] [--jobs J] [--policies A,B,...]
                        [--evaluate-every N] [--keep FOLDER]

Without --policies each model runs in f32 and in one other policy, in turn. A failure
prints the command that compiles its model again; --keep has the model itself."""

import argparse
import collections
import os
import subprocess
import sys
import tempfile
import threading
import time

# A model is far too small to share among threads, and --jobs has every core already.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from Numerics.Inputs import random_models, runtime, vernier

# Of losses of the order of 1. Rounding moves a mean by some 1e-3; a choice that falls
# otherwise (a maximum, a select, a label) by more. Values that are lost are off by 1.
F32_BOUND, NARROW_BOUND = 1e-3, 0.25


def options_of(seed, policy):
    """Flags of a compile: every third model or so has one that is unusual."""
    rng = np.random.default_rng([seed, 13])
    flags = [f"--policy={policy}", f"--target={runtime.targets()[seed % len(runtime.targets())]}",
             f"--optimizer={random_models.OPTIMIZERS[rng.integers(len(random_models.OPTIMIZERS))]}"]
    for flag, chance in (("--pad-for-tensor-cores", 0.3), ("--casts=relaxed", 0.3), ("--accumulate=2", 0.2),
                         ("--strategy=min-cut", 0.15), ("--strategy=propagate", 0.15), ("--loss-scale=dynamic", 0.15)):
        if rng.random() < chance and not any(flag.split("=")[0] in other for other in flags):
            flags.append(flag)
    return flags


def policies_of(seed, policies):
    if policies:
        return policies
    return ["f32", random_models.POLICIES[1 + seed % (len(random_models.POLICIES) - 1)]]


def run(plan, data, flags):
    """(states before, outputs of the first and the second step, outputs of predict)."""
    session = runtime.Session(plan, seed=1)
    states = session.get_states()
    steps = []
    for _ in range(2):
        if "--accumulate=2" in flags:
            session.run("accumulate", data)
        steps.append(session.run("step", data))
    prediction = session.run("predict", data)
    session.close()
    return states, *steps, prediction


def differ(got, want, bound):
    """Whether a loss is not where it should be."""
    return not abs(float(got) - float(want)) <= bound * max(1.0, abs(float(want)))


def is_finite(value):
    return np.all(np.isfinite(np.asarray(value, np.float64)))


class Worker:
    """Every `step`-th seed from `first` on, one line to standard output for each run."""

    def __init__(self, options):
        self.options = options
        self.folder = tempfile.mkdtemp()
        self.model, self.plan = (os.path.join(self.folder, name) for name in ("model.mlir", "model.vplan"))

    def say(self, *words):
        print(*words, sep="\t", flush=True)

    def check(self, seed):
        model = random_models.Model(seed)
        with open(self.model, "w") as file:
            file.write(model.text())
        data, reference = model.data(), None
        for policy in policies_of(seed, self.options.policies):
            flags = options_of(seed, policy)
            self.say("begin", seed, *flags)
            try:
                problem, loss = self.check_policy(seed, policy, flags, data, reference)
            except RuntimeError as error:
                problem, loss = " ".join(str(error).split("\n", 1)[-1].split()), None
            reference = loss if policy == "f32" else reference
            self.say("fail" if problem else "ok", seed, problem or loss, *flags)

    def check_policy(self, seed, policy, flags, data, reference):
        """(what is wrong or "", the first loss)."""
        vernier.run_tool("vernier-compile", self.model, "-o", self.plan, *flags)
        states, first, second, prediction = run(self.plan, data, flags)
        loss = float(first["loss"])
        results = {"the first loss": loss, "the second loss": second["loss"], **prediction}
        names = [name for name, value in results.items() if not is_finite(value)]
        if names and ("the first loss" in names or not self.diverges(flags, data)):
            return f"{names[0]} is not finite", loss
        if policy != "f32" and reference is not None and differ(loss, reference, NARROW_BOUND):
            return f"loss {loss}, in f32 {reference}", loss
        every = self.options.evaluate_every
        # The evaluator steps once, from states of their real shapes.
        is_plain = not {"--accumulate=2", "--pad-for-tensor-cores"}.intersection(flags)
        if every and seed % every == 0 and is_plain:
            want = float(self.evaluate(flags, data, states)["loss"])
            if differ(loss, want, F32_BOUND if policy == "f32" else NARROW_BOUND):
                return f"loss {loss}, of the evaluator {want}", loss
        return "", loss

    def diverges(self, flags, data):
        """Whether two steps are too long for the model: the evaluator's third loss, or what the model
        predicts beside it, is not finite either in f32, without padding and on one batch."""
        plain = ["--policy=f32", *(flag for flag in flags if flag.startswith(("--optimizer=", "--target=")))]
        vernier.run_tool("vernier-compile", self.model, "-o", self.plan, *plain)
        session = runtime.Session(self.plan, seed=1)
        states = session.get_states()
        session.close()
        return not all(map(is_finite, self.evaluate(plain, data, states, steps=3).values()))

    def evaluate(self, flags, data, states, steps=1):
        """What the last step returns."""
        step = vernier.run_tool("vernier-compile", self.model, "--emit=step", *flags)
        # Copies in 16 bits and the like are made when a plan is.
        known = {name: value for name, value in states.items() if f"@{name}(" in step}
        outputs, _ = vernier.evaluate(step, "step", data, known, steps=steps)
        return outputs


class Supervisor:
    """Workers, each started again behind a model that ends it."""

    def __init__(self, options):
        self.options = options
        self.runs, self.failures, self.lock = 0, [], threading.Lock()

    def supervise(self, first):
        end = self.options.seed + self.options.count
        while first is not None and first < end:
            first = self.run_worker(first, end)

    def run_worker(self, first, end):
        """The seed to go on with, or None at the end."""
        command = [sys.executable, *sys.argv, "--worker", str(first), str(end)]
        last = None
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                event, seed, *rest = line.rstrip("\n").split("\t")
                last = (int(seed), rest)
                if event != "begin":
                    self.count(event, int(seed), rest[0], rest[1:])
        if process.returncode == 0:
            return None
        if last is None:
            sys.exit(f"a worker ended with {process.returncode} before its first model")
        self.count("fail", last[0], f"ended with {process.returncode}", last[1])
        return last[0] + self.options.jobs

    def count(self, event, seed, what, flags):
        with self.lock:
            self.runs += 1
            if event == "fail":
                self.failures.append((seed, what, flags))
                print(f"seed {seed}: {what}\n  vernier-compile seed{seed}.mlir {' '.join(flags)}", flush=True)
                self.keep(seed)

    def keep(self, seed):
        if self.options.keep:
            os.makedirs(self.options.keep, exist_ok=True)
            with open(os.path.join(self.options.keep, f"seed{seed}.mlir"), "w") as file:
                file.write(random_models.Model(seed).text())

    def run(self):
        threads = [threading.Thread(target=self.supervise, args=(self.options.seed + job,)) for job in range(self.options.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=40, help="how many models")
    parser.add_argument("--seed", type=int, default=0, help="the first one's number")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--policies", type=lambda text: text.split(","), help="of each model; f32 first to compare with it")
    parser.add_argument("--evaluate-every", type=int, default=10, help="compare each N-th model with the evaluator; 0: none")
    parser.add_argument("--keep", metavar="FOLDER", help="where to write models that fail")
    parser.add_argument("--worker", type=int, nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = parse()
    if options.worker:
        worker = Worker(options)
        for seed in range(*options.worker, options.jobs):
            worker.check(seed)
        return
    supervisor, begin = Supervisor(options), time.time()
    supervisor.run()
    used = os.times()
    print(f"{options.count} models from seed {options.seed}, {supervisor.runs} runs, {len(supervisor.failures)} failures; "
          f"{time.time() - begin:.0f} s, {used.children_user + used.children_system:.0f} s of CPU")
    kinds = collections.Counter(what for _, what, _ in supervisor.failures)
    for what, count in kinds.most_common(20):
        print(f"  {count} x {what[:200]}")
    sys.exit(1 if supervisor.failures else 0)


if __name__ == "__main__":
    main()
