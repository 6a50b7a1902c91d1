#===- safetensors.py - Files as others write them
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Writes safetensors files from the format's specification alone: a 64-bit header
size, a JSON header, the bytes (github.com/huggingface/safetensors)."""

import json
import struct

import numpy as np

DTYPES = {"float32": "F32", "float16": "F16", "float64": "F64", "int64": "I64", "int32": "I32",
          "int8": "I8", "uint8": "U8", "bool": "BOOL"}


class Raw:
    """Bytes of a type that numpy lacks."""

    def __init__(self, dtype, shape, data):
        self.dtype, self.shape, self.data = dtype, list(shape), bytes(data)


def bf16(array):
    """Rounded to nearest even, by integer arithmetic."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32).astype(np.uint64)
    return Raw("BF16", array.shape, ((bits + 0x7fff + (bits >> 16 & 1)) >> 16).astype("<u2").tobytes())


def from_bf16(raw):
    bits = np.frombuffer(raw.data, "<u2").astype(np.uint32) << 16
    return bits.view(np.float32).reshape(raw.shape)


def write(path, tensors, metadata=None, header=None):
    """`header` replaces the JSON text."""
    entries, data = {}, b""
    if metadata:
        entries["__metadata__"] = metadata
    for name, value in tensors.items():
        if not isinstance(value, Raw):
            value = Raw(DTYPES[value.dtype.name], value.shape, np.ascontiguousarray(value).tobytes())
        entries[name] = {"dtype": value.dtype, "shape": value.shape,
                         "data_offsets": [len(data), len(data) + len(value.data)]}
        data += value.data
    text = (header or json.dumps(entries)).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    return path
