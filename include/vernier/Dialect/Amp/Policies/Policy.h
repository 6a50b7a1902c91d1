//===- Policy.h - Which precision each op gets, as data
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_AMP_POLICIES_POLICY_H
#define VERNIER_DIALECT_AMP_POLICIES_POLICY_H

#include "vernier/Interfaces/PrecisionOpInterface.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Regex.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace vernier::amp {

/// On the module, by --amp-assign-by-profile: the policy `auto`, as the text of
/// its file.
inline constexpr llvm::StringLiteral kPolicyAttr = "amp.policy";

/// How the ops that the classes leave open get their types.
enum class Strategy {
  Lists,     ///< One after the other, by their operands: PyTorch.
  Propagate, ///< By painting the graph from its contractions: TensorFlow.
  MinCut     ///< So that the fewest bytes are moved.
};

/// What a policy may refuse, as PyTorch's autocast does.
enum class Refusal {
  UnrepairedCrossEntropy, ///< Binary cross entropy that cannot be repaired.
  OtherHalf               ///< A widest op on the 16-bit type not computed in.
};

/// What becomes of an op that 16 bits may ruin the values of.
enum class UnsafeValues {
  F32, ///< It is computed in f32.
  Warn ///< It is computed as the lists say, with a warning.
};

/// "lists", "propagate", "min-cut".
llvm::StringRef stringifyStrategy(Strategy strategy);
std::optional<Strategy> symbolizeStrategy(llvm::StringRef name);

/// Which precision each op gets, as a policy file says: docs/Policies.md
/// describes the format.
class Policy {
public:
  /// What a policy says about the gradients of a contraction; what it leaves
  /// open is null and follows the op.
  struct Gradient {
    mlir::FloatType compute, result;
    std::string rule; ///< `vernier/weight_gradient`

    explicit operator bool() const { return compute || result; }
  };

  /// One line of the policy, as it applies to one op.
  struct Choice {
    PrecisionClass precisionClass;
    mlir::FloatType compute; ///< tf32 for f32 with rounded operands.
    llvm::StringRef rule;    ///< `vernier/train.linear: low`
    llvm::StringRef reason;  ///< The policy's own words, or empty.
    /// The op keeps the types of the model, like a region under
    /// autocast(enabled=False).
    bool isDisabled = false;
    /// The results stay f32 where the op can write f32 from 16 bits.
    bool keepsFullResult = false;
    /// What 16 bits may ruin is kept in f32; otherwise it is only warned of.
    bool keepsUnsafe = true;
    /// An override asks for the class or the compute type.
    bool isForced = false;
    /// The 16-bit type that a widest op must not meet, or null.
    mlir::FloatType refusedOperand;
    /// Of an operand that is no parameter, and of one that is; never null.
    const Gradient *inputGradient, *weightGradient;
  };

  /// Why `presetOrFile` is neither a preset nor a file that can be read, and
  /// what was expected; empty if it is one.
  static std::string getReadError(llvm::StringRef presetOrFile);

  /// Read a preset by name, or a file. Mistakes are reported at their line and
  /// column of the file.
  static llvm::FailureOr<Policy> load(llvm::StringRef presetOrFile,
                                      mlir::MLIRContext *context);

  /// The same for what --amp-autocast is to do with `module`: the policy `auto`
  /// is the one that --amp-assign-by-profile has put there.
  static llvm::FailureOr<Policy> load(llvm::StringRef presetOrFile,
                                      mlir::ModuleOp module);

  /// The names of the presets, sorted.
  static std::vector<llvm::StringRef> getPresetNames();

  /// The line that decides about `op`. Its texts live as long as the policy.
  Choice choose(PrecisionOpInterface op);

  /// A line that speaks about one op.
  struct Candidate {
    PrecisionClass precisionClass;
    mlir::FloatType compute;
    std::string rule;
  };

  /// Every line that speaks about `op`, the deciding one first; each would
  /// decide if those before it were not there. The last is the op's own class.
  std::vector<Candidate> getCandidates(PrecisionOpInterface op) const;

  bool refuses(Refusal what) const { return refusals.count(what) != 0; }
  llvm::StringRef getName() const { return name; }
  mlir::FloatType getComputeType() const { return compute; }
  Strategy getStrategy() const { return strategy.value_or(Strategy::Lists); }
  /// Whether what 16 bits may ruin is kept in f32, rather than warned of.
  bool keepsUnsafe() const {
    return unsafe.value_or(UnsafeValues::F32) == UnsafeValues::F32;
  }
  /// `vernier/unsafe: full`, which lives as long as the policy.
  llvm::StringRef getUnsafeRule(PrecisionClass precisionClass);
  /// To be called before the first choose(): classes may depend on it.
  void setComputeType(mlir::FloatType type) { compute = type; }

  /// An override of the file, not of its base, that has done nothing so far:
  /// most likely a slip of the pen.
  struct IdleOverride {
    mlir::Location place;
    std::string label, problem; ///< `mine/overrides[2]`, "matches no op"
  };
  std::vector<IdleOverride> getIdleOverrides() const;

private:
  friend class PolicyReader;

  /// A line of `ops` for one compute type.
  struct Listed {
    PrecisionClass precisionClass;
    std::string policy; ///< The policy whose file has the line.
    unsigned depth = 0; ///< 0 for the file itself, 1 for its base, ...
  };
  /// By compute type, the file's own line before that of its base.
  using Entry = std::map<std::string, std::vector<Listed>>;
  /// What overrides ask of an op beside its name, found when first needed.
  class Searched;
  struct Override {
    std::optional<llvm::Regex> op, location;
    /// As train::getIdentity says it.
    std::optional<std::string> identity;
    /// Names of attributes with patterns of their printed values.
    std::vector<std::pair<std::string, llvm::Regex>> attributes;
    bool isDisabled = false, keepsFullResult = false;
    std::optional<PrecisionClass> precisionClass;
    mlir::FloatType compute;
    Gradient inputGradient, weightGradient;
    std::string label, reason;
    std::optional<mlir::Location> place; ///< In the file; none in a preset.
    unsigned depth = 0; ///< As in Listed: lines of `ops` come before a base.
    /// What it has decided about so far.
    bool wasUsed = false, metContraction = false, metLow = false,
         metFullInside = false;
    /// The rule for each class that the override has led to.
    std::map<PrecisionClass, std::string> rules;

    bool hasCondition() const {
      return op || identity || location || !attributes.empty();
    }
    bool hasEffect() const {
      return precisionClass || compute || isDisabled || keepsFullResult ||
             asksForGradients();
    }
    bool asksForGradients() const { return inputGradient || weightGradient; }
    bool matches(Searched &candidate) const;
  };

  /// The lines of `ops` about ops of this name, in order.
  llvm::ArrayRef<Listed> getListed(llvm::StringRef opName) const;
  /// What the policy says about all ops of one name and class, before
  /// overrides that look further.
  struct ByName {
    PrecisionClass precisionClass;
    bool isDisabled;
    std::string rule;
    /// The overrides whose pattern of op names matches.
    std::vector<Override *> overrides;
  };
  mlir::FloatType getRefusedType() const;
  ByName look(mlir::OperationName opName, PrecisionClass ownClass);

  std::string name;
  mlir::FloatType compute;
  std::optional<Strategy> strategy;
  std::optional<UnsafeValues> unsafe;
  std::map<PrecisionClass, std::string> unsafeRules;
  Gradient inputGradient, weightGradient;
  std::set<Refusal> refusals;
  /// Ops in no list keep the types of the model.
  bool leavesRestUntouched = false;
  /// None: the class that the op asks for.
  std::optional<PrecisionClass> defaultClass;
  std::string defaultPolicy;
  llvm::StringMap<Entry> ops;
  std::vector<Override> overrides;
  /// A graph has few kinds of ops, and an op's own class depends on nothing but
  /// its attributes.
  std::map<std::pair<const void *, PrecisionClass>, ByName> cache;
};

/// The element type that a policy calls `name`: f32, tf32, bf16 or f16; null
/// for any other name.
mlir::FloatType symbolizeComputeType(llvm::StringRef name,
                                     mlir::MLIRContext *context);

} // namespace vernier::amp

#endif // VERNIER_DIALECT_AMP_POLICIES_POLICY_H
