#===- op-table.py - Every op of arith and math in every type
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""What compiles runs: each op that arith and math register, in each type that it
takes, gives NumPy's value in a plan, or is refused by the compiler with its name. The
list of ops is that of upstream's records: an op that no table here knows fails the
test, and so does an op of train that no test of numbers names.

Ops that IEEE 754 fixes are held to one rounding, special values included; functions to
4 units of f32, and to a rounding of 16 bits."""

import glob
import json
import math
import os
import subprocess
import tempfile

import numpy as np

from Numerics.Inputs import formats, runtime, vernier

LLVM = "/usr/lib/llvm-22"
SOURCE = os.environ["VERNIER_SOURCE"]
FLOATS, INTEGERS = ["f32", "bf16", "f16"], ["i32", "i64"]
NUMPY = {**formats.NUMPY, "i64": np.int64}
COUNT = 37  # Whole vectors and a rest.

# Domains: any value, infinities and NaN; any finite one; positive ones; (-1, 1).
EXACT = "exact"
UNARY = {
    "arith.negf": ("any", lambda x: -x, EXACT),
    "math.absf": ("any", np.abs, EXACT),
    "math.ceil": ("any", np.ceil, EXACT),
    "math.floor": ("any", np.floor, EXACT),
    "math.round": ("any", lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x), EXACT),
    "math.roundeven": ("any", np.rint, EXACT),
    "math.trunc": ("any", np.trunc, EXACT),
    "math.sqrt": ("positive", np.sqrt, EXACT),
    "math.acos": ("unit", np.arccos, ""), "math.acosh": ("above one", np.arccosh, ""),
    "math.asin": ("unit", np.arcsin, ""), "math.asinh": ("real", np.arcsinh, ""),
    "math.atan": ("real", np.arctan, ""), "math.atanh": ("unit", np.arctanh, ""),
    "math.cbrt": ("real", np.cbrt, ""), "math.cos": ("real", np.cos, ""),
    "math.cosh": ("real", np.cosh, ""), "math.erf": ("real", np.vectorize(math.erf), ""),
    "math.erfc": ("unit", np.vectorize(math.erfc), ""), "math.exp": ("real", np.exp, ""),
    "math.exp2": ("real", np.exp2, ""), "math.expm1": ("real", np.expm1, ""),
    "math.log": ("positive", np.log, ""), "math.log10": ("positive", np.log10, ""),
    "math.log1p": ("positive", np.log1p, ""), "math.log2": ("positive", np.log2, ""),
    "math.rsqrt": ("positive", lambda x: 1 / np.sqrt(x), ""), "math.sin": ("real", np.sin, ""),
    "math.sinh": ("real", np.sinh, ""), "math.tan": ("unit", np.tan, ""),
    "math.tanh": ("real", np.tanh, ""),
}
BINARY = {
    "arith.addf": ("any", np.add, EXACT), "arith.subf": ("any", np.subtract, EXACT),
    "arith.mulf": ("any", np.multiply, EXACT), "arith.divf": ("any", np.divide, EXACT),
    "arith.maximumf": ("any", np.maximum, EXACT), "arith.minimumf": ("any", np.minimum, EXACT),
    "arith.maxnumf": ("any", np.fmax, EXACT), "arith.minnumf": ("any", np.fmin, EXACT),
    "math.copysign": ("any", np.copysign, EXACT),
    "math.atan2": ("real", np.arctan2, ""), "math.powf": ("positive", np.power, ""),
}
TERNARY = {
    "math.fma": ("real", lambda x, y, z: x * y + z, EXACT),
    "math.clampf": ("real", lambda x, y, z: np.maximum(y, np.minimum(x, z)), EXACT),
}
CLASSES = {"math.isnan": np.isnan, "math.isinf": np.isinf, "math.isfinite": np.isfinite,
           "math.isnormal": None}
UNORDERED = lambda x, y: np.isnan(x) | np.isnan(y)
ORDERED = {"eq": np.equal, "gt": np.greater, "ge": np.greater_equal, "lt": np.less, "le": np.less_equal}
CMPF = {"false": lambda x, y: np.zeros(x.shape, bool), "true": lambda x, y: np.ones(x.shape, bool),
        "ord": lambda x, y: ~UNORDERED(x, y), "uno": UNORDERED,
        "one": lambda x, y: ~UNORDERED(x, y) & (x != y), "une": lambda x, y: x != y,
        **{"o" + name: f for name, f in ORDERED.items()},
        **{"u" + name: lambda x, y, f=f: UNORDERED(x, y) | f(x, y) for name, f in ORDERED.items()}}


def unsigned(function):
    def wrapped(x, y):
        kind = np.uint64 if x.dtype == np.int64 else np.uint32
        result = function(x.view(kind), y.view(kind))
        return result.view(x.dtype) if result.dtype == kind else result
    return wrapped


def quotient(x, y):
    """Towards zero, 0 for division by zero; wraps around."""
    safe = np.where(y == 0, 1, y)
    # |least| has no place: its unsigned bits are right.
    ux, uy = (np.abs(v).view(np.uint64 if v.dtype == np.int64 else np.uint32) for v in (x, safe))
    magnitude = (ux // uy).view(x.dtype)
    return np.where(y == 0, 0, np.where((x < 0) != (safe < 0), -magnitude, magnitude))


def unsigned_quotient(x, y):
    return np.where(y == 0, 0, x // np.where(y == 0, 1, y))


INTEGER = {
    "arith.addi": np.add, "arith.subi": np.subtract, "arith.muli": np.multiply,
    "arith.andi": np.bitwise_and, "arith.ori": np.bitwise_or, "arith.xori": np.bitwise_xor,
    "arith.divsi": quotient, "arith.divui": unsigned(unsigned_quotient),
    "arith.remsi": lambda x, y: np.where(y == 0, 0, x - y * quotient(x, y)),
    "arith.remui": unsigned(lambda x, y: np.where(y == 0, 0, x - y * unsigned_quotient(x, y))),
    "arith.maxsi": np.maximum, "arith.minsi": np.minimum,
    "arith.maxui": unsigned(np.maximum), "arith.minui": unsigned(np.minimum),
    "arith.shli": np.left_shift, "arith.shrsi": np.right_shift, "arith.shrui": unsigned(np.right_shift),
}
SHIFTS = {"arith.shli", "arith.shrsi", "arith.shrui"}
LOGIC = {"arith.andi": np.logical_and, "arith.ori": np.logical_or, "arith.xori": np.logical_xor}
CMPI = {"eq": np.equal, "ne": np.not_equal,
        **{"s" + name: f for name, f in ORDERED.items() if name != "eq"},
        **{"u" + name: unsigned(f) for name, f in ORDERED.items() if name != "eq"}}

# (operand, result) of each cast.
CASTS = {
    "arith.extf": [("bf16", "f32"), ("f16", "f32")], "arith.truncf": [("f32", "bf16"), ("f32", "f16")],
    "arith.sitofp": [(i, f) for i in INTEGERS for f in FLOATS] + [("i1", f) for f in FLOATS],
    "arith.uitofp": [(i, f) for i in INTEGERS for f in FLOATS] + [("i1", f) for f in FLOATS],
    "arith.fptosi": [(f, i) for f in FLOATS for i in INTEGERS],
    "arith.fptoui": [(f, i) for f in FLOATS for i in INTEGERS],
    "arith.extsi": [("i1", "i32"), ("i1", "i64"), ("i32", "i64")],
    "arith.extui": [("i1", "i32"), ("i1", "i64"), ("i32", "i64")],
    "arith.trunci": [("i64", "i32"), ("i64", "i1"), ("i32", "i1")],
    "arith.bitcast": [("f32", "i32"), ("i32", "f32"), ("bf16", "f16"), ("f16", "bf16"), ("f32", "f32")],
}

# No kernel computes them: the text of a model that has one, in which x is f32, n i32.
V, N = f"tensor<{COUNT}xf32>", f"tensor<{COUNT}xi32>"
REFUSED = {
    **{f"arith.{op}": f"%y = arith.{op} %n, %n : {N}" for op in ("ceildivsi", "ceildivui", "floordivsi")},
    # The second result: without it they are arith.addi and arith.muli.
    "arith.addui_extended": f"%z, %y = arith.addui_extended %n, %n : {N}, tensor<{COUNT}xi1>",
    **{f"arith.{op}": f"%z, %y = arith.{op} %n, %n : {N}" for op in ("mulsi_extended", "mului_extended")},
    **{f"math.{op}": f"%y = math.{op} %n : {N}" for op in ("ctlz", "cttz", "ctpop")},
    "math.sincos": f"%y, %z = math.sincos %x : {V}",
    "math.ipowi": f"%y = math.ipowi %n, %n : {N}",
    "arith.remf": f"%y = arith.remf %x, %x : {V}",
    "arith.index_cast": f"%y = arith.index_cast %n : {N} to tensor<{COUNT}xindex>",
    "arith.index_castui": f"%y = arith.index_castui %n : {N} to tensor<{COUNT}xindex>",
    "arith.scaling_extf": f"%s = arith.constant dense<1.0> : tensor<{COUNT}xf8E8M0FNU>\n"
                          f"  %y = arith.scaling_extf %x, %s : tensor<{COUNT}xf4E2M1FN>, tensor<{COUNT}xf8E8M0FNU> to {V}",
    "arith.scaling_truncf": f"%s = arith.constant dense<1.0> : tensor<{COUNT}xf8E8M0FNU>\n"
                            f"  %y = arith.scaling_truncf %x, %s : {V}, tensor<{COUNT}xf8E8M0FNU> to tensor<{COUNT}xf4E2M1FN>",
}
OTHERS = {"arith.constant", "arith.cmpf", "arith.cmpi", "arith.select", "math.absi", "math.fpowi"}
# Written by passes around a model, not in one.
PROGRAM = {"train.fusion", "train.yield", "train.gradient"}


def registered(path, root):
    done = subprocess.run([f"{LLVM}/bin/llvm-tblgen", "--dump-json", f"-I{LLVM}/include",
                           f"-I{SOURCE}/include", f"{root}/{path}"], capture_output=True, text=True, check=True)
    records = json.loads(done.stdout)
    return {f"{records[name]['opDialect']['def'].split('_')[0].lower()}.{records[name]['opName']}"
            for name in records["!instanceof"]["Op"]}


def check_tables():
    known = {*UNARY, *BINARY, *TERNARY, *CLASSES, *INTEGER, *CASTS, *REFUSED, *OTHERS}
    ops = (registered("mlir/Dialect/Arith/IR/ArithOps.td", f"{LLVM}/include")
           | registered("mlir/Dialect/Math/IR/MathOps.td", f"{LLVM}/include"))
    assert ops == known, (sorted(ops - known), sorted(known - ops))
    texts = []
    for path in glob.glob(f"{SOURCE}/test/Numerics/**/*.py", recursive=True):
        with open(path) as file:
            texts.append(file.read())
    train = registered("vernier/Dialect/Train/IR/TrainOps.td", f"{SOURCE}/include")
    # The last part of the name: cases write "train." once for many. A gradient is
    # what reverse mode makes of the op.
    stems = {op: op.split(".")[1].removesuffix("_gradient") for op in train - PROGRAM}
    unnamed = {op for op, stem in stems.items() if not any(stem in text for text in texts)}
    assert not unnamed, unnamed
    print(f"{len(ops)} ops of arith and math, {len(REFUSED)} of them refused; {len(train)} of train")


#===-- Values --------------------------------------------------------------===#

RNG = np.random.default_rng(11)


def largest(kind):
    return {"f32": np.finfo(np.float32).max, "bf16": 3.3895314e38, "f16": 65504.0}[kind]


def draw_float(domain, kind):
    values = {"unit": lambda: RNG.uniform(-0.95, 0.95, COUNT), "positive": lambda: RNG.uniform(0.05, 4, COUNT),
              "above one": lambda: RNG.uniform(1.1, 4, COUNT)}.get(domain, lambda: 2 * RNG.standard_normal(COUNT))()
    if domain == "any":
        least = 2.0 ** formats.FORMATS[kind][1]
        special = [np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, -0.5, 1.5, 2.5, least, least / 2, -least / 4,
                   largest(kind), -largest(kind)]
        values[:len(special)] = RNG.permutation(special)
        values = RNG.permutation(values)
    return formats.rounded(values, kind)


def draw_integer(kind, most=None):
    if kind == "i1":
        return RNG.integers(0, 2, COUNT).astype(bool)
    if most:
        return RNG.integers(0, most, COUNT).astype(NUMPY[kind])
    limits = np.iinfo(NUMPY[kind])
    values = RNG.integers(-9, 10, COUNT).astype(NUMPY[kind])
    values[:8] = [limits.min, limits.max, limits.min + 1, 0, -1, 0, limits.min, 1000]
    return RNG.permutation(values)


def draw(domain, kind):
    return draw_float(domain, kind) if kind in FLOATS else draw_integer(kind)


class Module:
    """@predict of many ops, its data, and what its results should be."""

    def __init__(self):
        self.arguments, self.lines, self.results, self.data, self.wanted = [], [], [], {}, {}

    def operand(self, kind, values):
        name = f"a{len(self.arguments)}"
        self.arguments.append(f'%{name}: tensor<{COUNT}x{kind}> {{train.name = "{name}"}}')
        self.data[name] = np.asarray(values).astype(NUMPY[kind])
        return f"%{name}"

    def add(self, op, line, result, want, how=EXACT):
        name, kind = f"y{len(self.results)}", f"tensor<{COUNT}x{result}>"
        self.lines.append(f"  %{name} = {line}")
        self.results.append((f"%{name}", f'{kind} {{train.name = "{name}"}}', kind))
        self.wanted[name] = (line, result, np.asarray(want), how)

    def text(self):
        names, declared, kinds = zip(*self.results)
        return "\n".join([f"func.func @predict({', '.join(self.arguments)}) -> ({', '.join(declared)}) {{",
                          *self.lines, f"  return {', '.join(names)} : {', '.join(kinds)}", "}"])


def add_floats(module, kind):
    tensor = f"tensor<{COUNT}x{kind}>"

    def operands(domain, count):
        values = [draw_float(domain, kind) for _ in range(count)]
        return values, ", ".join(module.operand(kind, value) for value in values)
    for count, table in enumerate((UNARY, BINARY, TERNARY), 1):
        for op, (domain, function, how) in table.items():
            values, names = operands(domain, count)
            if op == "math.clampf":  # Between bounds in their order.
                values[1:] = np.minimum(*values[1:]), np.maximum(*values[1:])
                names = ", ".join(module.operand(kind, value) for value in values)
            module.add(op, f"{op} {names} : {tensor}" if op != "math.clampf" else
                       "math.clampf {0} to [{1}, {2}] : {3}".format(*names.split(", "), tensor),
                       kind, function(*values), how)
    least = 2.0 ** formats.FORMATS[kind][1]
    for op, function in CLASSES.items():
        (x,), names = operands("any", 1)
        function = function or (lambda x: np.isfinite(x) & (np.abs(x) >= least))
        module.add(op, f"{op} {names} : {tensor}", "i1", function(x))
    for predicate, function in CMPF.items():
        (x, y), names = operands("any", 2)
        y[::3] = x[::3]
        names = ", ".join(module.operand(kind, value) for value in (x, y))
        module.add("arith.cmpf", f"arith.cmpf {predicate}, {names} : {tensor}", "i1", function(x, y))
    x, n = draw_float("positive", kind), RNG.integers(-3, 4, COUNT)
    module.add("math.fpowi", f"math.fpowi {module.operand(kind, x)}, {module.operand('i32', n)} : "
               f"{tensor}, {N}", kind, np.power(x, n.astype(float)), "")


def add_integers(module, kind):
    tensor = f"tensor<{COUNT}x{kind}>"
    for op, function in INTEGER.items():
        x, y = draw_integer(kind), draw_integer(kind, most=31 if op in SHIFTS else None)
        module.add(op, f"{op} {module.operand(kind, x)}, {module.operand(kind, y)} : {tensor}", kind, function(x, y))
    for predicate, function in CMPI.items():
        x, y = draw_integer(kind), draw_integer(kind)
        module.add("arith.cmpi", f"arith.cmpi {predicate}, {module.operand(kind, x)}, {module.operand(kind, y)} : "
                   f"{tensor}", "i1", function(x, y))
    x = draw_integer(kind)
    module.add("math.absi", f"math.absi {module.operand(kind, x)} : {tensor}", kind, np.abs(x))


def cast(op, x, source, result):
    """What the cast makes of `x`, of type `source`."""
    if op == "arith.bitcast":
        return x.astype(NUMPY[source]).view(NUMPY[result]).astype(np.float64 if result in FLOATS else None)
    if op in ("arith.uitofp", "arith.extui") and source != "i1":
        x = x.view(np.uint64 if source == "i64" else np.uint32)
    if op in ("arith.sitofp", "arith.extsi") and source == "i1":
        x = -x.astype(np.int64)
    if op == "arith.trunci":
        return x & 1 if result == "i1" else x.astype(np.int32)
    if op in ("arith.fptosi", "arith.fptoui"):
        return np.trunc(x)
    # Integers are rounded to f32 first, as all registers are.
    return x.astype(np.float32).astype(np.float64) if result in FLOATS else x.astype(np.int64)


def add_casts(module):
    for op, pairs in CASTS.items():
        for source, result in pairs:
            x = draw("any" if op in ("arith.extf", "arith.truncf") else "real", source)
            x = np.abs(x) if op == "arith.fptoui" else x
            if op == "arith.bitcast" and source == "i32":
                x = np.abs(x) % 1000  # No NaN, which compares unequal.
            module.add(op, f"{op} {module.operand(source, x)} : tensor<{COUNT}x{source}> to "
                       f"tensor<{COUNT}x{result}>", result, cast(op, x, source, result))


def add_others(module):
    for kind in [*FLOATS, *INTEGERS, "i1"]:
        tensor = f"tensor<{COUNT}x{kind}>"
        condition, x, y = draw_integer("i1"), draw("any", kind), draw("any", kind)
        names = ", ".join((module.operand("i1", condition), module.operand(kind, x), module.operand(kind, y)))
        module.add("arith.select", f"arith.select {names} : tensor<{COUNT}xi1>, {tensor}", kind,
                   np.where(condition, x, y))
        for values in (draw("real", kind), np.full(COUNT, draw("real", kind)[0])):
            text = ", ".join(str(bool(v)).lower() if kind == "i1" else repr(v.item()) for v in values)
            module.add("arith.constant", f"arith.constant dense<[{text}]> : {tensor}", kind, values)
    module.add("train.iota", f"train.iota : {N}", "i32", np.arange(COUNT))
    for op, function in LOGIC.items():
        x, y = draw_integer("i1"), draw_integer("i1")
        module.add(op, f"{op} {module.operand('i1', x)}, {module.operand('i1', y)} : tensor<{COUNT}xi1>",
                   "i1", function(x, y))


def add_accuracy(module):
    """The share of rows whose largest score is at the label, in each type."""
    for kind in FLOATS:
        scores = draw_float("real", kind)
        labels = RNG.integers(0, 2, COUNT)
        lines = [f"%s{kind} = tensor.expand_shape {module.operand(kind, scores)} [[0, 1]] output_shape [{COUNT}, 1] : "
                 f"tensor<{COUNT}x{kind}> into tensor<{COUNT}x1x{kind}>",
                 f"%t{kind} = tensor.concat dim(1) %s{kind}, %z{kind} : (tensor<{COUNT}x1x{kind}>, tensor<{COUNT}x1x{kind}>) "
                 f"-> tensor<{COUNT}x2x{kind}>"]
        module.lines += [f"  %z{kind} = arith.constant dense<0.0> : tensor<{COUNT}x1x{kind}>",
                         *(f"  {line}" for line in lines),
                         f"  %k{kind} = train.accuracy %t{kind}, {module.operand('i32', labels)} : "
                         f"(tensor<{COUNT}x2x{kind}>, {N}) -> tensor<f32>"]
        module.add("train.accuracy", f"train.broadcast %k{kind} dims = [] : tensor<f32> -> {V}", "f32",
                   np.full(COUNT, np.mean((scores < 0) == labels)), "")


def compare(got, kind, want, how):
    """Nothing, or the first element that is wrong."""
    bound = 0.5 if how == EXACT else 4 if kind == "f32" else 0.53
    for i in range(COUNT):
        right = (formats.error_in_spacings(got[i:i + 1], want[i:i + 1], kind) <= bound if kind in FLOATS
                 else got[i] == want[i].astype(NUMPY[kind]))
        if not right:
            return f"[{i}] is {got[i]!r} for {want[i]!r}"
    return ""


def check_values(folder):
    module, failures = Module(), []
    with np.errstate(all="ignore"):
        for kind in FLOATS:
            add_floats(module, kind)
        for kind in INTEGERS:
            add_integers(module, kind)
        add_casts(module)
        add_others(module)
        add_accuracy(module)
    model, plan, policy = (os.path.join(folder, name) for name in ("m.mlir", "m.vplan", "p.yaml"))
    with open(model, "w") as file:
        file.write(module.text())
    with open(policy, "w") as file:
        file.write("name: as-written\ncompute: bf16\ndefault: untouched\n")
    for target in runtime.targets():
        vernier.run_tool("vernier-compile", model, "-o", plan, f"--policy={policy}", f"--target={target}")
        session = runtime.Session(plan)
        outputs = session.run("predict", module.data)
        session.close()
        with np.errstate(all="ignore"):
            failures += [f"{target}: {line}: {compare(outputs[name], kind, want, how)}"
                         for name, (line, kind, want, how) in module.wanted.items()
                         if compare(outputs[name], kind, want, how)]
    print(f"{len(module.wanted)} ops in their types, {len(failures)} wrong")
    return failures


def check_refused(folder):
    failures, model = [], os.path.join(folder, "r.mlir")
    for op, line in REFUSED.items():
        result = (line.rsplit("to ", 1)[1] if " to " in line else V if "%x" in line
                  else f"tensor<{COUNT}xi1>" if "addui" in op else N)
        x = V if op != "arith.scaling_extf" else f"tensor<{COUNT}xf4E2M1FN>"
        with open(model, "w") as file:
            file.write(f"func.func @predict(%x: {x}, %n: {N}) -> {result} {{\n  {line}\n  return %y : {result}\n}}\n")
        command = [os.path.join(vernier.BUILD, "bin", "vernier-compile"), model, "--policy=f32", "-o",
                   os.path.join(folder, "r.vplan")]
        done = subprocess.run(command, capture_output=True, text=True)
        says = op in done.stderr or "expected elements of" in done.stderr
        if done.returncode not in (1, 3) or not says or "internal error" in done.stderr:
            failures.append(f"{op}: exit {done.returncode}: {done.stderr[-500:]}")
    print(f"{len(REFUSED)} ops to refuse, {len(failures)} are not")
    return failures


def main():
    check_tables()
    with tempfile.TemporaryDirectory() as folder:
        failures = check_values(folder) + check_refused(folder)
    print("\n".join(failures))
    assert not failures


if __name__ == "__main__":
    main()
