//===- FusionPlanner.cpp - Decides which ops share a kernel
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusionPlanner.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

/// A result is computed in at most this many fusions, so that plans stay linear
/// in the number of ops.
static constexpr size_t kMaxRecomputations = 8;
/// How far the cost of computing an operand again is followed.
static constexpr int kMaxCostDepth = 4;
/// Fusions are not merged beyond this many ops: their values must stay in
/// registers.
static constexpr size_t kMaxMergedOps = 256;
/// Nor do they grow beyond this many: LLVM's time for a kernel is quadratic in
/// its code, of which a function of math makes as much as several ops.
static constexpr size_t kMaxOps = 512, kOpsOfFunction = 8;
/// Merging looks at this many fusions before, and asks at most this many
/// readers.
static constexpr size_t kMaxCandidates = 4, kMaxReaders = 64;

int64_t vernier::train::getTensorBytes(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return 0;
  return type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
}

static bool isScalar(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() && type.getNumElements() == 1;
}

bool FusionPlanner::isCloned(Value value) {
  DenseElementsAttr attr;
  return matchPattern(value, m_Constant(&attr)) && attr.isSplat();
}

/// Whether a fusion can hold the op: a primitive on static tensors, its
/// operands of the result's shape unless the op says otherwise.
static bool isFusible(Operation *op) {
  auto fusible = dyn_cast<FusionOpInterface>(op);
  if (!fusible || op->getNumResults() != 1 ||
      op->hasTrait<OpTrait::ConstantLike>())
    return false;
  auto isStatic = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape();
  };
  if (!llvm::all_of(op->getOperandTypes(), isStatic) ||
      !llvm::all_of(op->getResultTypes(), isStatic))
    return false;
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return reducesTrailingDims(reduce) || reducesLeadingDims(reduce);
  if (fusible.getFusionKind() != FusionKind::Elementwise)
    return false;
  auto shape = cast<RankedTensorType>(op->getResult(0).getType()).getShape();
  return isa<BroadcastOp, OneHotOp>(op) ||
         llvm::all_of(op->getOperandTypes(), [&](Type type) {
           return cast<RankedTensorType>(type).getShape() == shape;
         });
}

/// Whether the op runs by itself and takes its time.
static bool isLibraryCall(Operation *op) {
  auto fusible = dyn_cast<FusionOpInterface>(op);
  return fusible && (fusible.getFusionKind() == FusionKind::Contraction ||
                     fusible.getFusionKind() == FusionKind::Call);
}

ArrayRef<FusionPlan *> FusionPlanner::run() {
  for (Operation &op : block) {
    OpState &state = states[&op];
    state.index = ops.size();
    state.fusible = isFusible(&op);
    ops.push_back(&op);
    libraryCalls.push_back(libraryCalls.empty() ? 0 : libraryCalls.back());
    libraryCalls.back() += isLibraryCall(&op);
  }
  for (Operation *op : llvm::reverse(ops))
    if (states[op].fusible && !op->use_empty())
      place(op);
  for (auto &plan : llvm::reverse(plans))
    order.push_back(plan.get());
  mergeAll();
  for (FusionPlan *plan : order)
    if (plan->space.schedule != FusionSchedule::Flat && plan->space.split == -1)
      plan->space.split = plan->space.shape.size() - 1;
  return order;
}

void FusionPlanner::eraseMembers() {
  for (Operation *op : llvm::reverse(ops))
    if (states[op].fusible)
      op->erase();
}

//===----------------------------------------------------------------------===//
// Placing one op
//===----------------------------------------------------------------------===//

/// How a result can be computed in `plan`, which has all of its `uses`.
static std::optional<FusionFit> fitUses(const FusionPlan &plan,
                                        ArrayRef<OpOperand *> uses) {
  std::optional<FusionFit> fit;
  for (OpOperand *use : uses) {
    ValueClass ownerClass = plan.members.find(use->getOwner())->second;
    if (fit && ownerClass == ValueClass::Full)
      ownerClass = fit->fullBecomes;
    std::optional<FusionFit> next =
        fitUse(fit ? fit->space : plan.space, ownerClass, *use);
    if (!next || (fit && next->valueClass != fit->valueClass))
      return std::nullopt;
    if (fit && fit->fullBecomes != ValueClass::Full)
      next->fullBecomes = fit->fullBecomes;
    fit = next;
  }
  return fit;
}

FusionPlanner::Readers FusionPlanner::collectReaders(Operation *op) {
  Readers readers;
  llvm::MapVector<FusionPlan *, SmallVector<OpOperand *, 2>> usesByPlan;
  for (OpOperand &use : op->getUses()) {
    // Dead ops are in no plan and read nothing.
    const OpState &state = states.find(use.getOwner())->second;
    if (!state.fusible) {
      readers.hasOutside = true;
      readers.firstPosition = std::min(readers.firstPosition, state.index);
    }
    for (FusionPlan *plan : state.plans)
      usesByPlan[plan].push_back(&use);
  }
  for (auto &[plan, uses] : usesByPlan) {
    Reader reader{plan, std::nullopt};
    if (plan->work < kMaxOps)
      reader.fit = fitUses(*plan, uses);
    if (reader.fit)
      reader.cost = getOperandCost(op, *plan, 0);
    readers.firstPosition = std::min(readers.firstPosition, plan->position);
    readers.plans.push_back(std::move(reader));
  }
  llvm::sort(readers.plans, [](const Reader &a, const Reader &b) {
    return a.plan->position < b.plan->position;
  });
  return readers;
}

void FusionPlanner::place(Operation *op) {
  Readers readers = collectReaders(op);
  if (readers.plans.empty() && !readers.hasOutside)
    return;
  OpState &state = states.find(op)->second;

  // The one reader computes the op: nothing is written.
  if (!readers.hasOutside && readers.plans.size() == 1 &&
      readers.plans.front().fit) {
    join(*readers.plans.front().plan, op, *readers.plans.front().fit);
    return;
  }

  // The first reader can write the result for the others.
  Reader *home = nullptr;
  if (!readers.plans.empty()) {
    Reader &first = readers.plans.front();
    if (first.fit && first.plan->position == readers.firstPosition &&
        first.fit->space.canStore(first.fit->valueClass))
      home = &first;
  }
  if (shouldRecompute(op, readers, home)) {
    for (Reader &reader : readers.plans)
      join(*reader.plan, op, *reader.fit);
    return;
  }
  if (home) {
    join(*home->plan, op, *home->fit);
    state.home = home->plan;
  } else {
    state.home = &start(op);
  }
  // Where its operands are at hand, computing it again costs less than reading.
  int64_t bytes = getTensorBytes(op->getResult(0));
  size_t budget = kMaxRecomputations;
  for (Reader &reader : readers.plans)
    if (&reader != home && reader.fit && isCheap(op) && reader.cost < bytes &&
        !isScalar(op->getResult(0)) && budget-- > 0)
      join(*reader.plan, op, *reader.fit);
}

bool FusionPlanner::shouldRecompute(Operation *op, const Readers &readers,
                                    const Reader *home) {
  Value result = op->getResult(0);
  bool joinsAll = llvm::all_of(
      readers.plans, [](const Reader &reader) { return bool(reader.fit); });
  if (readers.hasOutside || !joinsAll || !isCheap(op) || isScalar(result))
    return false;
  // What a broadcast reads is never more than what it makes.
  if (isa<BroadcastOp>(op))
    return true;
  if (readers.plans.size() > kMaxRecomputations)
    return false;
  int64_t bytes = getTensorBytes(result), recomputed = 0, written = bytes;
  for (const Reader &reader : readers.plans) {
    recomputed += reader.cost;
    written += &reader == home ? reader.cost : std::min(bytes, reader.cost);
  }
  if (!home)
    written += readers.plans.front().cost;
  return recomputed <= written;
}

/// The code that `op` makes, in elementary ops.
static size_t getWork(Operation *op) {
  return isa<math::MathDialect>(op->getDialect()) ? kOpsOfFunction : 1;
}

void FusionPlanner::join(FusionPlan &plan, Operation *op,
                         const FusionFit &fit) {
  plan.space = fit.space;
  if (fit.fullBecomes != ValueClass::Full)
    for (auto &[member, valueClass] : plan.members)
      if (valueClass == ValueClass::Full)
        valueClass = fit.fullBecomes;
  if (plan.members.insert({op, fit.valueClass}).second)
    plan.work += getWork(op);
  for (Value operand : op->getOperands())
    plan.operands.insert(operand);
  states.find(op)->second.plans.push_back(&plan);
}

FusionPlan &FusionPlanner::start(Operation *op) {
  plans.push_back(std::make_unique<FusionPlan>());
  FusionPlan &plan = *plans.back();
  plan.position = states.find(op)->second.index;
  join(plan, op, startSpace(op));
  return plan;
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

/// Bytes that `plan` moves to have `value`: none if it has it already; a value
/// that is not placed yet is computed again or written and read.
int64_t FusionPlanner::getCost(Value value, const FusionPlan &plan,
                               int depth) const {
  if (isScalar(value) || plan.operands.contains(value) || isCloned(value))
    return 0;
  int64_t bytes = getTensorBytes(value);
  Operation *op = value.getDefiningOp();
  auto state = op ? states.find(op) : states.end();
  if (state == states.end() || !state->second.fusible)
    return bytes;
  if (plan.contains(op))
    return 0;
  if (!isCheap(op) || depth == kMaxCostDepth)
    return 2 * bytes;
  return std::min(2 * bytes, getOperandCost(op, plan, depth + 1));
}

int64_t FusionPlanner::getOperandCost(Operation *op, const FusionPlan &plan,
                                      int depth) const {
  int64_t cost = 0;
  for (Value operand : op->getOperands())
    cost += getCost(operand, plan, depth);
  return cost;
}

//===----------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------===//

bool FusionPlanner::isReadOutside(Operation *op, const FusionPlan &plan) const {
  if (getHome(op) != &plan)
    return false;
  return llvm::any_of(op->getUsers(), [&](Operation *user) {
    auto state = states.find(user);
    if (state == states.end()) // A fusion that has been built.
      return false;
    return !state->second.fusible ||
           llvm::any_of(state->second.plans, [&](const FusionPlan *reader) {
             return !reader->contains(op);
           });
  });
}

/// Where a value is made; before everything for arguments.
int64_t FusionPlanner::getPosition(Value value) const {
  Operation *op = value.getDefiningOp();
  auto state = op ? states.find(op) : states.end();
  if (state == states.end())
    return -1;
  return state->second.home ? state->second.home->position
                            : state->second.index;
}

/// Whether all that `second` reads is made before `first`, or by it.
bool FusionPlanner::canMoveUp(const FusionPlan &second,
                              const FusionPlan &first) const {
  return llvm::all_of(second.operands, [&](Value value) {
    Operation *op = value.getDefiningOp();
    return (op && (second.contains(op) || first.contains(op))) ||
           isCloned(value) || getPosition(value) < first.position;
  });
}

/// Whether nothing between the two reads a result of `first`.
bool FusionPlanner::canMoveDown(const FusionPlan &first,
                                const FusionPlan &second) const {
  size_t readers = 0;
  for (auto &[op, valueClass] : first.members) {
    if (getHome(op) != &first)
      continue;
    for (Operation *user : op->getUsers()) {
      if (++readers > kMaxReaders)
        return false;
      const OpState &state = states.find(user)->second;
      if (!state.fusible && state.index < second.position)
        return false;
      for (const FusionPlan *reader : state.plans)
        if (reader != &first && reader != &second && !reader->contains(op) &&
            reader->position < second.position)
          return false;
    }
  }
  return true;
}

/// Whether what members of `reader` read of `producer` is, in a fusion of both,
/// what they take it for: a broadcast may repeat a value of each row along the
/// columns, which no point of the row's loop could look up.
static bool canReadMembers(FusionSpace &space, const FusionPlan &reader,
                           const FusionPlan &producer) {
  for (auto &[op, valueClass] : reader.members)
    for (OpOperand &use : op->getOpOperands()) {
      Operation *source = use.get().getDefiningOp();
      auto member = producer.members.find(source);
      if (member == producer.members.end() || reader.contains(source))
        continue;
      if (!readsClass(space, valueClass, use, member->second))
        return false;
    }
  return true;
}

/// Merge `second` into `first` if one kernel can run both.
bool FusionPlanner::tryMerge(FusionPlan &first, FusionPlan &second) {
  if (first.members.size() + second.members.size() > kMaxMergedOps ||
      first.work + second.work > kMaxOps)
    return false;
  // Moving a fusion past contractions would keep its inputs or results alive
  // for long: backward parts would move to the forward parts whose inputs they
  // share.
  if (libraryCalls[first.position] != libraryCalls[second.position] &&
      !first.space.isScalar())
    return false;
  std::optional<FusionSpace> space = joinSpaces(first.space, second.space);
  if (!space || !canReadMembers(*space, first, second) ||
      !canReadMembers(*space, second, first))
    return false;
  for (auto &[op, valueClass] : second.members) {
    auto other = first.members.find(op);
    if (other != first.members.end() && other->second != valueClass)
      return false;
  }
  if (!canMoveUp(second, first)) {
    if (!canMoveDown(first, second))
      return false;
    first.position = second.position;
  }
  first.space = *space;
  for (auto &[op, valueClass] : second.members) {
    OpState &state = states.find(op)->second;
    llvm::erase(state.plans, &second);
    if (first.members.insert({op, valueClass}).second) {
      state.plans.push_back(&first);
      first.work += getWork(op);
    }
    if (state.home == &second)
      state.home = &first;
  }
  first.operands.insert(second.operands.begin(), second.operands.end());
  second.members.clear();
  second.operands.clear();
  return true;
}

/// Merge fusions that read the same tensors, or one of which reads what the
/// other writes, and all scalar fusions that can be merged.
void FusionPlanner::mergeAll() {
  llvm::DenseMap<Value, SmallVector<FusionPlan *, kMaxCandidates>> users;
  SmallVector<FusionPlan *, kMaxCandidates> scalars;
  for (FusionPlan *plan : order) {
    SmallVector<FusionPlan *, 8> candidates;
    if (plan->space.isScalar())
      llvm::append_range(candidates, llvm::reverse(scalars));
    // In the order of the members, so that the result is the same every time.
    for (auto &[op, valueClass] : plan->members)
      for (Value operand : op->getOperands())
        if (!isScalar(operand) && !isCloned(operand))
          for (FusionPlan *user : llvm::reverse(users.lookup(operand)))
            if (user != plan && !llvm::is_contained(candidates, user))
              candidates.push_back(user);

    FusionPlan *merged = plan;
    for (FusionPlan *candidate : candidates) {
      if (candidate->members.empty() || !tryMerge(*candidate, *plan))
        continue;
      merged = candidate;
      break;
    }
    auto remember = [&](SmallVectorImpl<FusionPlan *> &list) {
      llvm::erase(list, merged);
      if (list.size() == kMaxCandidates)
        list.erase(list.begin());
      list.push_back(merged);
    };
    if (merged->space.isScalar())
      remember(scalars);
    for (auto &[op, valueClass] : merged->members) {
      for (Value operand : op->getOperands())
        if (!isScalar(operand) && !isCloned(operand))
          remember(users[operand]);
      if (!isScalar(op->getResult(0)) && getHome(op) == merged)
        remember(users[op->getResult(0)]);
    }
  }
  llvm::erase_if(order, [](FusionPlan *plan) { return plan->members.empty(); });
  llvm::stable_sort(order, [](FusionPlan *a, FusionPlan *b) {
    return a->position < b->position;
  });
}
