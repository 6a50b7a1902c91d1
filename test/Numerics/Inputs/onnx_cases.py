#===- onnx_cases.py - Reads ONNX conformance cases
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Reads the conformance cases of ONNX (Debian: libonnx-testdata): one node, its
inputs, the outputs to expect. Protocol buffers are read by hand: a message is a
list of (field, value), see protobuf.dev/programming-guides/encoding."""

import glob
import os
import struct
from dataclasses import dataclass

import numpy as np

from Numerics.Inputs.formats import tensor_type

ROOT = "/usr/share/libonnx-testdata/data/node"

# TensorProto.DataType: NumPy type, and the field with typed elements.
TYPES = {1: (np.float32, 4), 6: (np.int32, 5), 7: (np.int64, 7),
         9: (np.bool_, 5), 11: (np.float64, 10)}


def varint(data, position):
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def fields(data):
    """Each (field number, value): an int, or bytes."""
    position = 0
    while position < len(data):
        key, position = varint(data, position)
        kind = key & 7
        if kind == 0:
            value, position = varint(data, position)
        else:
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                size, position = varint(data, position)
            value = data[position:position + size]
            position += size
        yield key >> 3, value


def integers(values):
    """A repeated int64, packed or not."""
    result = []
    for value in values:
        position = 0
        while isinstance(value, bytes) and position < len(value):
            number, position = varint(value, position)
            result.append(number)
        if isinstance(value, int):
            result.append(value)
    return [n - 2**64 if n >= 2**63 else n for n in result]


def collect(data):
    message = {}
    for field, value in fields(data):
        message.setdefault(field, []).append(value)
    return message


def tensor(data):
    """None for a type that is not among TYPES."""
    message = collect(data)
    if message.get(2, [None])[0] not in TYPES:
        return None
    kind, typed = TYPES[message[2][0]]
    shape = integers(message.get(1, []))
    if 9 in message:
        return np.frombuffer(message[9][0], kind).reshape(shape)
    values = message.get(typed, [])
    if kind in (np.float32, np.float64):
        return np.frombuffer(b"".join(values), kind).reshape(shape)
    return np.array(integers(values), kind).reshape(shape)


def attribute(data):
    """(name, value) of an AttributeProto: float, int, string or ints."""
    message = collect(data)
    name = message[1][0].decode()
    if 2 in message:
        return name, struct.unpack("<f", message[2][0])[0]
    if 3 in message:
        return name, integers(message[3])[0]
    if 4 in message:
        return name, message[4][0].decode()
    return name, integers(message.get(8, []))


class Skip(Exception):
    """A case that our ops cannot express."""


def require(condition):
    if not condition:
        raise Skip


def kind(array):
    """Its type in a model; integers are i32."""
    return tensor_type(array.shape, "i32" if array.dtype.kind == "i" else "f32")


@dataclass
class OnnxCase:
    name: str
    op: str
    attributes: dict
    inputs: list
    outputs: list


def load(name, ops):
    """The case `test_NAME`, or None if it is more than one node, not of `ops`, or not
    of tensors of TYPES."""
    folder = os.path.join(ROOT, "test_" + name)
    with open(os.path.join(folder, "model.onnx"), "rb") as file:
        graph = collect(collect(file.read())[7][0])
    if len(graph[1]) != 1:
        return None
    node = collect(graph[1][0])
    if node[4][0].decode() not in ops:
        return None

    def read(kind):
        count = len(glob.glob(os.path.join(folder, "test_data_set_0", kind + "_*")))
        arrays = []
        for i in range(count):
            path = os.path.join(folder, "test_data_set_0", f"{kind}_{i}.pb")
            with open(path, "rb") as file:
                arrays.append(tensor(file.read()))
        return arrays
    inputs, outputs = read("input"), read("output")
    if any(array is None for array in inputs + outputs):
        return None
    return OnnxCase(name, node[4][0].decode(),
                    dict(attribute(data) for data in node.get(5, [])), inputs, outputs)


def names():
    return sorted(os.path.basename(path)[len("test_"):]
                  for path in glob.glob(os.path.join(ROOT, "test_*")))
