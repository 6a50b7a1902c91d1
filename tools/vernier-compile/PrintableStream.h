//===- PrintableStream.h - stderr for messages with text of files
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_COMPILE_PRINTABLESTREAM_H
#define VERNIER_COMPILE_PRINTABLESTREAM_H

#include "llvm/Support/raw_ostream.h"

namespace vernier {

/// A stream to another one, on which colours are set as usual but text that a
/// terminal would obey is escaped. Diagnostics print names and lines of a
/// model, which may hold anything.
class PrintableStream : public llvm::raw_ostream {
public:
  explicit PrintableStream(llvm::raw_ostream &target)
      : raw_ostream(/*unbuffered=*/true), target(target) {}
  ~PrintableStream() override { writeRest(); }

  raw_ostream &changeColor(Colors color, bool bold, bool background) override {
    writeRest();
    target.changeColor(color, bold, background);
    return *this;
  }
  raw_ostream &resetColor() override {
    writeRest();
    target.resetColor();
    return *this;
  }
  raw_ostream &reverseColor() override {
    writeRest();
    target.reverseColor();
    return *this;
  }
  bool is_displayed() const override { return target.is_displayed(); }
  bool has_colors() const override { return target.has_colors(); }

private:
  void write_impl(const char *text, size_t size) override;
  uint64_t current_pos() const override { return target.tell(); }
  void writeRest();

  llvm::raw_ostream &target;
  /// The start of a character, whose other bytes come with the next write.
  std::string rest;
};

/// stderr, for all that vernier-compile says.
llvm::raw_ostream &printableErrors();

} // namespace vernier

#endif // VERNIER_COMPILE_PRINTABLESTREAM_H
