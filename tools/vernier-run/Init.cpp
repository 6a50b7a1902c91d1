//===- Init.cpp - Weights to start from
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime reads safetensors files and checkpoints. An .npz, which it knows
// nothing of, becomes a safetensors file in memory.
//
//===----------------------------------------------------------------------===//

#include "Init.h"

#include "vernier/Runtime/Npz.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

using namespace vernier;
using namespace vernier::run;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

using Names = std::vector<std::pair<std::string, std::string>>;

/// "ours=theirs"; `where` is the flag, or a line of a file.
static void addName(const std::string &text, const std::string &where,
                    ExitCode code, Names &names) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw Failure(code,
                  fmt::format("{}: '{}' is no name: expected OURS=THEIRS, the "
                              "plan's name and the file's, or OURS= to leave "
                              "a weight as it starts",
                              where, text));
  names.emplace_back(text.substr(0, equals), text.substr(equals + 1));
}

/// A line for each name; empty lines and those that begin with # are skipped.
static void readNames(const std::string &path, Names &names) {
  std::error_code error;
  std::ifstream file;
  if (std::filesystem::is_regular_file(path, error))
    file.open(path);
  if (!file.is_open())
    throw Failure(BadFile, fmt::format("--init-map: cannot read '{}': expected "
                                       "OURS=THEIRS, or a file of such lines",
                                       path));
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (!line.empty() && line.back() == '\r')
      line.pop_back();
    if (!line.empty() && line.front() != '#')
      addName(line, fmt::format("{}:{}", path, number), BadFile, names);
  }
}

static Names getNames(const Options &options) {
  Names names;
  for (const std::string &map : options.initMap)
    if (map.find('=') == std::string::npos)
      readNames(map, names);
    else
      addName(map, "--init-map", Usage, names);
  return names;
}

//===----------------------------------------------------------------------===//
// An .npz
//===----------------------------------------------------------------------===//

static bool isArchive(const std::string &path) {
  std::error_code error;
  char start[4] = {};
  if (!std::filesystem::is_regular_file(path, error))
    return false;
  std::ifstream file(path, std::ios::binary);
  return file.read(start, 4) && std::string_view(start, 4) == "PK\3\4";
}

/// As safetensors spells it.
static const char *typeName(NpyType type) {
  switch (type) {
  case NpyType::Bool:
    return "BOOL";
  case NpyType::I8:
    return "I8";
  case NpyType::U8:
    return "U8";
  case NpyType::I16:
    return "I16";
  case NpyType::U16:
    return "U16";
  case NpyType::I32:
    return "I32";
  case NpyType::U32:
    return "U32";
  case NpyType::I64:
    return "I64";
  case NpyType::U64:
    return "U64";
  case NpyType::F16:
    return "F16";
  case NpyType::F32:
    return "F32";
  case NpyType::F64:
    return "F64";
  }
  return "";
}

/// A safetensors file of the arrays that can be read. What is wrong with one
/// matters if it is a weight: then it is missing, and this has said why.
static std::string toSafetensors(const NpzReader &reader, Terminal &terminal) {
  auto header = nlohmann::ordered_json::object();
  std::string data;
  for (const std::string &name : reader.names()) {
    try {
      NpyArray array = reader.read(name);
      header[name] = {
          {"dtype", typeName(array.type)},
          {"shape", array.shape},
          {"data_offsets", {data.size(), data.size() + array.data.size()}}};
      data.append(array.data.begin(), array.data.end());
    } catch (const NpzError &error) {
      if (error.code() != VERNIER_BAD_FILE)
        throw;
      terminal.warn(error.what());
    }
  }
  std::string text = header.dump(
      -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string file(8, '\0');
  for (int i = 0; i < 8; ++i)
    file[i] = static_cast<char>(uint64_t(text.size()) >> (8 * i));
  return file + text + data;
}

//===----------------------------------------------------------------------===//
// The session
//===----------------------------------------------------------------------===//

static vernier_status_t load(Session &session, const std::string &path,
                             const vernier_weights_options_t &options,
                             Terminal &terminal) {
  if (!isArchive(path))
    return vernier_session_load_weights(session.get(), path.c_str(), &options);
  NpzReader reader(path);
  // torch.save writes archives too, without arrays; the runtime says so.
  if (reader.names().empty())
    return vernier_session_load_weights(session.get(), path.c_str(), &options);
  std::string file = toSafetensors(reader, terminal);
  return vernier_session_load_weights_memory(
      session.get(), file.data(), file.size(), path.c_str(), &options);
}

void vernier::run::initWeights(Session &session, const Options &options,
                               Terminal &terminal) {
  Names names = getNames(options);
  std::vector<vernier_rename_t> renames;
  for (const auto &[state, tensor] : names)
    renames.push_back({state.c_str(), tensor.c_str()});
  vernier_weights_options_t loading = {renames.size(), renames.data(),
                                       options.initPartial};
  vernier_status_t status;
  try {
    status = load(session, options.init, loading, terminal);
  } catch (const NpzError &error) {
    throw Failure(static_cast<ExitCode>(error.code()), error.what());
  }
  // A path that does not exist, or of a pipe, is a bad file to the user, a rule
  // for names that fits nothing a wrong flag.
  std::error_code error;
  auto type = std::filesystem::status(options.init, error).type();
  if (status.code == VERNIER_INVALID_ARGUMENT &&
      type != std::filesystem::file_type::regular &&
      type != std::filesystem::file_type::directory)
    status.code = VERNIER_BAD_FILE;
  if (status.code != VERNIER_OK)
    throw Failure(static_cast<ExitCode>(status.code),
                  fmt::format("--init: {}", status.message));
  if (status.message)
    terminal.print(fmt::format("init  {}", status.message));
}
