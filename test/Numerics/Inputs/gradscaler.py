#===- gradscaler.py - Traces of torch's GradScaler
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""usage: gradscaler.py FILE

Trains a few weights with torch.amp.GradScaler (torch 2.3 or newer) over 10,000
random steps with planted infs and NaNs, once for each of SETTINGS, and writes to
FILE what the scaler did: gradscaler.json beside this script, for machines without
torch. `read` and `record` give the same traces."""

import base64
import json
import random
import struct
import sys
import zlib

STEPS = 10000
# What a step's input may hold, by its digit in a trace.
KINDS = [1.0, float("inf"), float("-inf"), float("nan")]

# The arguments of GradScaler, how often a step has a planted value, and how many
# optimizers there are.
SETTINGS = {
    "default": (dict(), 0.0004, 1),
    "short interval": (dict(growth_interval=20), 0.04, 1),
    "other factors": (dict(init_scale=1000.0, growth_factor=1.7, backoff_factor=0.3,
                           growth_interval=7), 0.07, 1),
    "to the end of f32": (dict(init_scale=2.0**100, growth_interval=1), 0.01, 1),
    "to zero": (dict(growth_interval=50), 0.4, 1),
    "two optimizers": (dict(growth_interval=20), 0.03, 2),
}


def plant(name, rate, optimizers):
    """For each optimizer the kinds of the steps' inputs, equal on every machine."""
    rng = random.Random(name)
    return [[rng.randrange(1, 4) if rng.random() < rate else 0 for _ in range(STEPS)]
            for _ in range(optimizers)]


def record(name):
    """Of each step: the scale it used and the tracker before it, and whether each
    optimizer stepped."""
    import torch

    class Counted(torch.optim.SGD):
        steps = 0

        def step(self, closure=None):
            self.steps += 1
            return super().step(closure)

    arguments, rate, count = SETTINGS[name]
    kinds = plant(name, rate, count)
    weights = [torch.zeros(4, requires_grad=True) for _ in range(count)]
    optimizers = [Counted([w], lr=0.0) for w in weights]
    scaler = torch.amp.GradScaler("cpu", **arguments)
    scaler.scale(torch.zeros(()))  # Makes the scale.
    trace = dict(kinds=kinds, scale=[], tracker=[], stepped=[[] for _ in range(count)])
    for step in range(STEPS):
        trace["scale"].append(scaler.get_scale())
        trace["tracker"].append(scaler._get_growth_tracker())
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = 0.0
        for weight, kind in zip(weights, kinds):
            # Some element, and others that are finite.
            data = torch.ones(4)
            data[step % 4] = KINDS[kind[step]]
            loss = loss + (weight * data).sum()
        scaler.scale(loss).backward()
        before = [optimizer.steps for optimizer in optimizers]
        for optimizer in optimizers:
            scaler.step(optimizer)
        scaler.update()
        for i, optimizer in enumerate(optimizers):
            trace["stepped"][i].append(int(optimizer.steps > before[i]))
    return trace


def _pack(values, code):
    """Differences compress well."""
    numbers = struct.unpack(f"<{len(values)}I", struct.pack(f"<{len(values)}{code}", *values))
    differences = [(b - a) % 2**32 for a, b in zip((0, *numbers), numbers)]
    data = zlib.compress(struct.pack(f"<{len(values)}I", *differences), 9)
    return base64.b64encode(data).decode()


def _unpack(text, code):
    data = zlib.decompress(base64.b64decode(text))
    numbers, last = [], 0
    for difference in struct.unpack(f"<{len(data) // 4}I", data):
        last = (last + difference) % 2**32
        numbers.append(last)
    return list(struct.unpack(f"<{len(numbers)}{code}",
                              struct.pack(f"<{len(numbers)}I", *numbers)))


CODES = {"kinds": "i", "scale": "f", "tracker": "i", "stepped": "i"}


def _map(trace, function):
    return {key: [function(v, CODES[key]) for v in value]
            if key in ("kinds", "stepped") else function(value, CODES[key])
            for key, value in trace.items()}


def read(path):
    """The traces by name."""
    with open(path) as file:
        return {name: _map(trace, _unpack)
                for name, trace in json.load(file)["traces"].items()}


def write(path):
    import torch
    traces = {name: _map(record(name), _pack) for name in SETTINGS}
    with open(path, "w") as file:
        json.dump({"torch": torch.__version__.split("+")[0], "traces": traces}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write(sys.argv[1])
