//===- Profile.cpp - Where the time of an entry goes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Profile.h"

#include "Signals.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

using namespace vernier;
using namespace vernier::run;

Profile::Profile(const schema::Entry &entry)
    : entry(entry), calls(entry.calls()->size()) {}

void Profile::observe(const vernier_observation_t &observation) {
  Call &call = calls[observation.index];
  call.seconds += std::chrono::duration<double>(Clock::now() - last).count();
  call.bytes = 0;
  for (size_t i = 0; i < observation.input_count; ++i)
    call.bytes += observation.inputs[i].info.bytes;
  for (size_t i = 0; i < observation.result_count; ++i)
    call.bytes += observation.results[i].info.bytes;
  last = Clock::now();
}

void Profile::measure(Session &session, uint64_t count) {
  auto observer = [](void *context, const vernier_observation_t *observation) {
    static_cast<Profile *>(context)->observe(*observation);
  };
  vernier_session_set_observer(session.get(), observer, this);
  for (uint64_t i = 0; i < count && !interrupted(); ++i, ++steps) {
    last = Clock::now();
    session.run(entry.name()->c_str());
  }
  vernier_session_set_observer(session.get(), nullptr, nullptr);
}

namespace {

/// A line of the table.
struct Row {
  std::string title;
  bool backward = false;
  double seconds = 0, flops = 0, bytes = 0; ///< of one step
  unsigned calls = 0;
};

double flopsOf(const schema::Call &call) {
  const schema::Matmul *matmul = call.operation_as_Matmul();
  return matmul ? 2.0 * static_cast<double>(matmul->batch()) *
                      static_cast<double>(matmul->m()) *
                      static_cast<double>(matmul->n()) *
                      static_cast<double>(matmul->k())
                : 0;
}

std::string describe(const Row &row, double total) {
  double rate = (row.flops > 0 ? row.flops : row.bytes) / row.seconds * 1e-9;
  return fmt::format("  {:>10.4f} {:>6.1f} % {:>5}  {:>8.1f} {:<7}  {:<8}  {}",
                     1000 * row.seconds, 100 * row.seconds / total, row.calls,
                     rate, row.flops > 0 ? "GFLOP/s" : "GB/s",
                     row.backward ? "backward" : "forward", row.title);
}

} // namespace

std::vector<std::string> Profile::table() const {
  // Matmuls apart from what else an op needs: their rates differ in kind.
  std::map<std::tuple<std::string, bool, bool>, Row> rows;
  double total = 0;
  for (unsigned i = 0; i < calls.size() && steps; ++i) {
    const schema::Call &call = *entry.calls()->Get(i);
    std::string title = titleOf(call);
    double flops = flopsOf(call);
    Row &row = rows[{title, call.backward(), flops > 0}];
    row.title = title;
    row.backward = call.backward();
    row.seconds += calls[i].seconds / static_cast<double>(steps);
    row.flops += flops;
    row.bytes += static_cast<double>(calls[i].bytes);
    ++row.calls;
    total += calls[i].seconds / static_cast<double>(steps);
  }
  std::vector<Row> sorted;
  for (auto &[key, row] : rows)
    sorted.push_back(std::move(row));
  std::sort(sorted.begin(), sorted.end(),
            [](const Row &a, const Row &b) { return a.seconds > b.seconds; });
  std::vector<std::string> lines = {
      fmt::format("profile of {} ({} steps, {:.4f} ms each)",
                  entry.name()->str(), steps, 1000 * total),
      "     ms/step    share calls      rate"};
  for (const Row &row : sorted)
    lines.push_back(describe(row, total));
  return lines;
}
