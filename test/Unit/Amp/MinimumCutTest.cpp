//===- MinimumCutTest.cpp - Cuts against all divisions of small graphs
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/MinimumCut.h"

#include "gtest/gtest.h"

#include <random>

using vernier::amp::MinimumCut;

namespace {

struct Edge {
  uint32_t from, to;
  int64_t capacity;
};

struct Graph {
  std::vector<int64_t> source, sink;
  std::vector<Edge> edges;

  explicit Graph(uint32_t numNodes) : source(numNodes), sink(numNodes) {}

  /// What a division costs, by the definition of a cut.
  template <typename IsOnSourceSide>
  int64_t getCost(IsOnSourceSide isOnSourceSide) const {
    int64_t cost = 0;
    for (size_t i = 0; i < source.size(); ++i)
      cost += isOnSourceSide(i) ? sink[i] : source[i];
    for (const Edge &edge : edges)
      if (isOnSourceSide(edge.from) && !isOnSourceSide(edge.to))
        cost += edge.capacity;
    return cost;
  }

  std::vector<bool> solve() const {
    MinimumCut cut(source.size());
    for (size_t i = 0; i < source.size(); ++i) {
      cut.addSource(i, source[i]);
      cut.addSink(i, sink[i]);
    }
    for (const Edge &edge : edges)
      cut.addEdge(edge.from, edge.to, edge.capacity);
    return cut.solve();
  }
};

Graph makeRandomGraph(std::mt19937 &random) {
  auto below = [&](uint32_t bound) { return uint32_t(random() % bound); };
  Graph graph(1 + below(9));
  uint32_t numNodes = graph.source.size();
  for (uint32_t i = 0; i < numNodes; ++i) {
    graph.source[i] = below(3) ? 0 : below(12);
    graph.sink[i] = below(3) ? 0 : below(12);
  }
  for (uint32_t i = below(3 * numNodes); i > 0; --i)
    graph.edges.push_back({below(numNodes), below(numNodes), below(8)});
  return graph;
}

} // namespace

// The cut costs no more than any of the 2^n divisions, and of the cheapest it
// is the one with the fewest nodes on the source's side.
TEST(MinimumCut, AgreesWithEveryDivision) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    Graph graph = makeRandomGraph(random);
    std::vector<bool> cut = graph.solve();
    int64_t best = std::numeric_limits<int64_t>::max();
    uint32_t smallest = 0;
    for (uint32_t side = 0; side < 1u << graph.source.size(); ++side) {
      auto has = [&](size_t node) { return side >> node & 1; };
      int64_t cost = graph.getCost(has);
      if (cost < best) {
        best = cost;
        smallest = side;
      } else if (cost == best) {
        smallest &= side;
      }
    }
    uint32_t found = 0;
    for (size_t i = 0; i < cut.size(); ++i)
      found |= uint32_t(cut[i]) << i;
    EXPECT_EQ(graph.getCost([&](size_t node) { return cut[node]; }), best);
    EXPECT_EQ(found, smallest) << "in round " << round;
  }
}

// A node without a reason to be anywhere goes to the sink.
TEST(MinimumCut, TiesGoToTheSink) {
  Graph graph(3);
  graph.source = {4, 0, 0};
  graph.sink = {0, 4, 0};
  graph.edges = {{0, 1, 4}};
  EXPECT_EQ(graph.solve(), std::vector<bool>({false, false, false}));
  graph.source[0] = 5;
  graph.sink[1] = 5;
  EXPECT_EQ(graph.solve(), std::vector<bool>({true, false, false}));
}

/// Looks at edges for a chain of `numNodes` ops that all gain a little, with a
/// given node of the other side now and then, and edges that skip ahead.
static uint64_t countVisits(uint32_t numNodes, uint32_t period) {
  std::mt19937 random(3);
  MinimumCut cut(numNodes);
  for (uint32_t i = 0; i < numNodes; ++i) {
    int64_t elements = 1 << random() % 8;
    cut.addSource(i, 4 * elements);
    if (i % period == 0)
      cut.addSink(i, int64_t(1) << 40);
    for (uint32_t step : {1u, uint32_t(2 + random() % 9)})
      if (i + step < numNodes) {
        cut.addEdge(i, i + step, 6 * elements);
        cut.addEdge(i + step, i, 6 * elements);
      }
  }
  cut.solve();
  return cut.getVisitCount();
}

// Ten times as many nodes are about ten times as much work; quadratic work
// would show as a hundred.
TEST(MinimumCut, IsNearLinear) {
  for (uint32_t period : {7u, 1000u, 1000000u}) {
    uint64_t few = countVisits(20000, period);
    uint64_t many = countVisits(200000, period);
    EXPECT_GT(few, 4 * 20000u) << "each edge is looked at";
    EXPECT_LT(many, 15 * few) << "with period " << period;
  }
}
