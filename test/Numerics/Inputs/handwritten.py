#===- handwritten.py - Losses and norms written by hand
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Losses and norms of primitives, as people write them. Each gets the primitives o,
the scores y (N, C), which are as large as the data, and the data: t and u, as large
as the scores; n, of magnitude 1; k of 0 and 1; q, whose rows are distributions; and
v (C, C), a second weight."""

import math

N, C = 16, 12
ROW, COLUMN, ALL = [1], [0], [0, 1]


def mean(o, x):
    return o.reduce("mean", x, list(range(len(x.shape))))


def total(o, x):
    return o.reduce("sum", x, list(range(len(x.shape))))


def rows(o, how, x):
    """Each row's sum, mean or maximum, at each element of the row."""
    return o.spread(o.reduce(how, x, ROW), [0], x.shape)


def columns(o, how, x):
    return o.spread(o.reduce(how, x, COLUMN), [1], x.shape)


def everywhere(o, x, shape):
    return o.spread(x, [], shape)


def mse(o, y, t):
    d = y - t
    return mean(o, d * d)


def dot(o, x, y):
    return o.reduce("sum", x * y, ROW)


def norm(o, x):
    return o.sqrt(dot(o, x, x))


def cosine(o, x, y):
    return dot(o, x, y) / (norm(o, x) * norm(o, y) + 1e-8)


def log_softmax(o, y):
    z = y - rows(o, "max", y)
    return z - o.spread(o.log(o.reduce("sum", o.exp(z), ROW)), [0], z.shape)


def softmax(o, y):
    e = o.exp(y - rows(o, "max", y))
    return e / rows(o, "sum", e)


def softplus(o, y):
    return o.maximum(y, 0.0) + o.log1p(o.exp(-o.absf(y)))


def variance(o, x, over):
    d = x - over(o, "mean", x)
    return d, over(o, "mean", d * d)


def rms_norm(o, y):
    return y * o.spread(o.rsqrt(o.reduce("mean", y * y, ROW) + 1e-6), [0], y.shape)


def layer_norm(o, y):
    d, v = variance(o, y, rows)
    return d / o.sqrt(v + 1e-5)


def batch_norm(o, y):
    d, v = variance(o, y, columns)
    return d * o.rsqrt(v + 1e-5)


def l2_norm(o, y):
    return y / o.spread(o.maximum(norm(o, y), 1e-12), [0], y.shape)


def group_norm(o, y):
    x = o.reshape(y, (N, 3, C // 3))

    def groups(o, how, x):
        return o.spread(o.reduce(how, x, [2]), [0, 1], x.shape)

    d, v = variance(o, x, groups)
    return o.reshape(d * o.rsqrt(v + 1e-5), (N, C))


def instance_norm(o, y):
    x = o.reshape(y, (N, 3, C // 3))

    def channels(o, how, x):
        return o.spread(o.reduce(how, x, [1]), [0, 2], x.shape)

    d, v = variance(o, x, channels)
    return o.reshape(d / o.sqrt(v + 1e-5), (N, C))


def power_norm(o, y):
    p = o.reduce("sum", o.power(o.absf(y), 3.0), ROW)
    return y / o.spread(o.power(p + 1e-6, 1 / 3), [0], y.shape)


def mean_norm(o, y):
    return y / (rows(o, "mean", o.absf(y)) + 1e-8)


def standardised(o, y):
    d = y - everywhere(o, mean(o, y), y.shape)
    return d / everywhere(o, o.sqrt(mean(o, d * d)) + 1e-8, y.shape)


def soft_sign(o, y):
    return y / o.sqrt(1.0 + y * y)


def attention(o, y, t):
    scores = o.matmul(y, o.transpose(t)) * (1 / math.sqrt(C))
    return o.matmul(softmax(o, scores), t)


def huber(o, y, t):
    d = o.absf(y - t)
    m = o.minimum(d, 1.0)
    return mean(o, m * (d - 0.5 * m))


def log_cosh(o, y, t):
    d = o.absf(y - t)
    return mean(o, d + o.log1p(o.exp(-2.0 * d)) - math.log(2))


def squares(o, y, t):
    d = y - t
    return o.reduce("sum", d * d, ROW)


def contrastive(o, y, t, k):
    near = o.reduce("max", k, ROW)
    d2 = squares(o, y, t)
    miss = o.maximum(1.0 - o.sqrt(d2 + 1e-12), 0.0)
    return mean(o, near * d2 + (1.0 - near) * miss * miss)


def info_nce(o, y, t):
    a, b = l2_norm(o, y), l2_norm(o, t)
    z = log_softmax(o, o.matmul(a, o.transpose(b)) / 0.1)
    return -mean(o, z * z)


def divergence(o, q, log_p):
    return mean(o, o.reduce("sum", q * (o.log(q) - log_p), ROW))


def jensen_shannon(o, y, q):
    p = softmax(o, y)
    m = o.log(0.5 * (p + q))
    return 0.5 * (mean(o, o.reduce("sum", p * (o.log(p + 1e-8) - m), ROW)) + divergence(o, q, m))


def likelihood(o, y, q):
    return -mean(o, o.reduce("sum", q * log_softmax(o, y), ROW))


def bce(o, y, k):
    p = o.sigmoid(y)
    return -mean(o, k * o.log(p) + (1.0 - k) * o.log(1.0 - p))


def focal(o, y, k):
    p = o.sigmoid(y)
    far = 1.0 - p
    return -mean(o, k * far * far * o.log(p + 1e-8) + (1.0 - k) * p * p * o.log(far + 1e-8))


def dice(o, y, k):
    p = o.sigmoid(y)
    return 1.0 - (2.0 * total(o, p * k) + 1.0) / (total(o, p) + total(o, k) + 1.0)


def poisson(o, y, t):
    rate = softplus(o, y)
    return mean(o, rate - o.absf(t) * o.log(rate + 1e-8))


def gaussian(o, y, t, u):
    v = u * u + 1e-6
    d = y - t
    return 0.5 * mean(o, o.log(v) + d * d / v)


def rmsle(o, y, t):
    d = o.log(o.absf(y) + 1.0) - o.log(o.absf(t) + 1.0)
    return o.sqrt(mean(o, d * d))


def orthogonality(o, y):
    g = o.matmul(o.transpose(y), y) / float(N)
    return o.sqrt(total(o, g * g))


def covariance(o, y):
    d = y - columns(o, "mean", y)
    g = o.matmul(o.transpose(d), d) / float(N - 1)
    return o.sqrt(mean(o, g * g))


def total_variation(o, y):
    d = o.slice(y, 1, C - 1) - o.slice(y, 0, C - 1)
    return mean(o, o.sqrt(d * d + 1e-8))


def entropy(o, y):
    p = softmax(o, y)
    return -mean(o, o.reduce("sum", p * o.log(p + 1e-8), ROW))


def determination(o, y, t):
    d = t - everywhere(o, mean(o, t), t.shape)
    return total(o, (y - t) * (y - t)) / total(o, d * d)


def correlation(o, y, t):
    a = y - everywhere(o, mean(o, y), y.shape)
    b = t - everywhere(o, mean(o, t), t.shape)
    return total(o, a * b) / (o.sqrt(total(o, a * a)) * o.sqrt(total(o, b * b)) + 1e-8)


def concordance(o, y, t):
    a, b = mean(o, y), mean(o, t)
    x, z = y - everywhere(o, a, y.shape), t - everywhere(o, b, t.shape)
    return 2.0 * mean(o, x * z) / (mean(o, x * x) + mean(o, z * z) + (a - b) * (a - b))


def signal_to_noise(o, y, t):
    return 4.342944819 * (o.log(total(o, (y - t) * (y - t)) + 1e-8) - o.log(total(o, t * t) + 1e-8))


def pinball(o, y, t):
    d = t - y
    return mean(o, o.maximum(0.9 * d, -0.1 * d))


def gelu(o, y):
    return 0.5 * y * (1.0 + o.tanh(0.7978845608 * (y + 0.044715 * (y * y * y))))


def to_target(function):
    """A norm as a loss: how far its results are from n."""
    return lambda o, y, d: mse(o, function(o, y), d.n)


def before_layer(function):
    """A norm in the middle of a network."""
    return lambda o, y, d: mse(o, o.matmul(function(o, y), d.v), d.n)


LOSSES = {
    "mean squared error": lambda o, y, d: mse(o, y, d.t),
    "mean absolute error": lambda o, y, d: mean(o, o.absf(y - d.t)),
    "root mean squared error": lambda o, y, d: o.sqrt(mse(o, y, d.t)),
    "Huber": lambda o, y, d: huber(o, y, d.t),
    "log-cosh": lambda o, y, d: log_cosh(o, y, d.t),
    "hinge": lambda o, y, d: mean(o, o.maximum(1.0 - (2.0 * d.k - 1.0) * y, 0.0)),
    "squared hinge": lambda o, y, d: mse(o, o.maximum(1.0 - (2.0 * d.k - 1.0) * y, 0.0), 0.0 * d.k),
    "cosine similarity": lambda o, y, d: 1.0 - mean(o, cosine(o, y, d.t)),
    "contrastive": lambda o, y, d: contrastive(o, y, d.t, d.k),
    "triplet": lambda o, y, d: mean(o, o.maximum(squares(o, y, d.t) - squares(o, y, d.u) + 1.0, 0.0)),
    "InfoNCE": lambda o, y, d: info_nce(o, y, d.t),
    "Kullback-Leibler": lambda o, y, d: divergence(o, d.q, log_softmax(o, y)),
    "Jensen-Shannon": lambda o, y, d: jensen_shannon(o, y, d.q),
    "log likelihood": lambda o, y, d: likelihood(o, y, d.q),
    "perplexity": lambda o, y, d: o.exp(likelihood(o, y * 1e-4, d.q)),
    "binary cross entropy": lambda o, y, d: bce(o, y, d.k),
    "focal": lambda o, y, d: focal(o, y, d.k),
    "dice": lambda o, y, d: dice(o, y, d.k),
    "Poisson likelihood": lambda o, y, d: poisson(o, y, d.t),
    "Gaussian likelihood": lambda o, y, d: gaussian(o, y, d.t, d.u),
    "Charbonnier": lambda o, y, d: mean(o, o.sqrt((y - d.t) * (y - d.t) + 1e-6)),
    "squared logarithmic error": lambda o, y, d: rmsle(o, y, d.t),
    "squared penalty": lambda o, y, d: mse(o, y, d.t) + 1e-4 * total(o, d.w * d.w) + 1e-3 * mean(o, y * y),
    "orthogonality penalty": lambda o, y, d: orthogonality(o, y),
    "variance penalty": lambda o, y, d: mean(o, o.sqrt(variance(o, y, columns)[1] + 1e-4)),
    "covariance penalty": lambda o, y, d: covariance(o, y),
    "total variation": lambda o, y, d: total_variation(o, y),
    "log of sum of exp": lambda o, y, d: mean(o, o.log(o.reduce("sum", o.exp(y - rows(o, "max", y)), ROW)) + o.reduce("max", y, ROW)),
    "softmax": lambda o, y, d: total(o, softmax(o, y) * d.n),
    "softmax at a temperature": lambda o, y, d: total(o, softmax(o, y / 5.0) * d.n),
    "entropy": lambda o, y, d: entropy(o, y),
    "collision entropy": lambda o, y, d: -mean(o, o.log(o.reduce("sum", softmax(o, y) * softmax(o, y), ROW))),
    "geometric mean": lambda o, y, d: o.exp(mean(o, o.log(o.absf(y) + 1e-8))),
    "harmonic mean": lambda o, y, d: 1.0 / mean(o, 1.0 / (o.absf(y) + 0.1)),
    "norm of the fourth power": lambda o, y, d: o.power(mean(o, o.power(o.absf(y), 4.0)), 0.25),
    "coefficient of variation": lambda o, y, d: o.sqrt(mean(o, variance(o, y, rows)[1])) / mean(o, o.absf(y)),
    "coefficient of determination": lambda o, y, d: determination(o, y, d.t),
    "correlation": lambda o, y, d: correlation(o, y, d.t),
    "concordance": lambda o, y, d: concordance(o, y, d.t),
    "signal to noise": lambda o, y, d: signal_to_noise(o, y, d.t),
    "pinball": lambda o, y, d: pinball(o, y, d.t),
    "Cauchy": lambda o, y, d: mean(o, o.log1p((y - d.t) * (y - d.t) / 4.0)),
    "RMS norm": to_target(rms_norm),
    "layer norm": to_target(layer_norm),
    "batch norm": to_target(batch_norm),
    "group norm": to_target(group_norm),
    "instance norm": to_target(instance_norm),
    "L2 norm": to_target(l2_norm),
    "norm of the third power": to_target(power_norm),
    "norm by the mean": to_target(mean_norm),
    "standardised score": to_target(standardised),
    "RMS norm before a layer": before_layer(rms_norm),
    "layer norm before a layer": before_layer(layer_norm),
    "batch norm before a layer": before_layer(batch_norm),
    "group norm before a layer": before_layer(group_norm),
    "L2 norm before a layer": before_layer(l2_norm),
    "third power before a layer": before_layer(power_norm),
    "soft sign before a layer": before_layer(soft_sign),
    "gated unit": lambda o, y, d: o.sqrt(mse(o, o.matmul(y * o.sigmoid(d.t), d.v), d.u)),
    "GELU by tanh": lambda o, y, d: o.sqrt(mse(o, o.matmul(gelu(o, y), d.v), d.u)),
    "attention": lambda o, y, d: mse(o, attention(o, y, d.n), d.n),
}


# What is computed where the formula itself overflows in f32, and a repair does not.
STABLE = {
    "binary cross entropy": lambda o, y, d: mean(o, softplus(o, y) - d.k * y),
    "focal": lambda o, y, d: -mean(o, d.k * o.sigmoid(-y) * o.sigmoid(-y) * o.log(o.sigmoid(y) + 1e-8)
                                   + (1.0 - d.k) * o.sigmoid(y) * o.sigmoid(y) * o.log(o.sigmoid(-y) + 1e-8)),
}
