//===- Decider.h - The precision of one op after the other
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_DECIDER_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_DECIDER_H

#include "Constants.h"
#include "RangeHazards.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Policies/Policy.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/DenseMap.h"

#include <string>
#include <vector>

namespace vernier::amp {

/// An op and what the policy says about it.
struct Subject {
  PrecisionOpInterface op;
  Policy::Choice choice;
  /// Why the op keeps the types of the model, or nothing if it is decided.
  std::string reasonToKeep;
  /// Why 16 bits would be unsafe here (Hazards.h), or nothing.
  std::string hazard = "";
  /// The class before a hazard has changed it.
  PrecisionClass policyClass = choice.precisionClass;

  bool isDecided() const { return reasonToKeep.empty(); }
  /// Whether the hazard keeps it in f32.
  bool isKept() const { return choice.keepsUnsafe && !hazard.empty(); }
};

/// The ops of a function that may be decided, in order; constants are cast by
/// what reads them and are not among them.
std::vector<Subject> collectSubjects(mlir::FunctionOpInterface function,
                                     Policy &policy);

/// The types of one op, and why.
struct Decision {
  mlir::FloatType operand, accumulate, result;
  std::string reason;
};

/// "bf16", "f32", "tf32".
std::string getTypeName(mlir::Type type);
bool isNarrow(mlir::FloatType type);
/// Whether every result of `op` is a scalar: a loss, a norm or a mean, which in
/// 16 bits would save nothing and could overflow.
bool makesScalars(mlir::Operation *op);

/// An op that 16 bits may ruin the values of.
struct Unsafe {
  mlir::Operation *op;
  std::string reason;
};

/// Decides the ops of one function in order, as PyTorch does: each op by its
/// class and the types that its operands have got.
class Decider {
public:
  /// `ranges` is what is known of the values of the function, or null.
  Decider(mlir::MLIRContext *context, const RangeHazards *ranges)
      : f32(mlir::Float32Type::get(context)), ranges(ranges) {}

  /// Decide `subject`; `assigned` is what another strategy decided for an op
  /// whose class leaves a choice, or null.
  llvm::LogicalResult decide(const Subject &subject, const Decision *assigned);
  /// The type that has been decided for `value`.
  mlir::FloatType getType(mlir::Value value) const;
  /// What is computed in 16 bits all the same, as the policy asks.
  llvm::ArrayRef<Unsafe> getUnsafe() const { return unsafe; }

private:
  /// The type that readers of `value` are decided by: 16 bits, too, where it is
  /// kept in f32 for its own sake and can be rounded by who reads it.
  mlir::FloatType getTypeForReaders(mlir::Value value) const;
  mlir::FloatType getWidestForReaders(PrecisionOpInterface op) const;
  Decision decideLow(const Subject &subject) const;
  Decision decideFullInside(PrecisionOpInterface op) const;
  llvm::LogicalResult checkOperands(const Subject &subject) const;
  llvm::FailureOr<Decision> decideWidest(PrecisionOpInterface op) const;
  llvm::FailureOr<Decision> decideByClass(const Subject &subject,
                                          const Decision *assigned) const;
  void keepFullResults(const Subject &subject, Decision &decision) const;
  void keepConstants(const Subject &subject, Decision &decision);
  std::string getRangeHazard(mlir::ValueRange values, mlir::FloatType type);
  void keepRanges(const Subject &subject, Decision &decision);
  void keepRange(const Subject &subject, Decision &decision,
                 const std::string &reason, bool isOfResult);
  mlir::FloatType getRoundedType(const Subject &subject,
                                 const Decision &decision) const;
  void remember(const Subject &subject, const Decision &decision);

  mlir::FloatType f32;
  const RangeHazards *ranges;
  /// Results whose decided type differs from their type in the IR.
  llvm::DenseMap<mlir::Value, mlir::FloatType> decided;
  /// What f32 results are rounded to by who reads them.
  llvm::DenseMap<mlir::Value, mlir::FloatType> rounded;
  ConstantTracker constants;
  std::vector<Unsafe> unsafe;
  /// Values that are rounded all the same although their range forbids it; what
  /// is made of them follows from that.
  llvm::DenseSet<mlir::Value> ruined;
};

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_DECIDER_H
