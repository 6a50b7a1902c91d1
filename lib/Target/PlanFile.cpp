//===- PlanFile.cpp - Writes .vplan files
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The last stage mirrors the plan dialect one to one, so there is no logic here
// but the encoding: a FlatBuffer of vernier-c/plan.fbs behind the header of
// vernier-c/plan.h.
//
//===----------------------------------------------------------------------===//

#include "vernier/Target/PlanFile.h"

#include "vernier-c/plan.h"
#include "vernier-c/plan_generated.h"
#include "vernier/Dialect/Plan/IR/PlanDialect.h"
#include "vernier/Dialect/Train/IR/Identity.h"
#include "vernier/Runtime/CallTitle.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace mlir;
using namespace vernier;
namespace fb = flatbuffers;

/// FlatBuffers end at 2 GiB; kernels and descriptions need far less than the
/// rest of that.
static constexpr uint64_t kMaxDataBytes = (2048 - 64) * uint64_t(1 << 20);

static std::optional<schema::DType> convertDType(Type type) {
  return llvm::TypeSwitch<Type, std::optional<schema::DType>>(type)
      .Case([](Float32Type) { return schema::DType::f32; })
      .Case([](BFloat16Type) { return schema::DType::bf16; })
      .Case([](Float16Type) { return schema::DType::f16; })
      .Case([](IntegerType type) -> std::optional<schema::DType> {
        switch (type.getWidth()) {
        case 1:
          return schema::DType::i1;
        case 32:
          return schema::DType::i32;
        case 64:
          return schema::DType::i64;
        default:
          return std::nullopt;
        }
      })
      .Default([](Type) { return std::nullopt; });
}

static std::optional<schema::Role> convertRole(StringRef role) {
  return llvm::StringSwitch<std::optional<schema::Role>>(role)
      .Case(train::kParameterRole, schema::Role::parameter)
      .Case(train::kFrozenRole, schema::Role::frozen)
      .Case(train::kMomentRole, schema::Role::moment)
      .Case(train::kStatisticRole, schema::Role::statistic)
      .Case(train::kCounterRole, schema::Role::counter)
      .Case(train::kLossScaleRole, schema::Role::loss_scale)
      .Case(train::kCopyRole, schema::Role::copy)
      .Case(train::kAccumulatorRole, schema::Role::accumulator)
      .Default(std::nullopt);
}

static schema::GradientOf convertGradient(train::GradientOfAttr gradient) {
  if (!gradient)
    return schema::GradientOf::none;
  switch (gradient.getOperand()) {
  case train::GradientOperand::Lhs:
    return schema::GradientOf::lhs;
  case train::GradientOperand::Rhs:
    return schema::GradientOf::rhs;
  case train::GradientOperand::Bias:
    return schema::GradientOf::bias;
  }
  llvm_unreachable("a gradient of no operand");
}

namespace {

/// An op of the model that a call comes from; each text may be empty.
struct Source {
  std::string op;       ///< "train.linear", or "@w" for a state
  std::string identity; ///< "block#2/attn.q"
  std::string place;    ///< "file:line:col"
  train::GradientOfAttr gradient;

  bool operator==(const Source &other) const {
    return op == other.op && identity == other.identity &&
           place == other.place && gradient == other.gradient;
  }
  CallOrigin getOrigin() const {
    StringRef parameter = gradient && gradient.getParameter()
                              ? gradient.getParameter().getValue()
                              : "";
    return {op, identity, place, convertGradient(gradient), parameter};
  }
};

} // namespace

static void collectLocations(Location loc, SmallVectorImpl<Location> &all) {
  auto fused = dyn_cast<FusedLoc>(loc);
  if (!fused || fused.getMetadata()) {
    all.push_back(loc);
    return;
  }
  for (Location part : fused.getLocations())
    collectLocations(part, all);
}

/// What a call comes from. The first of them stands for it: an op of the model
/// rather than the cast of an argument, which is at the argument's place.
static SmallVector<Source> getSources(Operation *op) {
  SmallVector<Location> locations;
  collectLocations(op->getLoc(), locations);
  SmallVector<Source> sources;
  for (Location loc : locations) {
    Source source{train::getOpInModel(loc), train::getIdentity(loc),
                  train::getPlace(loc), train::getGradientOf(loc)};
    if (!llvm::is_contained(sources, source))
      sources.push_back(std::move(source));
  }
  if (sources.empty())
    sources.emplace_back();
  std::stable_partition(
      sources.begin(), sources.end(),
      [](const Source &source) { return !source.identity.empty(); });
  for (Source &source : sources)
    if (source.op.empty())
      source.op = source.place.empty() ? op->getName().getStringRef().str()
                                       : "argument";
  return sources;
}

namespace {

class PlanFileWriter {
public:
  PlanFileWriter(ModuleOp module, const TargetModel &target,
                 const PlanFileInfo &info)
      : module(module), symbols(module), target(target), info(info) {}

  FailureOr<std::vector<uint8_t>> write();

private:
  using States = std::vector<fb::Offset<schema::State>>;
  using Buffers = std::vector<fb::Offset<schema::Buffer>>;

  LogicalResult countData(Operation *op, plan::BufferType type);
  LogicalResult writeState(plan::StateOp state, States &states);
  FailureOr<fb::Offset<schema::Initializer>> writeInitializer(plan::StateOp op);
  FailureOr<fb::Offset<schema::Entry>> writeEntry(plan::EntryOp entry);
  LogicalResult writeBuffer(Operation &op, Buffers &buffers);
  /// What a call does, without its buffers.
  using Written = std::pair<schema::Operation, fb::Offset<void>>;
  Written writeOperation(Operation &op);
  FailureOr<fb::Offset<schema::Call>> writeCall(plan::PlanCallOpInterface call);
  fb::Offset<fb::Vector<uint32_t>> writeBuffers(ArrayRef<Value> buffers);
  fb::Offset<schema::Launch> writeLaunch(plan::LaunchOp launch);
  fb::Offset<schema::Matmul> writeMatmul(plan::MatmulOp matmul);
  fb::Offset<schema::Convolution> writeConvolution(plan::ConvolutionOp op);
  fb::Offset<schema::Pool> writePool(plan::PoolOp op);
  fb::Offset<fb::Vector<uint32_t>> extents(ArrayRef<int64_t> values);
  std::vector<uint8_t> addHeader() const;

  int64_t getStateOffset(StringRef name) {
    return symbols.lookup<plan::StateOp>(name).getOffset();
  }
  template <typename Range>
  fb::Offset<fb::Vector<int64_t>> shape(Range &&range) {
    return builder.CreateVector(
        std::vector<int64_t>(range.begin(), range.end()));
  }
  /// Raw little-endian elements, booleans as bytes.
  static std::vector<uint8_t> rawData(ElementsAttr elements);

  ModuleOp module;
  SymbolTable symbols;
  const TargetModel &target;
  const PlanFileInfo &info;
  fb::FlatBufferBuilder builder;
  std::vector<uint8_t> constants;
  uint64_t dataBytes = 0; ///< of constants and dense initial values
  llvm::DenseMap<Value, uint32_t> bufferIndices;
};

} // namespace

std::vector<uint8_t> PlanFileWriter::rawData(ElementsAttr elements) {
  std::vector<uint8_t> bytes;
  auto append = [&](APInt bits) {
    unsigned size = (bits.getBitWidth() + 7) / 8;
    uint64_t value = bits.getZExtValue();
    for (unsigned i = 0; i < size; ++i)
      bytes.push_back(uint8_t(value >> (8 * i)));
  };
  if (isa<FloatType>(elements.getElementType()))
    for (APFloat value : elements.getValues<APFloat>())
      append(value.bitcastToAPInt());
  else
    for (APInt value : elements.getValues<APInt>())
      append(value);
  return bytes;
}

FailureOr<fb::Offset<schema::Initializer>>
PlanFileWriter::writeInitializer(plan::StateOp state) {
  Attribute init = state.getInitAttr();
  auto kind = [&](schema::InitKind kind, double a = 0.0, double b = 0.0) {
    return schema::CreateInitializer(builder, kind, a, b);
  };
  if (!init)
    return kind(schema::InitKind::none);
  if (auto constant = dyn_cast<train::ConstantAttr>(init))
    return kind(schema::InitKind::constant, constant.getValue());
  if (auto normal = dyn_cast<train::NormalAttr>(init))
    return kind(schema::InitKind::normal, normal.getMean(), normal.getStddev());
  if (auto uniform = dyn_cast<train::UniformAttr>(init))
    return kind(schema::InitKind::uniform, uniform.getLow(), uniform.getHigh());
  if (auto kaiming = dyn_cast<train::KaimingAttr>(init))
    return kind(kaiming.getUniform() ? schema::InitKind::kaiming_uniform
                                     : schema::InitKind::kaiming_normal);
  if (auto xavier = dyn_cast<train::XavierAttr>(init))
    return kind(xavier.getUniform() ? schema::InitKind::xavier_uniform
                                    : schema::InitKind::xavier_normal);
  if (auto elements = dyn_cast<ElementsAttr>(init)) {
    if (elements.getElementType() !=
        cast<plan::BufferType>(state.getType()).getElementType())
      return state.emitError("initial value of '")
             << state.getSymName() << "' has element type "
             << elements.getElementType() << ", expected that of "
             << state.getType();
    if (failed(countData(state, cast<plan::BufferType>(state.getType()))))
      return failure();
    return schema::CreateInitializer(builder, schema::InitKind::dense, 0.0, 0.0,
                                     builder.CreateVector(rawData(elements)));
  }
  return state.emitError("initial value of '")
         << state.getSymName()
         << "' is neither dense nor an initialiser of the train dialect: "
         << init;
}

/// Before data are copied: too much would make a file that nobody can read.
LogicalResult PlanFileWriter::countData(Operation *op, plan::BufferType type) {
  dataBytes += static_cast<uint64_t>(type.getNumBytes());
  if (dataBytes <= kMaxDataBytes)
    return success();
  return op->emitError("constants and dense initial values take ")
         << dataBytes << " bytes up to here, a plan holds at most "
         << kMaxDataBytes << "; use a smaller batch, or an initialiser such as "
         << "#train.constant";
}

LogicalResult PlanFileWriter::writeState(plan::StateOp state, States &states) {
  auto type = cast<plan::BufferType>(state.getType());
  std::optional<schema::DType> dtype = convertDType(type.getElementType());
  std::optional<schema::Role> role = convertRole(state.getRole());
  if (!dtype || !role)
    return state.emitError("state '")
           << state.getSymName() << "' of role \"" << state.getRole()
           << "\" and type " << type << " cannot be stored in a plan";
  auto init = writeInitializer(state);
  if (failed(init))
    return failure();
  auto name = builder.CreateString(state.getSymName().str());
  auto copyOf = state.getCopyOf()
                    ? builder.CreateString(state.getCopyOf()->str())
                    : fb::Offset<fb::String>();
  auto inMemory = shape(type.getShape());
  auto logical = inMemory;
  if (std::optional<ArrayRef<int64_t>> real = state.getLogicalShape())
    logical = shape(*real);
  else
    inMemory = 0;
  fb::Offset<fb::Vector<fb::Offset<fb::String>>> labels;
  if (std::optional<ArrayAttr> names = state.getLabels()) {
    std::vector<fb::Offset<fb::String>> strings;
    for (StringAttr label : names->getAsRange<StringAttr>())
      strings.push_back(builder.CreateString(label.str()));
    labels = builder.CreateVector(strings);
  }
  states.push_back(schema::CreateState(builder, name, *role, *dtype, logical,
                                       *init, copyOf, state.getOffset(),
                                       inMemory, labels));
  return success();
}

LogicalResult PlanFileWriter::writeBuffer(Operation &op, Buffers &buffers) {
  Value value = op.getResult(0);
  auto type = cast<plan::BufferType>(value.getType());
  std::optional<schema::DType> dtype = convertDType(type.getElementType());
  if (!dtype)
    return op.emitError("buffer of type ")
           << type << " cannot be stored in a plan";
  schema::Memory memory = schema::Memory::arena;
  uint64_t offset = 0;
  if (auto alloc = dyn_cast<plan::AllocOp>(op)) {
    offset = alloc.getOffset();
  } else if (auto input = dyn_cast<plan::InputOp>(op)) {
    offset = input.getOffset();
  } else if (auto state = dyn_cast<plan::StateBufferOp>(op)) {
    memory = schema::Memory::state;
    offset = getStateOffset(state.getState());
  } else if (auto constant = dyn_cast<plan::ConstantOp>(op)) {
    memory = schema::Memory::constants;
    offset = constants.size();
    if (failed(countData(&op, type)))
      return failure();
    std::vector<uint8_t> data = rawData(constant.getValue());
    constants.insert(constants.end(), data.begin(), data.end());
    constants.resize(
        llvm::alignTo(constants.size(), target.getBufferAlignment()));
  } else {
    // A view: the memory of its source under its own shape.
    auto source = cast<plan::ViewOp>(op).getSource();
    auto *original =
        fb::GetTemporaryPointer(builder, buffers[bufferIndices.lookup(source)]);
    memory = original->memory();
    offset = original->offset();
  }
  bufferIndices[value] = buffers.size();
  auto extents = shape(type.getShape());
  buffers.push_back(
      schema::CreateBuffer(builder, memory, offset, *dtype, extents));
  return success();
}

fb::Offset<schema::Launch> PlanFileWriter::writeLaunch(plan::LaunchOp launch) {
  auto kernel = builder.CreateString(launch.getKernel().str());
  return schema::CreateLaunch(builder, kernel, launch.getGrid(),
                              launch.getGrain());
}

fb::Offset<schema::Matmul> PlanFileWriter::writeMatmul(plan::MatmulOp op) {
  return schema::CreateMatmul(builder, op.getBatch(), op.getM(), op.getN(),
                              op.getK(), op.getTransposeLhs(),
                              op.getTransposeRhs(), op.getSharedRhs(),
                              op.getLhsLd(), op.getRhsLd(), op.getResultLd(),
                              op.getTileM(), op.getTileN(), op.getRelu());
}

fb::Offset<fb::Vector<uint32_t>>
PlanFileWriter::extents(ArrayRef<int64_t> values) {
  return builder.CreateVector(
      std::vector<uint32_t>(values.begin(), values.end()));
}

fb::Offset<schema::Convolution>
PlanFileWriter::writeConvolution(plan::ConvolutionOp op) {
  auto kind = llvm::StringSwitch<schema::ConvolutionKind>(op.getKind())
                  .Case("image", schema::ConvolutionKind::image)
                  .Case("weight", schema::ConvolutionKind::weight)
                  .Default(schema::ConvolutionKind::output);
  auto strides = extents(op.getStrides()), padding = extents(op.getPadding()),
       dilation = extents(op.getDilation());
  return schema::CreateConvolution(builder, kind, strides, padding, dilation,
                                   op.getGroups(), op.getTile());
}

fb::Offset<schema::Pool> PlanFileWriter::writePool(plan::PoolOp op) {
  auto kind =
      op.getKind() == "max" ? schema::PoolKind::max : schema::PoolKind::average;
  auto window = extents(op.getWindow()), strides = extents(op.getStrides()),
       padding = extents(op.getPadding());
  return schema::CreatePool(builder, kind, op.getGradient(), window, strides,
                            padding);
}

PlanFileWriter::Written PlanFileWriter::writeOperation(Operation &op) {
  using schema::Operation;
  return llvm::TypeSwitch<mlir::Operation *, Written>(&op)
      .Case([&](plan::LaunchOp op) {
        return Written{Operation::Launch, writeLaunch(op).Union()};
      })
      .Case([&](plan::MatmulOp op) {
        return Written{Operation::Matmul, writeMatmul(op).Union()};
      })
      .Case([&](plan::TransposeOp op) {
        auto permutation = extents(op.getPermutation());
        auto table = schema::CreateTranspose(builder, permutation);
        return Written{Operation::Transpose, table.Union()};
      })
      .Case([&](plan::CopyOp op) {
        auto offset = shape(op.getOffset());
        auto table = schema::CreateCopy(builder, offset, op.getKeep());
        return Written{Operation::Copy, table.Union()};
      })
      .Case([&](plan::ConvolutionOp op) {
        return Written{Operation::Convolution, writeConvolution(op).Union()};
      })
      .Case([&](plan::PoolOp op) {
        return Written{Operation::Pool, writePool(op).Union()};
      })
      .Case([&](plan::GatherOp op) {
        auto table = schema::CreateGather(builder, op.getRows(), op.getAdd());
        return Written{Operation::Gather, table.Union()};
      })
      .Default([](mlir::Operation *) { return Written{Operation::NONE, {}}; });
}

fb::Offset<fb::Vector<uint32_t>>
PlanFileWriter::writeBuffers(ArrayRef<Value> buffers) {
  std::vector<uint32_t> indices;
  for (Value buffer : buffers)
    indices.push_back(bufferIndices.lookup(buffer));
  return builder.CreateVector(indices);
}

/// What a call does, to which buffers, and what it is called.
FailureOr<fb::Offset<schema::Call>>
PlanFileWriter::writeCall(plan::PlanCallOpInterface call) {
  auto [kind, operation] = writeOperation(*call);
  if (kind == schema::Operation::NONE)
    return call->emitOpError("cannot be stored in a plan");
  auto inputs = writeBuffers(call.getCallInputs());
  auto results = writeBuffers(call.getCallResults());
  SmallVector<Source> sources = getSources(call);
  CallOrigin origin = sources.front().getOrigin();
  auto name = builder.CreateSharedString(origin.op);
  auto location = builder.CreateSharedString(origin.place);
  auto identity = builder.CreateSharedString(origin.identity);
  auto parameter = origin.parameter.empty()
                       ? fb::Offset<fb::String>()
                       : builder.CreateSharedString(origin.parameter);
  std::vector<std::string> texts;
  for (const Source &source : sources)
    texts.push_back(makeCallTitle(source.getOrigin()));
  auto list = texts.size() > 1
                  ? builder.CreateVectorOfStrings(texts)
                  : fb::Offset<fb::Vector<fb::Offset<fb::String>>>();
  return schema::CreateCall(builder, kind, operation, inputs, results, name,
                            location, call->hasAttr("backward"), list, identity,
                            origin.gradient, parameter);
}

FailureOr<fb::Offset<schema::Entry>>
PlanFileWriter::writeEntry(plan::EntryOp entry) {
  Buffers buffers;
  std::vector<fb::Offset<schema::Port>> inputs, outputs;
  std::vector<fb::Offset<schema::Call>> calls;
  for (Operation &op : entry.getBody().front()) {
    if (op.getNumResults() == 1 && failed(writeBuffer(op, buffers)))
      return failure();
    if (auto input = dyn_cast<plan::InputOp>(op)) {
      auto name = builder.CreateString(input.getName().str());
      inputs.push_back(schema::CreatePort(
          builder, name, bufferIndices.lookup(input.getBuffer()),
          input.getClasses().value_or(0)));
    } else if (auto output = dyn_cast<plan::OutputOp>(op)) {
      auto name = builder.CreateString(output.getName().str());
      outputs.push_back(schema::CreatePort(
          builder, name, bufferIndices.lookup(output.getBuffer())));
    }
    auto call = dyn_cast<plan::PlanCallOpInterface>(op);
    if (!call)
      continue;
    auto written = writeCall(call);
    if (failed(written))
      return failure();
    calls.push_back(*written);
  }
  auto name = builder.CreateString(entry.getSymName().str());
  return schema::CreateEntry(builder, name, builder.CreateVector(inputs),
                             builder.CreateVector(outputs),
                             builder.CreateVector(buffers),
                             builder.CreateVector(calls), entry.getArenaBytes(),
                             entry.getSavedBytes());
}

FailureOr<std::vector<uint8_t>> PlanFileWriter::write() {
  States states;
  uint64_t stateBytes = 0;
  for (auto state : module.getOps<plan::StateOp>()) {
    if (failed(writeState(state, states)))
      return failure();
    uint64_t bytes = cast<plan::BufferType>(state.getType()).getNumBytes();
    stateBytes = std::max(stateBytes, state.getOffset() + bytes);
  }
  stateBytes = llvm::alignTo(stateBytes, target.getBufferAlignment());
  std::vector<fb::Offset<schema::Entry>> entries;
  for (auto entry : module.getOps<plan::EntryOp>()) {
    auto offset = writeEntry(entry);
    if (failed(offset))
      return failure();
    entries.push_back(*offset);
  }
  auto text = [&](StringRef value) {
    return builder.CreateString(value.str());
  };
  std::vector<fb::Offset<schema::Decision>> decisions;
  for (const PlanDecision &row : info.decisions)
    decisions.push_back(schema::CreateDecision(
        builder, text(row.function), text(row.op), text(row.location),
        text(row.operand), text(row.accumulate), text(row.result),
        text(row.rule), text(row.reason), row.flops, row.bytes, row.backward));
  std::vector<fb::Offset<schema::KeyValue>> options;
  for (const auto &[key, value] : info.options)
    options.push_back(schema::CreateKeyValue(builder, text(key), text(value)));

  auto producer = text("vernier-compile " VERNIER_VERSION);
  auto targetName = text(target.getName());
  auto features = builder.CreateVectorOfStrings(target.getRequiredFeatures());
  auto model = text(module.getSymName().value_or("model"));
  auto optionVector = builder.CreateVector(options);
  auto stateVector = builder.CreateVector(states);
  auto constantVector = builder.CreateVector(constants);
  auto entryVector = builder.CreateVector(entries);
  auto objectVector = builder.CreateVector(
      reinterpret_cast<const uint8_t *>(info.object.data()),
      info.object.size());
  auto decisionVector = builder.CreateVector(decisions);
  auto plan = schema::CreatePlan(
      builder, producer, targetName, features, model, optionVector, stateVector,
      stateBytes, constantVector, entryVector, objectVector, decisionVector,
      info.microBatches, info.scheduleSteps);
  schema::FinishPlanBuffer(builder, plan);
  return addHeader();
}

std::vector<uint8_t> PlanFileWriter::addHeader() const {
  vernier_plan_header_t header = {};
  std::memcpy(header.magic, VERNIER_PLAN_MAGIC, sizeof header.magic);
  header.version_major = VERNIER_PLAN_VERSION_MAJOR;
  header.version_minor = VERNIER_PLAN_VERSION_MINOR;
  header.header_size = sizeof header;
  header.payload_size = builder.GetSize();
  std::vector<uint8_t> file(sizeof header + builder.GetSize());
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(file.data() + sizeof header, builder.GetBufferPointer(),
              builder.GetSize());
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits(file.data(), file.size()));
  std::memcpy(file.data() + offsetof(vernier_plan_header_t, digest),
              digest.digest, sizeof header.digest);
  return file;
}

FailureOr<std::vector<uint8_t>>
vernier::writePlanFile(ModuleOp module, const TargetModel &target,
                       const PlanFileInfo &info) {
  return PlanFileWriter(module, target, info).write();
}
