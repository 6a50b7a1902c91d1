//===- Progress.cpp - Where a training run is
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Progress.h"

#include <fmt/format.h>

#include <cmath>

using namespace vernier::run;

void Progress::start(uint64_t firstStep) {
  first = loggedStep = last.step = firstStep;
  resume();
}

void Progress::pause() {
  if (running)
    spent += Clock::now() - started;
  running = false;
}

void Progress::resume() {
  started = Clock::now();
  running = true;
}

double Progress::seconds() const {
  auto all = running ? spent + (Clock::now() - started) : spent;
  return std::chrono::duration<double>(all).count();
}

std::string Progress::line() const {
  double elapsed = seconds();
  double stepsPerSecond =
      elapsed > 0 ? static_cast<double>(steps()) / elapsed : 0;
  std::string text =
      fmt::format("step {}/{}  loss {:.4g}", last.step, total, last.loss);
  if (!std::isnan(lastAccuracy))
    text += fmt::format("  accuracy {:.1f} %", 100 * lastAccuracy);
  if (!std::isnan(last.lossScale))
    text +=
        fmt::format("  scale {:g}  skipped {}", last.lossScale, lastSkipped);
  text += fmt::format("  {:.0f} samples/s",
                      stepsPerSecond * static_cast<double>(batch));
  if (stepsPerSecond > 0)
    text += fmt::format(
        "  ETA {}",
        durationText(static_cast<double>(total - last.step) / stepsPerSecond));
  // Last, for a narrow terminal cuts the line.
  if (!std::isnan(last.clipFactor))
    text += fmt::format("  grad norm {:.4g}", last.gradNorm);
  if (last.isClipped && !last.skipped)
    text += " (clipped)";
  return text;
}

void Progress::step(const Measurement &measurement, double accuracy,
                    uint64_t skipped) {
  last = measurement;
  lastAccuracy = accuracy;
  lastSkipped = skipped;
  if (terminal.isLive()) {
    if (terminal.wantsRedraw())
      terminal.redraw(line());
  } else if (last.step % logEvery == 0) {
    terminal.print(line());
    loggedStep = last.step;
  }
}

void Progress::finish() {
  pause();
  if (steps() == 0)
    return;
  if (terminal.isLive()) {
    terminal.redraw(line(), /*force=*/true);
    terminal.finishLive();
  } else if (loggedStep != last.step) {
    terminal.print(line());
  }
}
