//===- MinimumCut.cpp - The cheapest cut between a source and a sink
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Two steps, both exact. First, nodes whose own cost outweighs all their edges
// are decided, which weakens the edges of their neighbours, and so on until
// nothing follows any more. Then each connected part of what is left is solved
// by Dinic's algorithm (Dinic 1970). Precision graphs decide most of their
// nodes in the first step, and their parts have short paths, so that the whole
// is near linear.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/MinimumCut.h"

#include <algorithm>
#include <limits>

using namespace vernier::amp;

/// Index edge numbers by one of their ends: a counting sort.
template <typename GetEnd>
static void indexBy(size_t numEdges, std::vector<uint32_t> &first,
                    std::vector<uint32_t> &sorted, GetEnd getEnd) {
  for (size_t edge = 0; edge < numEdges; ++edge)
    ++first[getEnd(edge) + 1];
  for (size_t node = 1; node < first.size(); ++node)
    first[node] += first[node - 1];
  sorted.resize(numEdges);
  std::vector<uint32_t> next(first.begin(), first.end() - 1);
  for (size_t edge = 0; edge < numEdges; ++edge)
    sorted[next[getEnd(edge)]++] = edge;
}

void MinimumCut::indexEdges() {
  firstOut.assign(source.size() + 1, 0);
  firstIn.assign(source.size() + 1, 0);
  indexBy(edges.size(), firstOut, outgoing,
          [&](size_t edge) { return edges[edge].from; });
  indexBy(edges.size(), firstIn, incoming,
          [&](size_t edge) { return edges[edge].to; });
}

//===----------------------------------------------------------------------===//
// Nodes that decide themselves
//===----------------------------------------------------------------------===//

void MinimumCut::queue(uint32_t node) {
  if (states[node] != State::Open || isQueued[node])
    return;
  isQueued[node] = true;
  worklist.push_back(node);
}

/// Put `node` on a side; its edges become costs of its neighbours' own.
void MinimumCut::decide(uint32_t node, State state) {
  states[node] = state;
  whenDecided[node] = numDecided++;
  visitCount += getDegree(node);
  for (uint32_t i = firstOut[node]; i < firstOut[node + 1]; ++i) {
    const Edge &edge = edges[outgoing[i]];
    if (state == State::Source && states[edge.to] == State::Open)
      source[edge.to] += edge.capacity;
    queue(edge.to);
  }
  for (uint32_t i = firstIn[node]; i < firstIn[node + 1]; ++i) {
    const Edge &edge = edges[incoming[i]];
    if (state == State::Sink && states[edge.from] == State::Open)
      sink[edge.from] += edge.capacity;
    queue(edge.from);
  }
}

void MinimumCut::visit(uint32_t node) {
  int64_t out = 0, in = 0, own = source[node] - sink[node];
  visitCount += getDegree(node);
  for (uint32_t i = firstOut[node]; i < firstOut[node + 1]; ++i)
    if (states[edges[outgoing[i]].to] == State::Open)
      out += edges[outgoing[i]].capacity;
  for (uint32_t i = firstIn[node]; i < firstIn[node + 1]; ++i)
    if (states[edges[incoming[i]].from] == State::Open)
      in += edges[incoming[i]].capacity;
  if (own > out)
    return decide(node, State::Source);
  if (-own >= in)
    return decide(node, State::Sink);
  // Nothing is paid for it on the side of those before it.
  if (own == 0 && out == 0) {
    deadEnds.push_back(node);
    decide(node, State::DeadEnd);
  }
}

void MinimumCut::reduce() {
  states.assign(source.size(), State::Open);
  isQueued.assign(source.size(), false);
  whenDecided.assign(source.size(), std::numeric_limits<uint32_t>::max());
  for (uint32_t node = 0; node < source.size(); ++node)
    queue(node);
  for (size_t next = 0; next < worklist.size(); ++next) {
    uint32_t node = worklist[next];
    isQueued[node] = false;
    if (states[node] == State::Open)
      visit(node);
  }
}

/// A dead end joins the nodes before it, those that were open when it became
/// one; what the others pay is in its own cost, which was even.
void MinimumCut::decideDeadEnds() {
  for (size_t i = deadEnds.size(); i-- > 0;) {
    uint32_t node = deadEnds[i];
    for (uint32_t e = firstIn[node]; e < firstIn[node + 1]; ++e) {
      const Edge &edge = edges[incoming[e]];
      if (edge.capacity > 0 && whenDecided[edge.from] > whenDecided[node] &&
          isOnSourceSide[edge.from])
        isOnSourceSide[node] = true;
    }
  }
}

//===----------------------------------------------------------------------===//
// The flow through what is left
//===----------------------------------------------------------------------===//

class MinimumCut::Component {
public:
  Component(MinimumCut &cut, const std::vector<uint32_t> &nodes);
  void solve();

private:
  struct Arc {
    uint32_t to, reverse;
    int64_t residual;
  };
  static constexpr uint32_t kUnreached = ~0u;

  /// Distances from the nodes with a supply; whether a demand is reached.
  bool findLevels();
  /// Send along one shortest path from `start`; whether there was one.
  bool augment(uint32_t start);
  void send(uint32_t start, uint32_t end);

  MinimumCut &cut;
  const std::vector<uint32_t> &nodes;
  /// What the source can still send to a node (> 0), or a node to the sink (<
  /// 0).
  std::vector<int64_t> excess;
  std::vector<Arc> arcs;
  std::vector<uint32_t> first, next, levels;
  /// The arcs of the path that augment() is on.
  std::vector<uint32_t> path;
};

MinimumCut::Component::Component(MinimumCut &cut,
                                 const std::vector<uint32_t> &nodes)
    : cut(cut), nodes(nodes), excess(nodes.size()), first(nodes.size() + 1) {
  auto isInside = [&](const Edge &edge) {
    return cut.states[edge.from] == State::Open &&
           cut.states[edge.to] == State::Open;
  };
  std::vector<uint32_t> inside;
  for (size_t place = 0; place < nodes.size(); ++place) {
    uint32_t node = nodes[place];
    excess[place] = cut.source[node] - cut.sink[node];
    for (uint32_t i = cut.firstOut[node]; i < cut.firstOut[node + 1]; ++i) {
      const Edge &edge = cut.edges[cut.outgoing[i]];
      if (!isInside(edge))
        continue;
      inside.push_back(cut.outgoing[i]);
      ++first[cut.places[edge.from] + 1];
      ++first[cut.places[edge.to] + 1];
    }
  }
  for (size_t place = 0; place < nodes.size(); ++place)
    first[place + 1] += first[place];
  arcs.resize(2 * inside.size());
  std::vector<uint32_t> end(first.begin(), first.end() - 1);
  for (uint32_t number : inside) {
    const Edge &edge = cut.edges[number];
    uint32_t from = cut.places[edge.from], to = cut.places[edge.to];
    uint32_t forward = end[from]++, backward = end[to]++;
    arcs[forward] = {to, backward, edge.capacity};
    arcs[backward] = {from, forward, 0};
  }
}

bool MinimumCut::Component::findLevels() {
  levels.assign(nodes.size(), kUnreached);
  std::vector<uint32_t> reached;
  for (uint32_t node = 0; node < nodes.size(); ++node)
    if (excess[node] > 0) {
      levels[node] = 0;
      reached.push_back(node);
    }
  bool found = false;
  for (size_t i = 0; i < reached.size(); ++i) {
    uint32_t node = reached[i];
    found |= excess[node] < 0;
    cut.visitCount += first[node + 1] - first[node];
    for (uint32_t a = first[node]; a < first[node + 1]; ++a)
      if (arcs[a].residual > 0 && levels[arcs[a].to] == kUnreached) {
        levels[arcs[a].to] = levels[node] + 1;
        reached.push_back(arcs[a].to);
      }
  }
  return found;
}

void MinimumCut::Component::send(uint32_t start, uint32_t end) {
  int64_t amount = std::min(excess[start], -excess[end]);
  for (uint32_t a : path)
    amount = std::min(amount, arcs[a].residual);
  for (uint32_t a : path) {
    arcs[a].residual -= amount;
    arcs[arcs[a].reverse].residual += amount;
  }
  excess[start] -= amount;
  excess[end] += amount;
}

bool MinimumCut::Component::augment(uint32_t start) {
  path.clear();
  uint32_t node = start;
  while (excess[node] >= 0) {
    uint32_t &a = next[node];
    uint32_t begin = a;
    while (a < first[node + 1] &&
           !(arcs[a].residual > 0 && levels[arcs[a].to] == levels[node] + 1))
      ++a;
    cut.visitCount += a - begin + 1;
    if (a < first[node + 1]) {
      path.push_back(a);
      node = arcs[a].to;
      continue;
    }
    if (path.empty())
      return false;
    // A dead end of this phase: back, and on to the next arc.
    node = arcs[arcs[path.back()].reverse].to;
    path.pop_back();
    ++next[node];
  }
  send(start, node);
  return true;
}

void MinimumCut::Component::solve() {
  while (findLevels()) {
    next.assign(first.begin(), first.end() - 1);
    for (uint32_t node = 0; node < nodes.size(); ++node)
      while (excess[node] > 0 && levels[node] == 0 && augment(node))
        ;
  }
  // What the source still reaches pays least on its side; the rest goes to the
  // sink.
  for (size_t place = 0; place < nodes.size(); ++place)
    cut.isOnSourceSide[nodes[place]] = levels[place] != kUnreached;
}

/// The open nodes that hang together with `start`.
std::vector<uint32_t> MinimumCut::collectComponent(uint32_t start) {
  constexpr uint32_t unplaced = std::numeric_limits<uint32_t>::max();
  std::vector<uint32_t> nodes;
  auto add = [&](uint32_t node) {
    if (states[node] != State::Open || places[node] != unplaced)
      return;
    places[node] = nodes.size();
    nodes.push_back(node);
  };
  add(start);
  for (size_t i = 0; i < nodes.size(); ++i) {
    uint32_t node = nodes[i];
    for (uint32_t e = firstOut[node]; e < firstOut[node + 1]; ++e)
      add(edges[outgoing[e]].to);
    for (uint32_t e = firstIn[node]; e < firstIn[node + 1]; ++e)
      add(edges[incoming[e]].from);
  }
  return nodes;
}

const std::vector<bool> &MinimumCut::solve() {
  indexEdges();
  reduce();
  places.assign(source.size(), std::numeric_limits<uint32_t>::max());
  for (uint32_t node = 0; node < source.size(); ++node) {
    if (states[node] == State::Source)
      isOnSourceSide[node] = true;
    std::vector<uint32_t> nodes = collectComponent(node);
    if (!nodes.empty())
      Component(*this, nodes).solve();
  }
  decideDeadEnds();
  return isOnSourceSide;
}
