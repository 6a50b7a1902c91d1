//===- Terminal.h - What stderr can show
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_TERMINAL_H
#define VERNIER_RUN_TERMINAL_H

#include <chrono>
#include <string>
#include <string_view>

namespace vernier::run {

/// stderr: a terminal whose last line can be redrawn, or a file that gets plain
/// lines. NO_COLOR and TERM=dumb are respected.
class Terminal {
public:
  Terminal();

  /// Whether one line can be redrawn in place.
  bool isLive() const { return live; }
  bool hasColor() const { return color; }
  bool hasUtf8() const { return utf8; }

  /// Write a line, above the live one. What a terminal would obey is escaped,
  /// for names and messages come from files.
  void print(std::string_view line);
  /// The same with a heading in bold before it.
  void printTitle(std::string_view title, std::string_view rest = "");
  /// "vernier-run: warning: ...".
  void warn(std::string_view message);
  void error(std::string_view message);

  /// Redraw the live line, at most ten times a second unless `force`.
  void redraw(std::string_view line, bool force = false);
  /// True if a redraw now would be shown: spares building the line.
  bool wantsRedraw() const;
  /// Leave the live line as it is and go on below it.
  void finishLive();

private:
  /// Write a line of which only `text` may come from elsewhere.
  void printLine(std::string_view start, std::string_view text);
  std::string bold(std::string_view text) const;
  std::string red(std::string_view text) const;
  void write(std::string_view text);
  unsigned width() const;

  bool live = false, color = false, utf8 = false;
  bool lineShown = false;
  std::chrono::steady_clock::time_point lastDraw{};
};

/// "12.3 MiB".
std::string bytesText(double bytes);
/// "1:02:03" or "0:12".
std::string durationText(double seconds);

} // namespace vernier::run

#endif // VERNIER_RUN_TERMINAL_H
