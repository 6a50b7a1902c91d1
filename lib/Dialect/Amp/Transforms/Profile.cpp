//===- Profile.cpp - Reads profiles
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Profile.h"

#include "JsonLines.h"
#include "vernier/Dialect/Amp/Transforms/ProfileFile.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/Nesting.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

#include <limits>

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;
namespace json = llvm::json;

/// The version of docs/Profiles.md that this reads.
static constexpr int64_t kSchema = 2;

int64_t TensorProfile::getNumElements() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

std::optional<int64_t> TensorProfile::getMaxExponent() const {
  if (exponents.empty())
    return std::nullopt;
  return firstExponent + int64_t(exponents.size()) - 1;
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

namespace vernier::amp {

/// A value of `map` that is at least 0, as magnitudes and counts are, and at
/// most `limit`.
template <typename Number>
static bool mapCount(json::ObjectMapper &map, json::Path path,
                     llvm::StringLiteral key, Number &value,
                     Number limit = std::numeric_limits<Number>::max()) {
  if (!map.map(key, value))
    return false;
  if (value >= 0 && value <= limit)
    return true;
  path.field(key).report(
      limit == 1 ? llvm::StringLiteral("expected a fraction from 0 to 1")
                 : llvm::StringLiteral("expected a number of 0 or more"));
  return false;
}

static bool fromJSON(const json::Value &value, FormatLoss &loss,
                     json::Path path) {
  json::ObjectMapper map(value, path);
  return map && mapCount(map, path, "to_zero", loss.toZero, 1.0) &&
         mapCount(map, path, "overflow", loss.overflow, 1.0) &&
         mapCount(map, path, "relative_error", loss.relativeError);
}

namespace {
struct Exponents {
  int64_t first = 0;
  std::vector<int64_t> counts;
};

bool fromJSON(const json::Value &value, Exponents &exponents, json::Path path) {
  if (value.getAsNull()) // all elements are zero
    return true;
  json::ObjectMapper map(value, path);
  if (!map || !map.map("first", exponents.first) ||
      !map.map("counts", exponents.counts))
    return false;
  // From the subnormal numbers of f32, which count as one, to its largest.
  int64_t end = exponents.first + int64_t(exponents.counts.size());
  if (exponents.first < -127 || exponents.first > 127 || end > 128) {
    path.field("first").report("expected exponents of f32, from -127 to 127");
    return false;
  }
  if (llvm::all_of(exponents.counts, [](int64_t count) { return count >= 0; }))
    return true;
  path.field("counts").report("expected numbers of 0 or more");
  return false;
}
} // namespace

static bool fromJSON(const json::Value &value, TensorProfile &tensor,
                     json::Path path) {
  json::ObjectMapper map(value, path);
  int64_t infinities = 0, nans = 0;
  Exponents exponents;
  if (!map || !map.map("name", tensor.name) || !map.map("role", tensor.role) ||
      !map.map("dtype", tensor.dtype) || !map.map("shape", tensor.shape) ||
      !mapCount(map, path, "rms", tensor.rms) ||
      !mapCount(map, path, "max_magnitude", tensor.maxMagnitude) ||
      !mapCount(map, path, "inf", infinities) ||
      !mapCount(map, path, "nan", nans) || !map.map("exponents", exponents) ||
      !map.map("formats", tensor.formats))
    return false;
  tensor.notFinite = infinities + nans;
  tensor.firstExponent = exponents.first;
  tensor.exponents = std::move(exponents.counts);
  return true;
}

static bool fromJSON(const json::Value &value, ProductProfile &product,
                     json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("role", product.role) && map.map("op", product.op) &&
         map.map("identity", product.identity) && map.map("lhs", product.lhs) &&
         map.map("rhs", product.rhs) && map.map("result", product.result) &&
         mapCount(map, path, "terms_rms", product.termsRms) &&
         mapCount(map, path, "result_rms", product.resultRms);
}

namespace {
struct Model {
  std::string name;
  Profile::Shapes parameters, inputs;
};

bool fromJSON(const json::Value &value, Model &model, json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("name", model.name) &&
         map.map("parameters", model.parameters) &&
         map.map("inputs", model.inputs);
}
} // namespace

static llvm::Expected<Profile> parse(StringRef text) {
  if (unsigned line = findDeepNesting(text, Syntax::Json))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "line " + Twine(line) + ": " +
                                       describeDeepNesting(Syntax::Json));
  llvm::Expected<json::Value> value = json::parse(text);
  if (!value)
    return value.takeError();
  auto makeError = [](const Twine &message) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
  };
  const json::Object *object = value->getAsObject();
  if (!object || !object->get("schema") || !object->get("products"))
    return makeError("it is no profile: expected what vernier-run train "
                     "--profile-numerics writes");
  if (object->getInteger("schema") != kSchema)
    return makeError("it has another schema; this compiler reads schema " +
                     Twine(kSchema));
  Profile profile;
  Model model;
  std::optional<double> loss;
  json::Path::Root root("profile");
  json::ObjectMapper map(*value, root);
  if (!map.map("model", model) ||
      !mapCount(map, root, "sampled_steps", profile.sampledSteps) ||
      !map.map("mean_loss_magnitude", loss) ||
      !map.map("tensors", profile.tensors) ||
      !map.map("products", profile.products))
    return root.getError();
  for (auto [index, product] : llvm::enumerate(profile.products))
    for (int64_t tensor : {product.lhs, product.rhs, product.result})
      if (tensor < 0 || tensor >= int64_t(profile.tensors.size()))
        return makeError("product " + Twine(index) + " is of tensor " +
                         Twine(tensor) + ", but there are " +
                         Twine(profile.tensors.size()) +
                         " at profile.products[" + Twine(index) + "]");
  profile.model = model.name;
  profile.parameters = std::move(model.parameters);
  profile.inputs = std::move(model.inputs);
  profile.loss = loss.value_or(0);
  return profile;
}

} // namespace vernier::amp

FailureOr<Profile> Profile::load(StringRef path, MLIRContext *context) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  Location location = UnknownLoc::get(context);
  if (!buffer)
    return mlir::emitError(location) << "cannot read profile '" << path
                                     << "': " << buffer.getError().message();
  StringRef text = (*buffer)->getBuffer();
  llvm::Expected<Profile> profile = parse(text);
  if (!profile) {
    std::string message = llvm::toString(profile.takeError());
    location = FileLineColLoc::get(context, path, findJsonLine(text, message),
                                   /*column=*/1);
    return mlir::emitError(location)
           << "cannot read profile '" << path << "': " << message;
  }
  if (profile->sampledSteps == 0)
    return mlir::emitError(FileLineColLoc::get(context, path, 1, 1))
           << "profile '" << path
           << "' has no steps: train for more, or with --profile-every=1";
  return std::move(*profile);
}

LogicalResult vernier::amp::checkProfile(StringRef path, MLIRContext *context) {
  return Profile::load(path, context);
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

static std::vector<int64_t> getShape(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.getShape().vec() : std::vector<int64_t>();
}

static std::string describe(ArrayRef<int64_t> shape) {
  return "(" +
         llvm::join(
             llvm::map_range(
                 shape, [](int64_t extent) { return std::to_string(extent); }),
             ", ") +
         ")";
}

/// What the model's `what` differ in from the profile's, or nothing.
static std::string compare(StringRef what, const Profile::Shapes &ours,
                           const Profile::Shapes &theirs) {
  for (auto &[name, shape] : ours) {
    auto found = theirs.find(name);
    if (found == theirs.end())
      return ("there is no " + what + " '" + name + "' in it").str();
    if (found->second != shape)
      return (what + " '" + name + "' is " + describe(found->second) +
              " there and " + describe(shape) + " here")
          .str();
  }
  for (auto &[name, shape] : theirs)
    if (!ours.count(name))
      return ("it has a " + what + " '" + name + "', which this model has not")
          .str();
  return "";
}

LogicalResult Profile::checkModel(ModuleOp module) const {
  Shapes ourParameters, ourInputs;
  for (auto global : module.getOps<ml_program::GlobalOp>()) {
    auto role = global->getAttrOfType<StringAttr>(train::kRoleAttr);
    if (role && (role.getValue() == train::kParameterRole ||
                 role.getValue() == train::kFrozenRole))
      ourParameters[global.getSymName().str()] = getShape(global.getType());
  }
  if (auto loss = module.lookupSymbol<FunctionOpInterface>("loss"))
    for (unsigned i = 0; i < loss.getNumArguments(); ++i)
      if (auto name = loss.getArgAttrOfType<StringAttr>(i, train::kNameAttr))
        ourInputs[name.str()] = getShape(loss.getArgument(i).getType());
  for (const TensorProfile &tensor : tensors)
    if (tensor.dtype != "f32")
      return module.emitError("the profile has the ")
             << tensor.dtype << " tensor '" << tensor.name
             << "', which hides what rounding does; record one of a plan "
                "compiled with --policy=f32";
  std::string difference = compare("parameter", ourParameters, parameters);
  if (difference.empty())
    difference = compare("input", ourInputs, inputs);
  if (difference.empty())
    return success();
  return module.emitError("the profile is of another model, '")
         << model << "': " << difference
         << "; record one of this model with vernier-run train "
            "--profile-numerics";
}
