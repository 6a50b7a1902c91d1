//===- Terminal.cpp - What stderr can show
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Terminal.h"

#include "vernier/Runtime/Printable.h"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace vernier;
using namespace vernier::run;

using Clock = std::chrono::steady_clock;

static bool environmentSet(const char *name) {
  const char *value = std::getenv(name);
  return value && *value;
}

Terminal::Terminal() {
  const char *term = std::getenv("TERM");
  live = isatty(STDERR_FILENO) && term && std::strcmp(term, "dumb") != 0;
  color = live && !environmentSet("NO_COLOR");
  for (const char *name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (environmentSet(name)) {
      std::string locale = std::getenv(name);
      utf8 = locale.find("UTF-8") != std::string::npos ||
             locale.find("utf8") != std::string::npos;
      break; // the first that is set decides
    }
}

void Terminal::write(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void Terminal::printLine(std::string_view start, std::string_view text) {
  if (lineShown)
    write("\r\x1b[K");
  lineShown = false;
  write(start);
  write(toPrintable(text, Lines::kept));
  write("\n");
}

void Terminal::print(std::string_view line) { printLine("", line); }

void Terminal::printTitle(std::string_view title, std::string_view rest) {
  printLine(bold(toPrintable(title, Lines::escaped)), rest);
}

void Terminal::warn(std::string_view message) {
  printLine(fmt::format("vernier-run: {} ", bold("warning:")), message);
}

void Terminal::error(std::string_view message) {
  printLine(fmt::format("vernier-run: {} ", red("error:")), message);
}

bool Terminal::wantsRedraw() const {
  return live && Clock::now() - lastDraw >= std::chrono::milliseconds(100);
}

void Terminal::redraw(std::string_view line, bool force) {
  if (!live || !(force || wantsRedraw()))
    return;
  lastDraw = Clock::now();
  // A line that wraps could not be redrawn.
  write("\r");
  write(toPrintable(line, Lines::escaped).substr(0, width() - 1));
  write("\x1b[K");
  lineShown = true;
}

void Terminal::finishLive() {
  if (lineShown)
    write("\n");
  lineShown = false;
}

unsigned Terminal::width() const {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
    return size.ws_col;
  const char *columns = std::getenv("COLUMNS");
  int value = columns ? std::atoi(columns) : 0;
  return value > 1 ? static_cast<unsigned>(value) : 80;
}

std::string Terminal::bold(std::string_view text) const {
  return color ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
}
std::string Terminal::red(std::string_view text) const {
  return color ? fmt::format("\x1b[1;31m{}\x1b[0m", text) : std::string(text);
}

std::string vernier::run::bytesText(double bytes) {
  const char *units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (bytes >= 1024 && unit < 4) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes)
                   : fmt::format("{:.1f} {}", bytes, units[unit]);
}

std::string vernier::run::durationText(double seconds) {
  auto total = static_cast<uint64_t>(seconds + 0.5);
  if (total >= 3600)
    return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60,
                       total % 60);
  return fmt::format("{}:{:02}", total / 60, total % 60);
}
