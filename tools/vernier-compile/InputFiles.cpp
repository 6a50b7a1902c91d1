//===- InputFiles.cpp - Files that are read
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InputFiles.h"

#include "Driver.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace vernier;

static llvm::StringRef describe(llvm::sys::fs::file_type type) {
  switch (type) {
  case llvm::sys::fs::file_type::directory_file:
    return "a folder";
  case llvm::sys::fs::file_type::fifo_file:
    return "a pipe";
  case llvm::sys::fs::file_type::socket_file:
    return "a socket";
  default:
    return "a device";
  }
}

bool vernier::checkInputFile(llvm::StringRef what, llvm::StringRef path) {
  llvm::sys::fs::file_status status;
  if (path == "-")
    return true;
  if (std::error_code error = llvm::sys::fs::status(path, status)) {
    printError() << "cannot read " << what << "'" << path
                 << "': " << error.message() << "\n";
    return false;
  }
  if (status.type() == llvm::sys::fs::file_type::regular_file)
    return true;
  printError() << "cannot read " << what << "'" << path << "': it is "
               << describe(status.type())
               << ", not a file; save the contents to a file first\n";
  return false;
}
