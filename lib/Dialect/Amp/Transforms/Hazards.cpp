//===- Hazards.cpp - Where 16 bits may ruin a value
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Four rules. The first holds for both 16-bit types, the others for f16, whose
// range a square of 256 leaves:
//
//   exact   what depends on neither data nor parameters
//   region  what no contraction reads: the way from the last one to the loss
//   chain   sums, roots and quotients, what only they read, and what is
//           computed from them until a contraction reads it
//   source  a contraction that only such ops read: its sums are written in f32
//
// An activation, a value that a contraction reads, ends a chain: it is rounded
// for the contraction anyway, and so others may read it rounded.
//
//===----------------------------------------------------------------------===//

#include "Hazards.h"

#include "UnsafePatterns.h"

#include "vernier/Interfaces/ContractionOpInterface.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

namespace {

class HazardFinder {
public:
  HazardFinder(MutableArrayRef<Subject> subjects, Policy &policy)
      : subjects(subjects), policy(policy) {
    for (Subject &subject : subjects)
      subjectOf[subject.op] = &subject;
  }

  void run();

private:
  void findExact();
  void findRegion();
  void findSeeds();
  void findReaders();
  void findSources();
  /// Keep the op in f32 if the policy does so, for `reason`.
  void mark(Subject &subject, StringRef reason);

  bool isExact(Value value);
  /// Whether the class leaves the type of the results open.
  bool isOpen(const Subject &subject) const;
  /// Whether f32 can be asked for op by op: elementwise, or a reduction.
  bool isLink(const Subject &subject) const;
  bool isInF32(const Subject &subject) const;
  bool isNarrowContraction(const Subject &subject) const;
  bool isF16Contraction(const Subject &subject) const;
  bool isReadByContraction(Operation *op) const;
  bool isReadInF32Alone(Operation *op) const;
  bool readsChain(Operation *op) const;

  MutableArrayRef<Subject> subjects;
  Policy &policy;
  DenseMap<Operation *, Subject *> subjectOf;
  SymbolTableCollection symbols;
  /// Values that depend on neither data nor parameters.
  DenseSet<Value> exact;
};

} // namespace

void HazardFinder::mark(Subject &subject, StringRef reason) {
  subject.hazard = reason;
  if (!subject.choice.keepsUnsafe)
    return;
  bool writesF32 = subject.op.computesInFullPrecision() &&
                   !exact.contains(subject.op->getResult(0));
  if (writesF32)
    subject.choice.keepsFullResult = true;
  else
    subject.choice.precisionClass = PrecisionClass::Full;
  subject.choice.rule = policy.getUnsafeRule(subject.choice.precisionClass);
}

bool HazardFinder::isOpen(const Subject &subject) const {
  PrecisionOpInterface op = subject.op;
  return subject.isDecided() && subject.policyClass != PrecisionClass::Low &&
         subject.policyClass != PrecisionClass::Full &&
         !op.keepsFullPrecisionResult() && !op.getPrecisionResults().empty();
}

bool HazardFinder::isLink(const Subject &subject) const {
  PrecisionOpInterface op = subject.op;
  return isOpen(subject) && (!op.computesInFullPrecision() ||
                             isa<train::ReduceOp>(op.getOperation()));
}

bool HazardFinder::isInF32(const Subject &subject) const {
  return subject.isDecided() && (!subject.hazard.empty() ||
                                 subject.policyClass == PrecisionClass::Full);
}

bool HazardFinder::isNarrowContraction(const Subject &subject) const {
  PrecisionOpInterface op = subject.op;
  return subject.isDecided() && subject.policyClass == PrecisionClass::Low &&
         isNarrow(subject.choice.compute) &&
         isa<ContractionOpInterface>(op.getOperation());
}

bool HazardFinder::isF16Contraction(const Subject &subject) const {
  return isNarrowContraction(subject) && subject.choice.compute.isF16();
}

bool HazardFinder::isReadByContraction(Operation *op) const {
  return llvm::any_of(op->getUsers(), [&](Operation *user) {
    const Subject *reader = subjectOf.lookup(user);
    return reader && isNarrowContraction(*reader);
  });
}

/// Whether somebody reads `op`, and all who do compute in f32. Comparisons and
/// what takes a value out of the function, where it is f32, do not mind.
bool HazardFinder::isReadInF32Alone(Operation *op) const {
  bool isRead = false;
  for (Operation *user : op->getUsers()) {
    Subject *reader = subjectOf.lookup(user);
    if (!reader || !reader->isDecided() ||
        reader->op.getPrecisionResults().empty())
      continue;
    if (!isInF32(*reader) || isNarrowContraction(*reader))
      return false;
    isRead = true;
  }
  return isRead;
}

/// Whether an operand of `op` comes out of a chain.
bool HazardFinder::readsChain(Operation *op) const {
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    Operation *maker = operand.getDefiningOp();
    const Subject *subject = maker ? subjectOf.lookup(maker) : nullptr;
    return subject && isInF32(*subject) && !isNarrowContraction(*subject) &&
           !exact.contains(operand) && !isReadByContraction(maker);
  });
}

//===----------------------------------------------------------------------===//
// Ops that leave the range
//===----------------------------------------------------------------------===//

static bool isConstant(Value value) {
  return matchPattern(value, m_Constant());
}

/// Whether `op` brings its operands together such that a step before it may
/// leave the range of f16 although the result does not.
static bool isSeed(Operation *op) {
  if (auto reduce = dyn_cast<train::ReduceOp>(op))
    return reduce.getKind() != train::ReduceKind::Max;
  if (auto quotient = dyn_cast<arith::DivFOp>(op))
    return !isConstant(quotient.getRhs());
  return isa<math::SqrtOp, math::CbrtOp>(op);
}

/// Whether `value` is a product of two values that are no constants, or what an
/// epsilon, a factor or another term makes of one.
static bool isProduct(Value value, unsigned depth = 4) {
  Operation *op = value.getDefiningOp();
  if (!op || depth == 0)
    return false;
  if (auto product = dyn_cast<arith::MulFOp>(op))
    if (!isConstant(product.getLhs()) && !isConstant(product.getRhs()))
      return true;
  return isa<arith::MulFOp, arith::AddFOp, arith::SubFOp, arith::NegFOp>(op) &&
         llvm::any_of(op->getOperands(), [&](Value operand) {
           return isProduct(operand, depth - 1);
         });
}

/// Whether the result of `op` may be out of range where its operands are not;
/// what only moves or adds activations is not worth a warning.
static bool mayLeaveRange(Operation *op) {
  return isSeed(op) || (isa<arith::MulFOp>(op) && isProduct(op->getResult(0)));
}

/// Whether `value` is made into a root: of itself, or with an epsilon or
/// factor.
static bool isUnderRoot(Value value, unsigned depth = 3) {
  return depth && llvm::any_of(value.getUsers(), [&](Operation *user) {
           if (isa<math::SqrtOp, math::RsqrtOp>(user))
             return true;
           return isa<arith::AddFOp, arith::MulFOp, arith::DivFOp,
                      train::BroadcastOp>(user) &&
                  isUnderRoot(user->getResult(0), depth - 1);
         });
}

/// Whether `x` is y minus the mean of y.
static bool isCentred(Value x) {
  auto difference = x.getDefiningOp<arith::SubFOp>();
  Value mean = difference ? difference.getRhs() : Value();
  while (mean && mean.getDefiningOp<train::BroadcastOp>())
    mean = mean.getDefiningOp<train::BroadcastOp>().getInput();
  auto reduce =
      mean ? mean.getDefiningOp<train::ReduceOp>() : train::ReduceOp();
  return reduce && reduce.getInput() == difference.getLhs();
}

/// Whether `op` is the sum of squares that a norm divides by.
static bool isNormSum(Operation *op) {
  auto reduce = dyn_cast<train::ReduceOp>(op);
  return reduce && matchSquare(reduce.getInput()) &&
         isUnderRoot(reduce.getResult());
}

/// Why the sum, root or quotient `op` is kept in f32.
static StringRef getSeedReason(Operation *op) {
  if (isNormSum(op)) {
    auto reduce = cast<train::ReduceOp>(op);
    if (isCentred(matchSquare(reduce.getInput())))
      return "the variance of a layer, batch or instance norm written by hand";
    return reduce.getKind() == train::ReduceKind::Mean
               ? "the mean square of an RMS norm written by hand"
               : "the sum of squares of an L2 norm or a cosine similarity "
                 "written by hand";
  }
  if (isa<train::ReduceOp>(op))
    return "a sum outside a contraction";
  if (isa<arith::DivFOp>(op))
    return "a quotient: its divisor may leave the range of f16";
  return "a root: what is under it may leave the range of f16";
}

//===----------------------------------------------------------------------===//
// Exact values
//===----------------------------------------------------------------------===//

bool HazardFinder::isExact(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (auto load = dyn_cast<ml_program::GlobalLoadOp>(op)) {
    auto global = symbols.lookupNearestSymbolFrom<ml_program::GlobalOp>(
        op, load.getGlobalAttr());
    return global && !global.getIsMutable();
  }
  return exact.contains(value) || op->hasTrait<OpTrait::ConstantLike>() ||
         (op->getNumOperands() == 0 && isPure(op));
}

/// Positions, masks, tables: however long the arithmetic, it is done in f32 and
/// rounded once, where it meets what does depend on data or parameters. What
/// only repeats a constant is that constant, and cast as it is.
void HazardFinder::findExact() {
  ConstantTracker constants;
  for (Subject &subject : subjects) {
    Operation *op = subject.op;
    if (!isPure(op) || op->getNumOperands() == 0 ||
        !llvm::all_of(op->getOperands(), [&](Value v) { return isExact(v); }))
      continue;
    exact.insert_range(op->getResults());
    constants.track(subject);
    bool isOfConstant =
        op->getNumResults() == 1 && constants.get(op->getResult(0));
    if (subject.isDecided() && subject.policyClass != PrecisionClass::Full &&
        !subject.op.getPrecisionResults().empty() && !isOfConstant)
      mark(subject, "depends on neither data nor parameters");
  }
}

//===----------------------------------------------------------------------===//
// The region of the loss
//===----------------------------------------------------------------------===//

/// Nothing that is computed behind the last contraction is worth 16 bits: it is
/// used once, and the loss is made of it.
void HazardFinder::findRegion() {
  DenseSet<Operation *> feedsContraction;
  for (Subject &subject : llvm::reverse(subjects)) {
    bool feeds = llvm::any_of(subject.op->getUsers(), [&](Operation *user) {
      const Subject *reader = subjectOf.lookup(user);
      return feedsContraction.contains(user) ||
             (reader && isNarrowContraction(*reader));
    });
    if (feeds)
      feedsContraction.insert(subject.op);
  }
  for (Subject &subject : subjects)
    if (isOpen(subject) && subject.hazard.empty() &&
        !feedsContraction.contains(subject.op) &&
        (subject.choice.keepsUnsafe || mayLeaveRange(subject.op)))
      mark(subject, isNormSum(subject.op)
                        ? getSeedReason(subject.op)
                        : "between the last contraction and the loss");
}

//===----------------------------------------------------------------------===//
// Chains
//===----------------------------------------------------------------------===//

/// Whether `op` is a bounded function of a product: tanh(x + x^3), sin(w t).
static bool isFunctionOfProduct(Operation *op) {
  return isa<math::TanhOp, math::ErfOp, math::SinOp, math::CosOp, math::AtanOp,
             math::AsinhOp, train::SigmoidOp>(op) &&
         isProduct(op->getOperand(0));
}

/// The sums, roots and quotients, and what is computed from them.
void HazardFinder::findSeeds() {
  for (Subject &subject : subjects) {
    if (!isLink(subject) || !subject.hazard.empty())
      continue;
    if (isSeed(subject.op))
      mark(subject, getSeedReason(subject.op));
    else if (isFunctionOfProduct(subject.op))
      mark(subject, "a function of a product, which may leave the range of "
                    "f16 or lose its digits");
    else if (readsChain(subject.op))
      mark(subject, "computed from a sum, root or quotient in f32");
  }
}

/// What nobody but the ops of a chain reads.
void HazardFinder::findReaders() {
  for (Subject &subject : llvm::reverse(subjects))
    if (isLink(subject) && subject.hazard.empty() &&
        isReadInF32Alone(subject.op) && !isReadByContraction(subject.op))
      mark(subject, "read in f32 alone, by a sum, root or quotient");
}

/// The contractions that begin a chain. Which of them overflow is for the
/// analysis of ranges to say: this is no reason to warn.
void HazardFinder::findSources() {
  for (Subject &subject : subjects)
    if (isF16Contraction(subject) && subject.choice.keepsUnsafe &&
        subject.hazard.empty() && isReadInF32Alone(subject.op))
      mark(subject, "contraction, summed in f32, and read in f32 alone");
}

void HazardFinder::run() {
  findExact();
  // Where no contraction is in f16, nothing else is but what the model has so.
  if (llvm::none_of(subjects, [&](Subject &subject) {
        return isF16Contraction(subject);
      }))
    return;
  findRegion();
  findSeeds();
  findReaders();
  findSources();
}

void amp::findHazards(MutableArrayRef<Subject> subjects, Policy &policy) {
  HazardFinder(subjects, policy).run();
}
