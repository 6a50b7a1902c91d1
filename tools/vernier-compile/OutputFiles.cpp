//===- OutputFiles.cpp - Files written whole or not at all
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OutputFiles.h"

#include "Driver.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace vernier;

/// Write and flush, so that a full disk is known now.
static Error writeBytes(raw_fd_ostream &os, StringRef bytes) {
  os << bytes;
  os.flush();
  std::error_code code = os.error();
  // Unread errors abort the program when the stream is destroyed.
  os.clear_error();
  return errorCodeToError(code);
}

static Error writeThrough(const OutputFile &file) {
  if (file.path == "-")
    return writeBytes(outs(), file.bytes);
  std::error_code code;
  raw_fd_ostream os(file.path, code, sys::fs::CD_OpenExisting);
  return code ? errorCodeToError(code) : writeBytes(os, file.bytes);
}

static Expected<sys::fs::TempFile> writeBeside(const OutputFile &file) {
  if (sys::fs::is_directory(file.path))
    return errorCodeToError(std::make_error_code(std::errc::is_a_directory));
  Expected<sys::fs::TempFile> temp = sys::fs::TempFile::create(
      file.path + ".temp-%%%%%%", sys::fs::all_read | sys::fs::all_write);
  if (!temp)
    return temp.takeError();
  raw_fd_ostream os(temp->FD, /*shouldClose=*/false);
  if (Error error = writeBytes(os, file.bytes))
    return joinErrors(std::move(error), temp->discard());
  return temp;
}

/// Whether renaming another file to `path` would not reach what it names.
static bool isStream(StringRef path) {
  sys::fs::file_status status;
  return path == "-" ||
         (!sys::fs::status(path, status) && !sys::fs::is_regular_file(status) &&
          !sys::fs::is_directory(status));
}

static int fail(const OutputFile &file, Error error) {
  printError() << "cannot write "
               << (file.path == "-" ? "standard output" : "'" + file.path + "'")
               << ": " << toString(std::move(error))
               << "; check the folder and the space on the disk\n";
  return kExitResources;
}

int vernier::writeFiles(const std::vector<OutputFile> &files) {
  std::vector<std::pair<const OutputFile *, sys::fs::TempFile>> written;
  auto discardAll = [&] {
    for (auto &[file, temp] : written)
      consumeError(temp.discard());
  };
  for (const OutputFile &file : files) {
    if (isStream(file.path))
      continue;
    Expected<sys::fs::TempFile> temp = writeBeside(file);
    if (!temp) {
      discardAll();
      return fail(file, temp.takeError());
    }
    written.emplace_back(&file, std::move(*temp));
  }
  for (const OutputFile &file : files)
    if (isStream(file.path))
      if (Error error = writeThrough(file)) {
        discardAll();
        return fail(file, std::move(error));
      }
  for (size_t i = 0; i < written.size(); ++i)
    if (Error error = written[i].second.keep(written[i].first->path)) {
      for (size_t rest = i + 1; rest < written.size(); ++rest)
        consumeError(written[rest].second.discard());
      return fail(*written[i].first, std::move(error));
    }
  return kExitOk;
}
