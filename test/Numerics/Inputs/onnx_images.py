#===- onnx_images.py - ONNX conformance cases of images, slices and indices
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""How the ops of ONNX on images (N, C, H, W), slices and indices are written in
ours, on images (N, H, W, C). A builder returns inputs, the op, and result types, and
moves the dims of what the case expects."""

import math

import numpy as np

from Numerics.Inputs.formats import tensor_type as t
from Numerics.Inputs.onnx_cases import kind, require


#===-- Images --------------------------------------------------------------===#

def channels_last(image):
    """(N, C, W) is an image of one row."""
    image = image if image.ndim == 4 else image[:, :, None]
    require(image.ndim == 4)
    return np.ascontiguousarray(np.moveaxis(image, 1, -1))


def two(values):
    return [1, *values] if len(values) == 1 else list(values)


def padding(case, extents, places, window, strides, dilations):
    """[top, left, bottom, right], from pads or auto_pad; with ceil_mode as much more
    behind the image as the last window needs."""
    pads = case.attributes.get("pads", [0] * 2 * len(case.attributes["kernel_shape"]))
    half = len(pads) // 2
    before, after = [0] * (2 - half) + pads[:half], [0] * (2 - half) + pads[half:]
    for d in (0, 1):
        reach = (places[d] - 1) * strides[d] + dilations[d] * (window[d] - 1) + 1
        missing = max(reach - extents[d], 0)
        automatic = case.attributes.get("auto_pad", "NOTSET")
        if automatic.startswith("SAME"):
            before[d] = missing // 2 if automatic == "SAME_UPPER" else (missing + 1) // 2
        if automatic.startswith("SAME") or case.attributes.get("ceil_mode"):
            after[d] = max(missing - before[d], after[d])
    return before + after


def window_of(case, x, y):
    attributes = case.attributes
    window = two(attributes["kernel_shape"])
    strides = two(attributes.get("strides", [1] * len(attributes["kernel_shape"])))
    dilations = two(attributes.get("dilations", [1] * len(attributes["kernel_shape"])))
    return window, strides, dilations, padding(
        case, x.shape[1:3], y.shape[1:3], window, strides, dilations)


def convolution(case):
    x, w = map(channels_last, case.inputs[:2])
    case.outputs = [channels_last(case.outputs[0])]
    case.attributes.setdefault("kernel_shape", list(w.shape[1:3]))
    _, strides, dilations, pads = window_of(case, x, case.outputs[0])
    require(len(case.inputs) == 2)
    y = kind(case.outputs[0])
    return [x, w], (f"%r0 = train.conv2d %0, %1 strides = {strides} padding = {pads} "
                    f"dilation = {dilations} groups = {case.attributes.get('group', 1)} : "
                    f"({kind(x)}, {kind(w)}) -> {y}"), [y]


def pool(name):
    def build(case):
        require(not case.attributes.get("count_include_pad"))
        x = channels_last(case.inputs[0])
        case.outputs = [channels_last(case.outputs[0])]  # not the places of maxima
        window, strides, dilations, pads = window_of(case, x, case.outputs[0])
        require(dilations == [1, 1])
        y = kind(case.outputs[0])
        return [x], (f"%r0 = train.pool2d {name} %0 window = {window} strides = {strides} "
                     f"padding = {pads} : {kind(x)} -> {y}"), [y]
    return build


def global_pool(name):
    def build(case):
        x = channels_last(case.inputs[0])
        case.outputs = [channels_last(case.outputs[0])]
        y = kind(case.outputs[0])
        return [x], f"%r0 = train.pool2d {name} %0 adaptive : {kind(x)} -> {y}", [y]
    return build


def batch_norm(case):
    """In training ONNX keeps the biased variance, we the unbiased one, as PyTorch."""
    x, rest = channels_last(case.inputs[0]), case.inputs[1:]
    epsilon = case.attributes.get("epsilon", 1e-5)
    momentum = case.attributes.get("momentum", 0.9)
    types = ", ".join(map(kind, [x, *rest]))
    case.outputs[0] = channels_last(case.outputs[0])
    if not case.attributes.get("training_mode"):
        return [x, *rest], (f"%r0 = train.batch_norm_inference %0, %1, %2, %3, %4 {{epsilon = "
                            f"{epsilon:.17e} : f64}} : ({types}) -> {kind(x)}"), [kind(x)]
    count = math.prod(x.shape[:-1])
    kept = momentum * rest[3]
    case.outputs[2] = kept + (case.outputs[2] - kept) * count / (count - 1)
    results = [kind(x), kind(rest[2]), kind(rest[3])]
    return [x, *rest], (f"%r0, %r1, %r2 = train.batch_norm %0, %1, %2, %3, %4 {{epsilon = "
                        f"{epsilon:.17e} : f64, momentum = {1 - momentum:.17e} : f64}} : "
                        f"({types}) -> ({', '.join(results)})"), results


def instance_norm(case):
    """Each channel is a group of its own."""
    x, rest = channels_last(case.inputs[0]), case.inputs[1:]
    case.outputs = [channels_last(case.outputs[0])]
    epsilon = case.attributes.get("epsilon", 1e-5)
    types = ", ".join(map(kind, [x, *rest]))
    return [x, *rest], (f"%r0 = train.group_norm %0, %1, %2 {{groups = {x.shape[-1]} : i64, "
                        f"epsilon = {epsilon:.17e} : f64}} : ({types}) -> {kind(x)}"), [kind(x)]


#===-- Slices --------------------------------------------------------------===#

def concat(case):
    axis = case.attributes["axis"] % case.inputs[0].ndim
    names = ", ".join(f"%{i}" for i in range(len(case.inputs)))
    result = kind(case.outputs[0])
    return case.inputs, (f"%r0 = tensor.concat dim({axis}) {names} : "
                         f"({', '.join(map(kind, case.inputs))}) -> {result}"), [result]


def extract(number, x, offsets, sizes):
    return (f"%r{number} = tensor.extract_slice %0{list(offsets)} {list(sizes)} "
            f"{[1] * x.ndim} : {kind(x)} to {t(sizes, 'f32')}")


def slice_(case):
    x, starts, ends, *rest = case.inputs
    axes = rest[0].tolist() if rest else range(len(starts))
    require(len(rest) < 2 or np.all(rest[1] == 1))
    require(case.outputs[0].size)
    offsets, sizes = [0] * x.ndim, list(x.shape)
    for axis, start, end in zip(axes, starts.tolist(), ends.tolist()):
        first, last, _ = slice(start, end).indices(x.shape[axis])
        offsets[axis], sizes[axis] = first, last - first
    return [x], extract(0, x, offsets, sizes), [t(sizes, "f32")]


def split(case):
    x, outputs = case.inputs[0], case.outputs
    require(all(output.size for output in outputs))
    axis, offset, lines = case.attributes.get("axis", 0), 0, []
    for number, output in enumerate(outputs):
        offsets = [offset if d == axis else 0 for d in range(x.ndim)]
        lines.append(extract(number, x, offsets, output.shape))
        offset += output.shape[axis]
    return [x], "\n  ".join(lines), [kind(output) for output in outputs]


#===-- Indices -------------------------------------------------------------===#

def gather(case):
    """Rows are along the first dim of a table."""
    axis = case.attributes.get("axis", 0) % case.inputs[0].ndim
    table = np.ascontiguousarray(np.moveaxis(case.inputs[0], axis, 0))
    indices = case.inputs[1] % table.shape[0]
    places = list(range(axis, axis + indices.ndim))
    rows = np.moveaxis(case.outputs[0], places, range(indices.ndim))
    case.outputs = [np.ascontiguousarray(rows)]
    result = kind(rows)
    return [table, indices], (f"%r0 = train.gather %0, %1 : ({kind(table)}, {kind(indices)}) "
                              f"-> {result}"), [result]


def scatter_add(case):
    """Of whole rows; ONNX adds them to a table."""
    table, indices, updates = case.inputs
    require(case.attributes.get("reduction") == "add" and indices.shape[-1] == 1)
    indices = indices[..., 0]
    return [table, indices, updates], (
        f"%sums = train.scatter_add %2, %1 : ({kind(updates)}, {kind(indices)}) -> {kind(table)}\n"
        f"  %r0 = arith.addf %0, %sums : {kind(table)}"), [kind(table)]


def argmax(case):
    x, axis = case.inputs[0], case.attributes.get("axis", 0)
    require(not case.attributes.get("select_last_index"))
    rows = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    case.outputs = [case.outputs[0].reshape(rows.shape[:-1])]
    result = t(rows.shape[:-1], "i32")
    return [rows], f"%r0 = train.argmax %0 : {kind(rows)} -> {result}", [result]


BUILDERS = {
    "Conv": convolution, "MaxPool": pool("max"), "AveragePool": pool("average"),
    "GlobalMaxPool": global_pool("max"), "GlobalAveragePool": global_pool("average"),
    "BatchNormalization": batch_norm, "InstanceNormalization": instance_norm,
    "Concat": concat, "Slice": slice_, "Split": split, "Gather": gather,
    "ScatterND": scatter_add, "ArgMax": argmax,
}
# How many cases of each there are in the data of ONNX 1.12. What our ops cannot
# express is left out: pooling of volumes, dilated or with counted padding, steps of
# slices, empty slices, the last of several maxima. No case has a depthwise or
# grouped convolution, or padding with zeros.
COUNTS = {
    "ArgMax": 8, "AveragePool": 10, "BatchNormalization": 4, "Concat": 12, "Conv": 6,
    "Gather": 4, "GlobalAveragePool": 2, "GlobalMaxPool": 2, "InstanceNormalization": 2,
    "MaxPool": 12, "ScatterND": 1, "Slice": 6, "Split": 6,
}
