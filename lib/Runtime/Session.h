//===- Session.h - The state of one training run
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_SESSION_H
#define VERNIER_RUNTIME_SESSION_H

#include "Runtime/Device.h"
#include "Runtime/Folder.h"
#include "Runtime/Plan.h"
#include "Runtime/StateLayout.h"
#include "vernier-c/session.h"

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace vernier::runtime {

/// A call of a bound entry, with what the observer is told about it.
struct BoundCall {
  std::unique_ptr<Executable> executable;
  vernier_observation_t observation;
  /// Where `observation` points to.
  std::vector<vernier_observed_tensor_t> inputs, results;
  std::vector<const char *> sources;
};

/// A port: its place while the entry runs, and where it stays between runs.
struct BoundPort {
  const Tensor *tensor;
  uint8_t *place, *staging;
};

/// An entry bound to the session's memory.
struct BoundEntry {
  std::vector<BoundBuffer> buffers;
  std::vector<BoundPort> inputs, outputs;
  std::vector<BoundCall> calls;
  std::vector<std::string> valueNames; ///< of what the calls make
  bool hasRun = false;
};

/// A state (not a copy) and its memory.
struct BoundState {
  Tensor tensor;
  schema::Role role;
  uint8_t *data;
  StateLayout layout;   ///< of `data`; `tensor` is without padding
  bool hasCopy = false; ///< a copy is derived from it
  /// The model gives it an infinite initial value: there an inf is meant.
  bool startsInfinite = false;
};

/// Whether an initial value, which the state still has, holds an inf but no NaN
/// before it (FiniteCheck.cpp).
bool startsInfinite(const schema::Initializer &initial,
                    const BoundState &state);

/// Fill in what an observer is told about each call (SessionObservation.cpp).
void describeCalls(const schema::Plan &plan, const schema::Entry &entry,
                   BoundEntry &bound);

} // namespace vernier::runtime

struct vernier_session_t {
  ~vernier_session_t();

  std::atomic<uint32_t> references{1};
  vernier_plan_t *plan = nullptr;
  vernier_device_t *device = nullptr;

  vernier::runtime::Mapping memory;
  /// Places within `memory`, and its size, in bytes.
  uint64_t arenaOffset = 0, stagingOffset = 0, memoryBytes = 0;
  std::vector<vernier::runtime::BoundState> states; ///< without copies
  std::vector<vernier_tensor_info_t> stateInfos;
  std::map<std::string, size_t, std::less<>> stateByName;

  // Executables before the executor that they use: destroyed in this order.
  std::unique_ptr<vernier::runtime::Executor> executor;
  std::vector<vernier::runtime::BoundEntry> entries; ///< as in the plan
  int lastEntry = -1; ///< whose outputs are still in their places

  /// The thread whose call uses the session, if one does (SessionUse.h).
  std::atomic<std::thread::id> user{std::thread::id()};

  vernier_observer_t observer = nullptr;
  void *observerContext = nullptr;
  std::string metadata; ///< of the last load
  /// Of the folder that it saves to; none before the first save.
  std::shared_ptr<vernier::runtime::FolderLock> saveLock;

  /// Allocate, initialise, bind.
  vernier::runtime::Status create(uint64_t seed);
  /// Instead of create: bind to memory that is not there, for getMemory.
  vernier::runtime::Status bindOnly();
  vernier_memory_info_t getMemory() const;
  vernier::runtime::Status run(int entry);
  /// Derive the copies from their masters, if there are any.
  vernier::runtime::Status refresh();
  /// Put the last run's outputs where nothing overwrites them: before anything
  /// else uses the arena or changes a state.
  void keepOutputs();
};

#endif // VERNIER_RUNTIME_SESSION_H
