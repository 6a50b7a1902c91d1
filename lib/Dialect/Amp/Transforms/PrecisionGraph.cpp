//===- PrecisionGraph.cpp - What there is to decide in a function, and its cost
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/PrecisionGraph.h"

#include "vernier/Dialect/Amp/Transforms/MinimumCut.h"

using namespace vernier::amp;

using Index = PrecisionGraph::Index;

static constexpr int64_t kWideBytes = 4, kNarrowBytes = 2,
                         kCastBytes = kWideBytes + kNarrowBytes;

void PrecisionGraph::addBytes(Index variable, int64_t elements) {
  variables[variable].wideCost += kWideBytes * elements;
  variables[variable].narrowCost += kNarrowBytes * elements;
}

void PrecisionGraph::addFlops(Index variable, int64_t flops) {
  variables[variable].wideCost += flops / kFlopsPerByte;
  variables[variable].narrowCost += flops / (2 * kFlopsPerByte);
}

Index PrecisionGraph::addOp(Op op, llvm::ArrayRef<Index> operands,
                            llvm::ArrayRef<Index> results) {
  bool readsAsItComes = op.operands == kAsItComes;
  for (Index value : operands) {
    addBytes(readsAsItComes ? values[value].variable : op.operands,
             values[value].elements);
    if (!readsAsItComes)
      addReader(value, op.operands);
    operandValues.list.push_back(value);
  }
  for (Index value : results) {
    addBytes(op.results, values[value].elements);
    resultValues.list.push_back(value);
  }
  operandValues.first.push_back(operandValues.list.size());
  resultValues.first.push_back(resultValues.list.size());
  ops.push_back(op);
  return ops.size() - 1;
}

int64_t PrecisionGraph::getBytesSaved(Index op) const {
  int64_t elements = 0;
  if (ops[op].operands != kAsItComes)
    for (Index value : operandValues.get(op))
      elements += values[value].elements;
  for (Index value : resultValues.get(op))
    elements += values[value].elements;
  return (kWideBytes - kNarrowBytes) * elements;
}

PrecisionGraph::Assignment PrecisionGraph::getAllWide() const {
  Assignment assignment(variables.size(), Width::Wide);
  assignment[kNarrow] = Width::Narrow;
  return assignment;
}

PrecisionGraph::Cost
PrecisionGraph::getCost(const Assignment &assignment) const {
  Cost cost;
  for (size_t i = 0; i < variables.size(); ++i)
    cost.moved += assignment[i] == Width::Wide ? variables[i].wideCost
                                               : variables[i].narrowCost;
  std::vector<bool> isCast(values.size());
  for (const Reader &reader : readers)
    if (assignment[reader.variable] !=
        assignment[values[reader.value].variable])
      isCast[reader.value] = true;
  for (size_t i = 0; i < values.size(); ++i)
    if (isCast[i]) {
      ++cost.casts;
      cost.cast += kCastBytes * values[i].elements;
    }
  return cost;
}

//===----------------------------------------------------------------------===//
// Neighbours
//===----------------------------------------------------------------------===//

llvm::ArrayRef<Index> PrecisionGraph::getProducers(Index op) const {
  return producers.get(op);
}

llvm::ArrayRef<Index> PrecisionGraph::getUsers(Index op) const {
  return users.get(op);
}

void PrecisionGraph::indexNeighbours() {
  constexpr Index none = ~0u;
  std::vector<Index> makers(values.size(), none);
  for (Index op = 0; op < ops.size(); ++op)
    for (Index value : resultValues.get(op))
      makers[value] = op;
  producers = users = {{0}, {}};
  std::vector<Index> numUsers(ops.size() + 1);
  for (Index op = 0; op < ops.size(); ++op) {
    for (Index value : operandValues.get(op))
      if (makers[value] != none) {
        producers.list.push_back(makers[value]);
        ++numUsers[makers[value]];
      }
    producers.first.push_back(producers.list.size());
  }
  for (Index op = 0; op < ops.size(); ++op)
    users.first.push_back(users.first.back() + numUsers[op]);
  users.list.resize(producers.list.size());
  std::vector<Index> next(users.first.begin(), users.first.end() - 1);
  for (Index op = 0; op < ops.size(); ++op)
    for (Index producer : getProducers(op))
      users.list[next[producer]++] = op;
}

//===----------------------------------------------------------------------===//
// The cheapest assignment
//===----------------------------------------------------------------------===//

/// The source is narrow, the sink wide. A value that is read at both widths is
/// cast once for all its readers of the other width; a node of its own for each
/// direction makes the cut pay once (the auxiliary nodes of Kohli, Ladicky and
/// Torr 2009 for "one pays for all").
PrecisionGraph::Assignment PrecisionGraph::cutMinimally() const {
  // Several readers of one kind are one reader.
  std::vector<Index> firstReader(values.size() + 1), sorted(readers.size());
  for (const Reader &reader : readers)
    ++firstReader[reader.value + 1];
  for (size_t i = 0; i < values.size(); ++i)
    firstReader[i + 1] += firstReader[i];
  std::vector<Index> next(firstReader.begin(), firstReader.end() - 1);
  for (const Reader &reader : readers)
    sorted[next[reader.value]++] = reader.variable;

  // Nodes 0 .. variables, then two for each value with several readers.
  Index numNodes = variables.size();
  for (size_t i = 0; i < values.size(); ++i)
    if (firstReader[i + 1] - firstReader[i] > 1)
      numNodes += 2;
  MinimumCut cut(numNodes);
  // More than all that could be paid.
  int64_t everything = 1;
  for (const Variable &variable : variables)
    everything += variable.wideCost + variable.narrowCost;
  for (const Value &value : values)
    everything += 2 * kCastBytes * value.elements;
  cut.addSink(kWide, everything);
  cut.addSource(kNarrow, everything);
  for (Index i = kNarrow + 1; i < variables.size(); ++i) {
    cut.addSource(i, variables[i].wideCost);
    cut.addSink(i, variables[i].narrowCost);
  }

  Index helper = variables.size();
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t price = kCastBytes * values[i].elements;
    Index variable = values[i].variable;
    llvm::ArrayRef<Index> reading = llvm::ArrayRef<Index>(sorted).slice(
        firstReader[i], firstReader[i + 1] - firstReader[i]);
    Index widened = variable, narrowed = variable;
    if (reading.size() > 1) {
      widened = helper++;
      narrowed = helper++;
      cut.addEdge(variable, widened, price);
      cut.addEdge(narrowed, variable, price);
    }
    for (Index reader : reading) {
      if (reader == variable)
        continue;
      cut.addEdge(widened, reader, price);
      cut.addEdge(reader, narrowed, price);
    }
  }
  const std::vector<bool> &isNarrow = cut.solve();
  Assignment assignment(variables.size());
  for (size_t i = 0; i < variables.size(); ++i)
    assignment[i] = isNarrow[i] ? Width::Narrow : Width::Wide;
  return assignment;
}
