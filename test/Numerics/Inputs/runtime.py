#===- runtime.py - Runs plans through the C API
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""libvernier.so on NumPy arrays."""

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_size_t, c_uint64, c_void_p

import ml_dtypes
import numpy as np

# By vernier_dtype_t.
DTYPES = [np.float32, ml_dtypes.bfloat16, np.float16, np.int32, np.int64, np.bool_]


class Status(ctypes.Structure):
    _fields_ = [("code", c_int), ("message", c_char_p)]


class TensorInfo(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("dtype", c_int), ("rank", c_size_t),
                ("shape", POINTER(c_int64)), ("bytes", c_uint64),
                ("classes", c_int64)]

    def array(self):
        return np.empty([self.shape[i] for i in range(self.rank)], DTYPES[self.dtype])


class ObservedTensor(ctypes.Structure):
    _fields_ = [("info", TensorInfo), ("data", c_void_p), ("overwritten", c_int)]

    def array(self):
        value = self.info.array()
        ctypes.memmove(value.ctypes.data, self.data, value.nbytes)
        return value


class Observation(ctypes.Structure):
    _fields_ = [("entry", c_char_p), ("index", c_size_t), ("name", c_char_p), ("location", c_char_p),
                ("input_count", c_size_t), ("inputs", POINTER(ObservedTensor)),
                ("result_count", c_size_t), ("results", POINTER(ObservedTensor)),
                ("source_count", c_size_t), ("sources", POINTER(c_char_p)), ("identity", c_char_p), ("title", c_char_p)]


Observer = ctypes.CFUNCTYPE(None, c_void_p, POINTER(Observation))


def call(function, *arguments):
    """Call a function of the C API that returns a status."""
    entry = getattr(LIBRARY, function)
    entry.restype = Status
    status = entry(*arguments)
    if status.code:
        raise RuntimeError(f"{function}: {(status.message or b'').decode()}")


def targets():
    """Targets to compile for: any machine of today, and this one where it is wider."""
    with open("/proc/cpuinfo") as file:
        wide = "avx512f" in file.read()
    return ["cpu", "cpu:native"] if wide else ["cpu"]


LIBRARY = ctypes.CDLL(os.path.join(os.environ["VERNIER_BUILD"], "lib", "libvernier.so"))


class Session:
    """A plan's session on a device."""

    def __init__(self, path, device="cpu", seed=0):
        self.plan, self.device, self.session = c_void_p(), c_void_p(), c_void_p()
        self.error = None
        call("vernier_plan_load", path.encode(), byref(self.plan))
        call("vernier_device_create", device.encode(), byref(self.device))
        call("vernier_session_create", self.plan, self.device, c_uint64(seed),
             byref(self.session))

    def close(self):
        for kind in ("session", "device", "plan"):
            release = getattr(LIBRARY, f"vernier_{kind}_release")
            release.restype = None
            release(getattr(self, kind))

    def _tensors(self, function, owner, *arguments):
        count, infos = c_size_t(), POINTER(TensorInfo)()
        call(function, owner, *arguments, byref(count), byref(infos))
        return {infos[i].name.decode(): infos[i] for i in range(count.value)}

    def run(self, entry, inputs):
        """The outputs of one run by name."""
        name = entry.encode()
        for key, info in self._tensors("vernier_plan_entry_inputs", self.plan,
                                       name).items():
            value = np.ascontiguousarray(inputs[key], DTYPES[info.dtype])
            assert value.nbytes == info.bytes, (key, value.shape)
            call("vernier_session_set_input", self.session, name, key.encode(),
                 value.ctypes.data_as(c_void_p), c_uint64(value.nbytes))
        call("vernier_session_run", self.session, name)
        if self.error:
            raise self.error
        outputs = {}
        for key, info in self._tensors("vernier_plan_entry_outputs", self.plan,
                                       name).items():
            value = info.array()
            call("vernier_session_get_output", self.session, name, key.encode(),
                 value.ctypes.data_as(c_void_p), c_uint64(value.nbytes))
            outputs[key] = value
        return outputs

    def observe(self, function):
        """Have `function` called with name and array of what each call reads and
        writes; None stops it. What it raises, `run` raises."""
        def observer(_, observation):
            its = observation.contents
            try:
                for i in range(its.input_count):
                    if not its.inputs[i].overwritten:
                        function(its.inputs[i].info.name.decode(), its.inputs[i].array())
                for i in range(its.result_count):
                    function(its.results[i].info.name.decode(), its.results[i].array())
            except Exception as error:
                self.error = self.error or error

        self.observer = Observer(observer) if function else ctypes.cast(None, Observer)
        entry = LIBRARY.vernier_session_set_observer
        entry.restype = None
        entry(self.session, self.observer, None)

    def get_states(self):
        states = {}
        for key, info in self._tensors("vernier_session_states",
                                       self.session).items():
            value = info.array()
            call("vernier_session_get_state", self.session, key.encode(),
                 value.ctypes.data_as(c_void_p), c_uint64(value.nbytes))
            states[key] = value
        return states

    def set_states(self, states):
        infos = self._tensors("vernier_session_states", self.session)
        for key, array in states.items():
            value = np.ascontiguousarray(array, DTYPES[infos[key].dtype])
            call("vernier_session_set_state", self.session, key.encode(),
                 value.ctypes.data_as(c_void_p), c_uint64(value.nbytes))
