#===- repair-unsafe-patterns.py - Repaired formulas against JAX
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, jax, compiler
"""Values and gradients of formulas that --amp-repair-unsafe-patterns rewrites,
against JAX's stable forms in f64: exact where the formula is harmless, and within a
few spacings in f16 and bf16 where the formula as written overflows or rounds to
infinity, which is shown, too."""

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np

from Numerics.Inputs import formats, vernier

SHAPE = (6, 10)
EPSILON = 2.0**-23  # exact in every type
LOG_EPSILON = np.log(EPSILON)
LESS = 1 - 2.0**-8  # likewise

# Lines that compute %y (6, 10) or (6) or () from %x and %t, both (6, 10), in the
# element type E; what JAX computes; the shape of y.
FORMULAS = {
    "log sigmoid": ("""
      %p = train.sigmoid %x : XE
      %y = math.log %p : XE""", lambda x, t: jax.nn.log_sigmoid(x), SHAPE),
    "log 1 - sigmoid": ("""
      %n = arith.negf %x : XE
      %e = math.exp %n : XE
      %d = arith.addf %e, %one : XE
      %p = arith.divf %one, %d : XE
      %q = arith.subf %one, %p : XE
      %y = math.log %q : XE""", lambda x, t: jax.nn.log_sigmoid(-x), SHAPE),
    "softplus": ("""
      %e = math.exp %x : XE
      %s = arith.addf %one, %e : XE
      %y = math.log %s : XE""", lambda x, t: jax.nn.softplus(x), SHAPE),
    "log softmax": ("""
      %p = train.softmax %x : (XE) -> XE
      %y = math.log %p : XE""", lambda x, t: jax.nn.log_softmax(x), SHAPE),
    "softmax": ("""
      %e = math.exp %x : XE
      %s = train.reduce sum %e dims = [1] : XE -> RE
      %r = train.broadcast %s dims = [0] : RE -> XE
      %y = arith.divf %e, %r : XE""", lambda x, t: jax.nn.softmax(x), SHAPE),
    "log sum exp": ("""
      %e = math.exp %x : XE
      %s = train.reduce sum %e dims = [1] : XE -> RE
      %y = math.log %s : RE""", lambda x, t: jax.nn.logsumexp(x, axis=1), SHAPE[:1]),
    "log sigmoid with epsilon": ("""
      %p = train.sigmoid %x : XE
      %g = arith.addf %p, %eps : XE
      %y = math.log %g : XE""", lambda x, t: jnp.logaddexp(jax.nn.log_sigmoid(x), LOG_EPSILON), SHAPE),
    "log 1 - sigmoid with epsilon": ("""
      %p = train.sigmoid %x : XE
      %q = arith.subf %one, %p : XE
      %g = arith.maximumf %q, %eps : XE
      %y = math.log %g : XE""", lambda x, t: jnp.maximum(jax.nn.log_sigmoid(-x), LOG_EPSILON), SHAPE),
    "log softmax with epsilon": ("""
      %p = train.softmax %x : (XE) -> XE
      %g = arith.addf %p, %eps : XE
      %y = math.log %g : XE""", lambda x, t: jnp.logaddexp(jax.nn.log_softmax(x), LOG_EPSILON), SHAPE),
    "log of clipped sigmoid": ("""
      %p = train.sigmoid %x : XE
      %m = arith.maximumf %p, %eps : XE
      %g = arith.minimumf %m, %less : XE
      %y = math.log %g : XE""", lambda x, t: jnp.clip(jax.nn.log_sigmoid(x), LOG_EPSILON, np.log(LESS)), SHAPE),
    "log 1 - clipped sigmoid": ("""
      %p = train.sigmoid %x : XE
      %g = math.clampf %p to [%eps, %less] : XE
      %q = arith.subf %one, %g : XE
      %y = math.log %q : XE""",
                                lambda x, t: jnp.clip(jax.nn.log_sigmoid(-x), np.log1p(-LESS), np.log1p(-EPSILON)),
                                SHAPE),
    "norm": ("""
      %q = arith.mulf %x, %x : XE
      %s = train.reduce sum %q dims = [1] : XE -> RE
      %y = math.sqrt %s : RE""",
             lambda x, t: jnp.sqrt(jnp.sum(x * x, axis=1)), SHAPE[:1]),
}
BCE = """
      %p = train.sigmoid %x : XE
      %a = math.log %p : XE
      %q = arith.subf %one, %p : XE
      %b = math.log %q : XE
      %u = arith.subf %one, %t : XE
      %hit = arith.mulf %t, %a : XE
      %miss = arith.mulf %u, %b : XE
      %sum = arith.addf %hit, %miss : XE
      %minus = arith.negf %sum : XE
      %y = train.reduce sum %minus dims = [0, 1] : XE -> tensor<WIDE>"""
# The loss of a model in 16 bits is f32, as autocast makes it.
FORMULAS["cross entropy"] = (BCE, lambda x, t: jnp.sum(
    jnp.maximum(x, 0) - x * t + jnp.log1p(jnp.exp(-jnp.abs(x)))), ())


def module(lines, shape, element):
    wide = "f64" if element == "f64" else "f32"
    kind = formats.tensor_type(shape, wide if shape == () else element)
    wide_kind = formats.tensor_type(shape, wide)
    total = [f"%w = arith.extf %y : {kind} to {wide_kind}" if kind != wide_kind else "",
             f"%v = arith.mulf {'%w' if kind != wide_kind else '%y'}, %c : {wide_kind}",
             f"%loss = train.reduce sum %v dims = {list(range(len(shape)))} : "
             f"{wide_kind} -> tensor<{wide}>" if shape else ""]
    loss = "%loss" if shape else "%v"
    text = f"""
    ml_program.global private mutable @x(#train.constant<0.0>) : XE {{train.role = "parameter"}}
    func.func @loss(%t: XE {{train.name = "t"}}, %c: {wide_kind} {{train.name = "c"}})
        -> (tensor<{wide}> {{train.name = "loss"}}, {kind} {{train.name = "y"}}) {{
      %x = ml_program.global_load @x : XE
      %one = arith.constant dense<1.0> : XE
      %eps = arith.constant dense<{EPSILON!r}> : XE
      %less = arith.constant dense<{LESS!r}> : XE
      {lines}
      {chr(10).join(total)}
      return {loss}, %y : tensor<{wide}>, {kind}
    }}
    func.func @step(%t: XE {{train.name = "t"}}, %c: {wide_kind} {{train.name = "c"}})
        -> ({kind} {{train.name = "y"}}, XE {{train.name = "g"}}) {{
      %r:3 = train.gradient @loss(%t, %c) wrt [@x] : (XE, {wide_kind}) -> (tensor<{wide}>, {kind}, XE)
      return %r#1, %r#2 : {kind}, XE
    }}"""
    return (text.replace("XE", formats.tensor_type(SHAPE, element))
            .replace("RE", formats.tensor_type(SHAPE[:1], element)).replace("WIDE", wide))


def evaluate(text, x, t, c, repairs, exact=False):
    passes = ["--amp-repair-unsafe-patterns=policy=f16"] if repairs else []
    # The formula of @step is that of @loss, inlined by differentiation.
    step = vernier.optimize(text, *passes, "--train-differentiate")
    found, _ = vernier.evaluate(step, "step", {"t": t, "c": c}, {"x": x}, exact=exact)
    return np.asarray(found["y"], np.float64), np.asarray(found["g"], np.float64)


def draw(element, size):
    rng = np.random.default_rng(11)
    x = rng.standard_normal(SHAPE) * size
    return [np.asarray(formats.rounded(formats.rounded(values, "f16"), "bf16"), np.float64)
            for values in (x, rng.random(SHAPE))]


def reference(function, x, t, c):
    y, vjp = jax.vjp(lambda values: function(values, t), jnp.asarray(x))
    return np.asarray(y), np.asarray(vjp(jnp.asarray(c))[0])


def error_of(value, want, exact):
    # A saturated softmax has gradients that 16 bits cannot hold at all.
    scale = 1.0 if exact else max(1.0, 2.0**-10 / np.max(np.abs(want)))
    return formats.error_relative_to_largest(value, want) / scale


failures = []
for name, (lines, function, shape) in FORMULAS.items():
    c = np.asarray(np.random.default_rng(13).standard_normal(shape))
    c = np.asarray(formats.rounded(c, "bf16"), np.float64).reshape(shape)
    for element, exact, size, bound in (("f64", True, 2.0, 1e-12), ("f64", True, 300.0, 1e-12),
                                        ("f16", False, 300.0, 2.0**-8),
                                        ("bf16", False, 300.0, 2.0**-5)):
        x, t = draw(element, size)
        wanted = reference(function, x, t, c)
        got = evaluate(module(lines, shape, element), x, t, c, repairs=True, exact=exact)
        for what, value, want in zip(("value", "gradient"), got, wanted):
            error = error_of(value, want, exact)
            if not error <= bound:
                failures.append(f"{name}, {element}, size {size}: {what} off by {error:.3g}")
        # As written, f16 has an infinity or a NaN somewhere, or is plainly wrong where
        # epsilon keeps it finite.
        if element == "f16" and "clipped" not in name:
            written = evaluate(module(lines, shape, element), x, t, c, repairs=False)
            if "epsilon" in name:
                assert not all(error_of(*pair, exact) <= 8 * bound for pair in zip(written, wanted)), name
            else:
                assert not all(np.isfinite(values).all() for values in written), name
    print(f"{name}: done")
print("\n".join(failures))
assert not failures
