//===- KernelEmitter.cpp - Loop nests of the three schedules
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   rows:    for row in [begin, end):
//              for each level: for steps of the columns: accumulate; combine
//              lanes for steps of the columns: store
//   columns: for blocks of [begin, end):
//              for each level: for each row: accumulate
//              for each row: store
//   flat:    columns with one row: for blocks of [begin, end): store
//
// Blocks and steps have a fixed number of lanes; what is left of `cols` is one
// more body of fewer lanes, known at compile time because ranges begin at
// multiples of the grain.
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "vernier/Codegen/Kernel.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

/// A long sum is a tree: the steps of a chunk are added one after another, then
/// the sums of `kFanIn` chunks, then those of as many of these, and so on. The
/// error grows with chunk + fan-in * levels, the logarithm of the steps.
static constexpr int64_t kChunkSteps = 64;
static constexpr int64_t kFanIn = 16;

/// Partial results of one reduction that run through a loop side by side, so
/// that a step need not wait for the addition before it.
static constexpr int64_t kPartials = 2;

int64_t vernier::getBlockLanes(FusionSchedule schedule, int64_t vectorWidth) {
  // Two vectors of f32 make a full cache line of memory in 16 bits. A column
  // block reads little of each row: twice as much there.
  return vectorWidth * (schedule == FusionSchedule::Columns ? 4 : 2);
}

KernelEmitter::KernelEmitter(const FusionGraph &graph, FusionOp fusion,
                             int64_t blockLanes)
    : graph(graph), fusion(fusion), blockLanes(blockLanes),
      builder(fusion.getContext()), b(builder, fusion.getLoc()) {}

//===----------------------------------------------------------------------===//
// Loops and frames
//===----------------------------------------------------------------------===//

KernelEmitter::Values KernelEmitter::emitLoop(Value lower, Value upper,
                                              int64_t step, ValueRange inits,
                                              LoopBody body) {
  Value stepValue = b.constantInt(builder.getI64Type(), step);
  auto loop =
      scf::ForOp::create(builder, b.loc, lower, upper, stepValue, inits);
  OpBuilder::InsertionGuard guard(builder);
  // A loop that carries nothing has its terminator already.
  Block *block = loop.getBody();
  if (inits.empty())
    block->back().erase();
  builder.setInsertionPointToEnd(block);
  Values results = body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(builder, b.loc, results);
  return llvm::to_vector_of<Value>(loop.getResults());
}

/// From now on, values of `scope` are computed here.
void KernelEmitter::openFrame(Scope scope) {
  frames[size_t(scope)].point = builder.saveInsertionPoint();
  frames[size_t(scope)].values.clear();
}

/// Run `emitLoops`, which builds loops at the insertion point, such that values
/// of the outer scope that are asked for inside come ahead of them.
void KernelEmitter::withOuterBefore(llvm::function_ref<void()> emitLoops) {
  Frame &outer = frames[size_t(Scope::Outer)];
  OpBuilder::InsertPoint after = outer.point;
  builder.restoreInsertionPoint(after);
  // A place holder keeps the position ahead of the loops.
  Operation *marker =
      LLVM::PoisonOp::create(builder, b.loc, builder.getI1Type());
  outer.point = {marker->getBlock(), Block::iterator(marker)};
  emitLoops();
  outer.point = after;
  builder.restoreInsertionPoint(after);
  marker->erase();
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

static ReduceKind kindOf(FusionNode *reduce) {
  return cast<ReduceOp>(reduce->op).getKind();
}

Value KernelEmitter::identity(FusionNode *reduce, int64_t lanes) {
  Type type = getRegisterType(builder.getF32Type(), lanes);
  bool isMax = kindOf(reduce) == ReduceKind::Max;
  return b.constant(type, isMax ? -INFINITY : 0.0);
}

Value KernelEmitter::combine(FusionNode *reduce, Value a, Value value) {
  if (kindOf(reduce) != ReduceKind::Max)
    return b.add(a, value);
  // A NaN in `a` stays because it compares false; one in `value` is let in.
  Value greater = b.cmp(arith::CmpFPredicate::OGT, value, a);
  Value larger = b.select(greater, value, a);
  return b.select(b.isNan(value), value, larger);
}

/// `value` with lanes of the identity behind it.
Value KernelEmitter::pad(FusionNode *reduce, Value value, int64_t lanes) {
  int64_t given = getLanes(value);
  if (given == lanes)
    return value;
  if (given == 1)
    return b.make<LLVM::InsertElementOp>(identity(reduce, lanes), value,
                                         b.constantInt(b.i32(), 0));
  SmallVector<int32_t> mask;
  for (int64_t lane : llvm::seq<int64_t>(lanes))
    mask.push_back(std::min(lane, given));
  return b.shuffle(value, identity(reduce, given), mask);
}

/// All lanes in one scalar: the upper half joins the lower until one is left.
Value KernelEmitter::combineLanes(FusionNode *reduce, Value vector) {
  for (int64_t half = getLanes(vector) / 2; half >= 1; half /= 2) {
    auto lower = llvm::to_vector(llvm::seq<int32_t>(0, half));
    auto upper = llvm::to_vector(llvm::seq<int32_t>(half, 2 * half));
    vector = combine(reduce, b.shuffle(vector, vector, lower),
                     b.shuffle(vector, vector, upper));
  }
  return vector;
}

/// The value of the reduction given all its elements combined.
Value KernelEmitter::finish(FusionNode *reduce, Value value) {
  if (kindOf(reduce) == ReduceKind::Mean) {
    int64_t count =
        graph.schedule == FusionSchedule::Rows ? graph.cols : graph.rows;
    value = b.div(value, b.constant(value.getType(), double(count)));
  }
  return b.round(value, reduce->getElementType());
}

/// One loop, whose steps go to a few partial results in turn.
KernelEmitter::Values KernelEmitter::accumulateSteps(const Walk &walk,
                                                     Value lower, Value upper) {
  int64_t partials = std::min(walk.trips, kPartials);
  Values inits;
  for (FusionNode *reduce : walk.reduces)
    inits.append(partials, identity(reduce, walk.lanes));
  Values sums = emitLoop(
      lower, upper, walk.step, inits, [&](Value index, ValueRange args) {
        walk.setPoint(index);
        openFrame(Scope::Inner);
        // The oldest takes this step and becomes the youngest.
        Values next;
        for (auto [i, reduce] : llvm::enumerate(walk.reduces)) {
          ValueRange parts = args.slice(i * partials, partials);
          Value value = b.splat(evaluate(reduce->operands[0]), walk.lanes);
          next.append(parts.begin() + 1, parts.end());
          next.push_back(combine(reduce, parts.front(), value));
        }
        return next;
      });
  Values wholes;
  for (auto [i, reduce] : llvm::enumerate(walk.reduces)) {
    Value whole = sums[i * partials];
    for (int64_t part = 1; part < partials; ++part)
      whole = combine(reduce, whole, sums[i * partials + part]);
    wholes.push_back(whole);
  }
  return wholes;
}

/// At most `trips` steps from `lower` on: a chunk, or a loop over parts that
/// are chunks or such loops themselves. One loop and one addition a level: the
/// tree depends on `trips` alone.
KernelEmitter::Values KernelEmitter::accumulateRange(const Walk &walk,
                                                     Value lower, Value upper,
                                                     int64_t trips) {
  if (trips <= 2 * kChunkSteps)
    return accumulateSteps(walk, lower, upper);
  int64_t part = kChunkSteps;
  while (part * kFanIn < trips)
    part *= kFanIn;
  Values inits;
  for (FusionNode *reduce : walk.reduces)
    inits.push_back(identity(reduce, walk.lanes));
  return emitLoop(
      lower, upper, part * walk.step, inits, [&](Value begin, ValueRange sums) {
        Value end =
            b.make<arith::MinSIOp>(b.addInt(begin, part * walk.step), upper);
        Values wholes = accumulateRange(walk, begin, end, part), next;
        for (auto [reduce, sum, whole] : llvm::zip(walk.reduces, sums, wholes))
          next.push_back(combine(reduce, sum, whole));
        return next;
      });
}

/// All steps, in a loop at the insertion point.
KernelEmitter::Values KernelEmitter::accumulate(const Walk &walk) {
  Type i64 = builder.getI64Type();
  return accumulateRange(walk, b.constantInt(i64, 0),
                         b.constantInt(i64, walk.trips * walk.step),
                         walk.trips);
}

SmallVector<FusionNode *> KernelEmitter::reducesOfLevel(int64_t level) const {
  SmallVector<FusionNode *> found;
  for (FusionNode *reduce : graph.reduces)
    if (reduce->level == level + 1)
      found.push_back(reduce);
  return found;
}

//===----------------------------------------------------------------------===//
// rows
//===----------------------------------------------------------------------===//

/// One pass over the row for the reductions of one level.
void KernelEmitter::emitRowPass(ArrayRef<FusionNode *> reduces) {
  Type i64 = builder.getI64Type();
  int64_t trips = graph.cols / blockLanes, tail = graph.cols % blockLanes;
  Values wholes;
  withOuterBefore([&] {
    if (trips > 0) {
      lanes = blockLanes;
      tailStart = -1;
      wholes = accumulate({reduces, trips, blockLanes, blockLanes,
                           [&](Value index) { column = index; }});
    }
    if (tail > 0) {
      lanes = tail;
      tailStart = graph.cols - tail;
      column = b.constantInt(i64, tailStart);
      openFrame(Scope::Inner);
    }
    for (auto [i, reduce] : llvm::enumerate(reduces)) {
      int64_t width =
          trips > 0 ? blockLanes : int64_t(llvm::PowerOf2Ceil(tail));
      Value rest;
      if (tail > 0)
        rest = pad(reduce, b.splat(evaluate(reduce->operands[0]), tail), width);
      Value whole = trips == 0  ? rest
                    : tail == 0 ? wholes[i]
                                : combine(reduce, wholes[i], rest);
      Value value = finish(reduce, combineLanes(reduce, whole));
      frames[size_t(Scope::Outer)].values[reduce] = value;
    }
  });
}

void KernelEmitter::emitRow() {
  openFrame(Scope::Outer);
  for (int64_t level : llvm::seq<int64_t>(graph.levels))
    emitRowPass(reducesOfLevel(level));
  bool hasFull = llvm::any_of(graph.results, [](const FusionResult &result) {
    return result.scope == Scope::Inner;
  });
  Type i64 = builder.getI64Type();
  int64_t tail = graph.cols % blockLanes, main = graph.cols - tail;
  if (hasFull)
    withOuterBefore([&] {
      if (main > 0) {
        Value zero = b.constantInt(i64, 0), limit = b.constantInt(i64, main);
        emitLoop(zero, limit, blockLanes, {}, [&](Value index, ValueRange) {
          column = index;
          lanes = blockLanes;
          tailStart = -1;
          openFrame(Scope::Inner);
          storeResults(Scope::Inner);
          return Values();
        });
      }
      if (tail > 0) {
        lanes = tail;
        tailStart = main;
        column = b.constantInt(i64, main);
        openFrame(Scope::Inner);
        storeResults(Scope::Inner);
      }
    });
  storeZeros();
  column = Value();
  lanes = 1;
  storeResults(Scope::Outer);
}

void KernelEmitter::emitRows() {
  emitLoop(begin, end, 1, {}, [&](Value index, ValueRange) {
    row = index;
    emitRow();
    return Values();
  });
}

//===----------------------------------------------------------------------===//
// columns, flat
//===----------------------------------------------------------------------===//

/// One pass down the block for the reductions of one level.
void KernelEmitter::emitBlockPass(ArrayRef<FusionNode *> reduces) {
  withOuterBefore([&] {
    Values wholes = accumulate(
        {reduces, graph.rows, 1, lanes, [&](Value index) { row = index; }});
    for (auto [reduce, whole] : llvm::zip(reduces, wholes)) {
      // Columns that are all alike are summed in every lane.
      Value value = reduce->onCol ? whole : b.extract(whole, 0);
      frames[size_t(Scope::Outer)].values[reduce] = finish(reduce, value);
    }
  });
}

void KernelEmitter::emitBlock(Value at, int64_t blockWidth, int64_t tail) {
  column = at;
  lanes = blockWidth;
  tailStart = tail;
  openFrame(Scope::Outer);
  for (int64_t level : llvm::seq<int64_t>(graph.levels))
    emitBlockPass(reducesOfLevel(level));
  bool hasInner = llvm::any_of(graph.results, [](const FusionResult &result) {
    return result.scope == Scope::Inner;
  });
  Type i64 = builder.getI64Type();
  if (hasInner)
    withOuterBefore([&] {
      Value zero = b.constantInt(i64, 0),
            limit = b.constantInt(i64, graph.rows);
      emitLoop(zero, limit, 1, {}, [&](Value index, ValueRange) {
        row = index;
        openFrame(Scope::Inner);
        storeResults(Scope::Inner);
        return Values();
      });
    });
  row = Value();
  storeResults(Scope::Outer);
}

void KernelEmitter::emitBlocks() {
  Type i64 = builder.getI64Type();
  int64_t tail = graph.cols % blockLanes, main = graph.cols - tail;
  if (main > 0) {
    Value limit = end;
    if (tail > 0)
      limit = b.make<arith::MinSIOp>(end, b.constantInt(i64, main));
    emitLoop(begin, limit, blockLanes, {}, [&](Value index, ValueRange) {
      emitBlock(index, blockLanes, -1);
      return Values();
    });
  }
  if (tail == 0)
    return;
  // The range that holds the last columns does them.
  Value start = b.constantInt(i64, main);
  Value reaches = b.cmpInt(arith::CmpIPredicate::sgt, end, start);
  Value starts = b.cmpInt(arith::CmpIPredicate::sle, begin, start);
  Value isLast = b.make<arith::AndIOp>(reaches, starts);
  auto branch = scf::IfOp::create(builder, b.loc, isLast, /*withElse=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  emitBlock(b.constantInt(i64, main), tail, main);
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

LogicalResult KernelEmitter::emit(StringRef name, ModuleOp kernels) {
  MLIRContext *context = builder.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context),
       i64 = builder.getI64Type();
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context),
                                          {pointer, i64, i64});
  builder.setInsertionPointToEnd(kernels.getBody());
  auto function = LLVM::LLVMFuncOp::create(builder, b.loc, name, type);
  Block *entry = function.addEntryBlock(builder);
  begin = entry->getArgument(1);
  end = entry->getArgument(2);
  builder.setInsertionPointToEnd(entry);
  auto finalReturn = LLVM::ReturnOp::create(builder, b.loc, ValueRange());
  builder.setInsertionPoint(finalReturn);
  for (int64_t i :
       llvm::seq<int64_t>(fusion->getNumOperands() + fusion->getNumResults())) {
    Value slot = b.make<LLVM::GEPOp>(pointer, pointer, entry->getArgument(0),
                                     ArrayRef<LLVM::GEPArg>{int32_t(i)});
    pointers.push_back(b.make<LLVM::LoadOp>(pointer, slot));
  }
  Operation *marker =
      LLVM::PoisonOp::create(builder, b.loc, builder.getI1Type());
  frames[size_t(Scope::Kernel)].point = {entry, Block::iterator(marker)};

  if (graph.schedule == FusionSchedule::Rows)
    emitRows();
  else
    emitBlocks();

  // Results of one element belong to the range that begins the grid.
  row = column = Value();
  lanes = 1;
  bool hasSingle = llvm::any_of(graph.results, [](const FusionResult &result) {
    return result.scope == Scope::Kernel;
  });
  if (hasSingle) {
    Value first =
        b.cmpInt(arith::CmpIPredicate::eq, begin, b.constantInt(i64, 0));
    auto branch = scf::IfOp::create(builder, b.loc, first, /*withElse=*/false);
    builder.setInsertionPointToStart(branch.thenBlock());
    storeResults(Scope::Kernel);
  }
  marker->erase();
  return success();
}

/// Every value is computed before the first is stored: an output may be the
/// buffer of an input that another result reads at the same element.
void KernelEmitter::storeResults(Scope scope) {
  SmallVector<std::pair<unsigned, Value>> values;
  for (auto [i, result] : llvm::enumerate(graph.results))
    if (result.scope == scope)
      values.push_back({i, evaluate(result.node)});
  for (auto [i, value] : values) {
    const FusionResult &result = graph.results[i];
    bool hasLanes = !termsOf(result.place, /*rowTerms=*/false).empty();
    Type element = result.node->getElementType();
    b.store(hasLanes ? b.splat(value, lanes) : value,
            pointers[fusion->getNumOperands() + i],
            indexAt(result.place, row, column), element);
  }
}

/// Behind the row of each padded result.
void KernelEmitter::storeZeros() {
  for (auto [i, result] : llvm::enumerate(graph.results)) {
    if (result.zeros == 0)
      continue;
    Type element = result.node->getElementType();
    Value zeros = b.constant(getRegisterType(element, result.zeros), 0.0);
    // The row is contiguous. The place of column `cols` would not do: where
    // there is one column, places do not depend on it.
    Value first = b.constantInt(builder.getI64Type(), 0);
    b.store(zeros, pointers[fusion->getNumOperands() + i],
            b.addInt(indexAt(result.place, row, first), graph.cols), element);
  }
}

LogicalResult vernier::emitCpuKernel(FusionOp fusion, StringRef name,
                                     const TargetModel &target,
                                     ModuleOp kernels) {
  FailureOr<FusionGraph> graph = FusionGraph::build(fusion);
  if (failed(graph))
    return failure();
  int64_t lanes = getBlockLanes(fusion.getSchedule(), target.getVectorWidth());
  return KernelEmitter(*graph, fusion, lanes).emit(name, kernels);
}

KernelGrid vernier::getKernelGrid(FusionOp fusion, const TargetModel &target) {
  if (fusion.getSchedule() == FusionSchedule::Rows)
    return {int64_t(fusion.getRows()), 1};
  return {int64_t(fusion.getCols()),
          getBlockLanes(fusion.getSchedule(), target.getVectorWidth())};
}
