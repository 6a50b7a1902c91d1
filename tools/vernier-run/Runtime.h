//===- Runtime.h - The C API with owners and exceptions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_RUNTIME_H
#define VERNIER_RUN_RUNTIME_H

#include "Failure.h"

#include "vernier-c/plan_generated.h"
#include "vernier-c/session.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vernier::run {

template <typename T, void (*Release)(T *)> struct Releaser {
  void operator()(T *handle) const { Release(handle); }
};
template <typename T, void (*Release)(T *)>
using Handle = std::unique_ptr<T, Releaser<T, Release>>;

/// Name, type and shape of an input, output or state, borrowed from the plan.
using TensorInfo = vernier_tensor_info_t;

const char *dtypeName(vernier_dtype_t dtype);
/// "f32 (32, 64)".
std::string describe(const TensorInfo &info);
uint64_t elementCount(const TensorInfo &info);
/// Element `index` of an array in `dtype`, as a number.
double elementOf(const void *data, vernier_dtype_t dtype, uint64_t index);

/// A loaded plan.
class Plan {
public:
  /// One that this machine cannot run can still be described.
  enum class Use { run, describe };
  explicit Plan(const std::string &path, Use use = Use::run);

  const schema::Plan &contents() const { return *schemaPlan; }
  /// Null if the plan has no such entry.
  const schema::Entry *entry(const std::string &name) const;
  /// The same, as a failure that lists the entries there are.
  const schema::Entry &requireEntry(const std::string &name) const;
  std::vector<TensorInfo> inputs(const std::string &entry) const;
  std::vector<TensorInfo> outputs(const std::string &entry) const;
  vernier_plan_t *get() const { return handle.get(); }

private:
  Handle<vernier_plan_t, vernier_plan_release> handle;
  const schema::Plan *schemaPlan = nullptr;
};

/// An output of an entry with room for its value, so that reading it in each
/// step allocates nothing.
struct Output {
  TensorInfo info;
  std::vector<uint8_t> data;
  double element(uint64_t index = 0) const {
    return elementOf(data.data(), info.dtype, index);
  }
};

/// What a checkpoint was saved with, and what is to be said about it.
struct Loaded {
  uint64_t step = 0;
  std::string metadata, note;
};

/// Where sessions run.
class Device {
public:
  explicit Device(const std::string &name);

  const char *description() const { return vernier_device_description(get()); }
  vernier_device_t *get() const { return handle.get(); }

private:
  Handle<vernier_device_t, vernier_device_release> handle;
};

/// A session on a device.
class Session {
public:
  Session(const Plan &plan, const Device &device, uint64_t seed);

  void setInput(const char *entry, const char *input, const void *data,
                uint64_t bytes) {
    check(vernier_session_set_input(get(), entry, input, data, bytes));
  }
  void run(const char *entry) { check(vernier_session_run(get(), entry)); }
  /// Read an output of the last run of `entry`.
  void read(const char *entry, Output &output) {
    check(vernier_session_get_output(get(), entry, output.info.name,
                                     output.data.data(), output.data.size()));
  }
  /// A state that is one i32; fails if there is none of this name.
  int64_t readCounter(const char *name) {
    int32_t value = 0;
    check(vernier_session_get_state(get(), name, &value, sizeof value));
    return value;
  }
  /// Which state holds an inf or a NaN, and where; "" if none does.
  std::string describeNonFinite();
  /// All states, to train on; or what inference needs, of whatever optimizer.
  Loaded load(const std::string &directory);
  Loaded loadForInference(const std::string &directory);

  vernier_memory_info_t memory() const { return vernier_session_memory(get()); }
  vernier_session_t *get() const { return handle.get(); }

private:
  using Load = vernier_status_t (*)(vernier_session_t *, const char *,
                                    uint64_t *, const char **);
  Loaded load(const std::string &directory, Load load);

  Handle<vernier_session_t, vernier_session_release> handle;
};

/// What messages call the op that a call comes from (CallTitle.h).
std::string titleOf(const schema::Call &call);

/// The output of this name, if the entry has it.
std::optional<Output> findOutput(const Plan &plan, const std::string &entry,
                                 const std::string &name);

/// The output 'loss' of an entry, by which the tool knows what to report; a
/// failure that says what to do if there is none.
Output requireLoss(const Plan &plan, const std::string &entry);

} // namespace vernier::run

#endif // VERNIER_RUN_RUNTIME_H
