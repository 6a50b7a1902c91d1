//===- InitialWeights.cpp - Weights from a file of anyone
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A checkpoint continues a run; this starts one from weights that are there
// already. A file is read, its tensors are matched with the weights by name,
// their values are converted, and only then does the session change.
//
//===----------------------------------------------------------------------===//

#include "Runtime/Checkpoint.h"
#include "Runtime/File.h"
#include "Runtime/SessionUse.h"
#include "Runtime/WeightConversion.h"
#include "Runtime/WeightNames.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>

using namespace vernier;
using namespace vernier::runtime;

namespace {

/// A file in memory and the tensors in it.
struct WeightFile {
  std::string name; ///< in messages
  std::vector<uint8_t> bytes;
  std::vector<StoredTensor> tensors; ///< point to where the file was parsed
  std::string note;                  ///< of what was passed over to find it
};

/// A weight and what it becomes.
struct Match {
  const BoundState *state;
  const StoredTensor *tensor;
  ConvertedValues values;
};

/// Which tensors go where; nothing has been changed by it.
struct Matches {
  std::vector<Match> taken;
  std::vector<std::string> missing; ///< states that the file does not have
  std::vector<std::string> left;    ///< states that are to stay as they are
  std::vector<std::string> unused;  ///< tensors
};

} // namespace

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

static Status parse(const uint8_t *data, size_t size, WeightFile &file) {
  // Both are containers for pickles or arrays, and common.
  if (size >= 4 && std::memcmp(data, "PK\3\4", 4) == 0)
    return badFile("'", file.name,
                   "': a zip archive, as torch.save writes; expected a "
                   "safetensors file: write one with safetensors.torch."
                   "save_file(model.state_dict(), ...)");
  Status status = readSafetensors(data, size, file.tensors, StoredTypes::any);
  return status.ok() ? status
                     : badFile("'", file.name, "': ", status.getMessage());
}

static Status open(const std::string &path, WeightFile &file) {
  std::error_code error; // what is not there is none
  if (std::filesystem::is_directory(path, error)) {
    VERNIER_TRY(readCheckpointWeights(path, file.bytes, file.name, file.note));
  } else {
    file.name = path;
    VERNIER_TRY(readFile(path, file.bytes));
  }
  return parse(file.bytes.data(), file.bytes.size(), file);
}

//===----------------------------------------------------------------------===//
// Names and shapes
//===----------------------------------------------------------------------===//

/// "'a', 'b' and 3 more".
static std::string list(const std::vector<std::string> &names) {
  constexpr size_t shown = 8;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), shown); ++i)
    text += (i ? ", '" : "'") + names[i] + '\'';
  if (names.size() > shown)
    text += join(" and ", names.size() - shown, " more");
  return text;
}

/// What a tensor of another shape may be, and what to do.
static std::string explainShape(const Tensor &own, const StoredTensor &stored) {
  std::vector<int64_t> ours = own.getShape(), theirs = stored.shape;
  bool isReversed =
      std::equal(ours.rbegin(), ours.rend(), theirs.begin(), theirs.end());
  std::sort(ours.begin(), ours.end());
  std::sort(theirs.begin(), theirs.end());
  auto count = [](const std::vector<int64_t> &shape) {
    double elements = 1;
    for (int64_t extent : shape)
      elements *= static_cast<double>(extent);
    return elements;
  };
  if (isReversed && ours.size() == 2)
    return "it is transposed: write its transpose into the file";
  if (ours == theirs && ours.size() == 4)
    return "its dims are in another order: a convolution's weight has (out, "
           "height, width, in) here and (out, in, height, width) in PyTorch; "
           "write weight.permute(0, 2, 3, 1).contiguous()";
  if (ours == theirs)
    return "its dims are in another order: permute them before it is written";
  if (count(ours) == count(theirs))
    return "it has as many elements: reshape it before it is written";
  return join("to leave this weight as it starts, map it to nothing "
              "(--init-map ",
              own.getName(), "=)");
}

static Status matchTensor(const WeightFile &file, const BoundState &state,
                          const StoredTensor &stored, Match &match) {
  const Tensor &own = state.tensor;
  auto refuse = [&](const auto &...why) {
    return badFile("'", file.name, "': '", stored.name, "' is ",
                   describe(stored), ", '", own.getName(), "' of the plan is ",
                   describe(own.getDType(), own.getShape()), "; ", why...);
  };
  if (stored.shape != own.getShape())
    return refuse(explainShape(own, stored));
  match.state = &state;
  match.tensor = &stored;
  Status status =
      convertValues(stored, own.getDType(), state.startsInfinite, match.values);
  return status.ok() ? status : refuse(status.getMessage());
}

/// Weights that the file must have. An average that the optimizer keeps starts
/// with the first step if it is missing.
static bool isRequired(const vernier_session_t &session,
                       const BoundState &state) {
  return state.role != schema::Role::statistic ||
         isUsedForInference(session, state);
}

static Status matchAll(const vernier_session_t &session, const WeightFile &file,
                       WeightNames &names, Matches &matches) {
  std::map<std::string, const StoredTensor *> unused;
  for (const StoredTensor &tensor : file.tensors)
    unused[tensor.name] = &tensor;
  const std::map<std::string, const StoredTensor *> byName = unused;
  for (const BoundState &state : session.states) {
    if (!isForInference(state))
      continue;
    const std::string &own = state.tensor.getName();
    std::string name = names.translate(own);
    auto found = byName.find(name);
    if (name.empty())
      matches.left.push_back(own);
    else if (found == byName.end() && isRequired(session, state))
      matches.missing.push_back(own);
    if (name.empty() || found == byName.end())
      continue;
    unused.erase(name);
    VERNIER_TRY(
        matchTensor(file, state, *found->second, matches.taken.emplace_back()));
  }
  for (const auto &[name, tensor] : unused)
    matches.unused.push_back(name);
  return names.checkAllUsed();
}

/// A rule for names that would find one of the missing weights: "model.w" is
/// "w" behind what a wrapper put before it.
static std::string suggestRename(const Matches &matches) {
  for (const std::string &state : matches.missing)
    for (const std::string &tensor : matches.unused) {
      if (tensor.size() <= state.size())
        continue;
      size_t prefix = tensor.size() - state.size();
      if (tensor.compare(prefix, state.size(), state) == 0 &&
          tensor[prefix - 1] == '.')
        return join(" (perhaps --init-map '*=", tensor.substr(0, prefix),
                    "*')");
    }
  return "";
}

static Status checkMissing(const WeightFile &file, const Matches &matches,
                           bool isPartial) {
  if (matches.taken.empty())
    return badFile("'", file.name, "' has none of the plan's weights: it has ",
                   matches.unused.empty() ? "no tensor" : list(matches.unused),
                   "; name them by --init-map", suggestRename(matches));
  if (matches.missing.empty() || isPartial)
    return {};
  return badFile("'", file.name, "' has no ", list(matches.missing),
                 matches.unused.empty() ? ""
                                        : "; it has " + list(matches.unused) +
                                              ", which are not used",
                 "; name them by --init-map", suggestRename(matches),
                 ", or let them start as the model says with --init-partial");
}

//===----------------------------------------------------------------------===//
// What is said
//===----------------------------------------------------------------------===//

/// "2 tensors of f64 became f32: 31 values rounded once, 1 of them to zero".
static std::string describeConversions(const Matches &matches) {
  struct Total {
    uint64_t tensors = 0, rounded = 0, vanished = 0;
  };
  std::map<std::string, Total> totals;
  for (const Match &match : matches.taken) {
    if (match.values.bytes.empty())
      continue;
    StoredTensor type = *match.tensor;
    type.shape.clear();
    std::string from = describe(type);
    from.resize(from.size() - 2); // without "[]"
    Total &total =
        totals[from + " became " + nameOf(match.state->tensor.getDType())];
    ++total.tensors;
    total.rounded += match.values.rounded;
    total.vanished += match.values.vanished;
  }
  std::string text;
  for (const auto &[types, total] : totals) {
    text += join("\n  ", total.tensors,
                 total.tensors == 1 ? " tensor of " : " tensors of ", types);
    text += total.rounded ? join(": ", total.rounded, " values rounded once")
                          : ", every value as it was";
    if (total.vanished)
      text += join(", ", total.vanished, " of them to zero");
  }
  return text;
}

static std::string describeMatches(const WeightFile &file,
                                   const Matches &matches) {
  std::string text;
  std::vector<std::string> kept = matches.missing;
  kept.insert(kept.end(), matches.left.begin(), matches.left.end());
  if (!kept.empty())
    text += "\n  weights that stay as they are: " + list(kept);
  if (!matches.unused.empty())
    text += "\n  tensors that are not used: " + list(matches.unused);
  text += describeConversions(matches);
  if (text.empty())
    return file.note;
  return join(file.note, matches.taken.size(),
              matches.taken.size() == 1 ? " weight" : " weights", " of '",
              file.name, "'", text);
}

//===----------------------------------------------------------------------===//
// The session
//===----------------------------------------------------------------------===//

static Status loadWeights(vernier_session_t &session, const WeightFile &file,
                          const vernier_weights_options_t &options) {
  WeightNames names;
  for (size_t i = 0; i < options.rename_count; ++i)
    VERNIER_TRY(names.add(options.renames[i]));
  Matches matches;
  VERNIER_TRY(matchAll(session, file, names, matches));
  VERNIER_TRY(checkMissing(file, matches, options.partial != 0));
  std::string note = describeMatches(file, matches);
  session.keepOutputs();
  for (const Match &match : matches.taken)
    match.state->layout.write(match.values.bytes.empty()
                                  ? match.tensor->data
                                  : match.values.bytes.data(),
                              match.state->data);
  VERNIER_TRY(session.refresh());
  return {VERNIER_OK, std::move(note)};
}

static vernier_weights_options_t
getOptions(const vernier_weights_options_t *options) {
  return options ? *options : vernier_weights_options_t{};
}

vernier_status_t
vernier_session_load_weights(vernier_session_t *session, const char *path,
                             const vernier_weights_options_t *options) {
  return guarded([&]() -> Status {
    if (!session || !path || !*path)
      return invalidArgument("vernier_session_load_weights: ",
                             session ? "path" : "session", " is null or empty");
    SessionUse use(*session);
    VERNIER_TRY(use.start("vernier_session_load_weights", Access::change));
    WeightFile file;
    VERNIER_TRY(open(path, file));
    return loadWeights(*session, file, getOptions(options));
  });
}

vernier_status_t vernier_session_load_weights_memory(
    vernier_session_t *session, const void *data, size_t size, const char *name,
    const vernier_weights_options_t *options) {
  return guarded([&]() -> Status {
    if (!session || !data || !name)
      return invalidArgument(
          "vernier_session_load_weights_memory: an argument is null");
    SessionUse use(*session);
    VERNIER_TRY(
        use.start("vernier_session_load_weights_memory", Access::change));
    WeightFile file;
    file.name = name;
    VERNIER_TRY(parse(static_cast<const uint8_t *>(data), size, file));
    return loadWeights(*session, file, getOptions(options));
  });
}
