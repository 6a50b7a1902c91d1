//===- NumericsProfile.h - What the numbers of a training run are like
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_NUMERICSPROFILE_H
#define VERNIER_RUN_NUMERICSPROFILE_H

#include "ProductStatistics.h"
#include "TensorStatistics.h"

#include <map>
#include <string>
#include <vector>

namespace vernier::run {

/// Where a recorded value or product comes from: the op of the model, and what
/// was computed for it ("forward", "lhs gradient", "rhs gradient",
/// "gradient", "update"; of a value from outside "input", "constant" or the
/// role of its state).
struct RecordOrigin {
  std::string role, op, identity, location, parameter;
  bool isGradient = false; ///< of the backward part or behind it
};

struct TensorRecord {
  std::string name;
  RecordOrigin origin;
  vernier_dtype_t dtype;
  std::vector<int64_t> shape;
  TensorStatistics statistics;
};

/// A contraction; operands and result are indices of tensor records.
struct ProductRecord {
  RecordOrigin origin;
  size_t lhs, rhs, result;
  ProductStatistics statistics;
};

/// What a profile says, as docs/Profiles.md describes it.
struct NumericsRecord {
  uint64_t every = 0, sampledSteps = 0, firstStep = 0, lastStep = 0,
           skippedSteps = 0;
  double lossMagnitudes = 0; ///< sum over the steps whose loss is finite
  uint64_t finiteLosses = 0;
  std::vector<TensorRecord> tensors;
  std::vector<ProductRecord> products;

  std::string toJson(const Plan &plan) const;
};

/// Records the tensors of the calls of some training steps
/// (--profile-numerics).
class NumericsProfile {
public:
  /// To be written to `path`; every `every`th step is sampled. Fails at once
  /// where no file can be written.
  NumericsProfile(const Plan &plan, const std::string &path, uint64_t every);
  ~NumericsProfile();
  NumericsProfile(const NumericsProfile &) = delete;
  NumericsProfile &operator=(const NumericsProfile &) = delete;

  /// `done` is the number of steps before the one that begins. The first
  /// sampled step allocates the records, later ones nothing.
  void beginStep(uint64_t done);
  /// Look at a call, if it is of a sampled step.
  void observe(const vernier_observation_t &observation);
  void endStep(double loss, bool skipped);
  /// Replace the file by what is recorded, or leave it as it was.
  void write();

  const NumericsRecord &getRecord() const { return record; }

private:
  /// A tensor to be counted, by its position in an observation.
  struct Item {
    const vernier_observed_tensor_t *observed;
    size_t tensor;
  };
  /// What to look at in a call.
  struct CallItems {
    std::vector<Item> items;
    std::optional<size_t> product;
  };

  void layOut(const vernier_observation_t &observation);
  std::string getRole(const vernier_observation_t &observation,
                      const schema::Call &call) const;
  size_t addTensor(const vernier_observed_tensor_t &observed,
                   RecordOrigin origin);
  std::string getOutsideRole(const vernier_observed_tensor_t &observed) const;

  const Plan &plan;
  const schema::Entry &entry;
  std::string path, temporaryPath;
  NumericsRecord record;
  TensorCounter counter;
  bool isSampling = false;

  /// By call; grows while the first sampled step runs.
  std::vector<CallItems> calls;
  /// The record of the value that lies at an address.
  std::map<const void *, size_t> values;
};

} // namespace vernier::run

#endif // VERNIER_RUN_NUMERICSPROFILE_H
