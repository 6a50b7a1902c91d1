//===- Train.cpp - Trains a model
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One step: feed a batch, run `step`, read its outputs by convention (loss,
// logits, learning_rate, grad_norm, loss_scale, all_finite), judge the numbers,
// write a row of metrics, now and then evaluate and save. Nothing is allocated
// between saves.
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"
#include "Init.h"
#include "Memory.h"
#include "Metrics.h"
#include "NumericsProfile.h"
#include "Overflows.h"
#include "Progress.h"
#include "Report.h"
#include "RunState.h"
#include "Shuffle.h"
#include "Signals.h"
#include "Verbs.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

using namespace vernier::run;

namespace {

/// A run whose last steps were all skipped does not train any more: from 2^16
/// down to the smallest float16, halving takes 40.
constexpr uint64_t maxSkippedInARow = 64;

/// At the smallest scale no smaller one can help; data may, so not at once.
constexpr int maxStepsAtMinimum = 8;

/// Larger logits would cost more to read back in each step than they tell.
constexpr uint64_t maxLogits = 1 << 22;

double nanValue() { return std::numeric_limits<double>::quiet_NaN(); }

class Trainer {
public:
  Trainer(const Options &options, Terminal &terminal);
  int run();

private:
  /// Rows of a step: of all micro-batches of a window.
  uint64_t rowsPerStep() const { return data.batch() * microBatches; }
  uint64_t stepsPerEpoch() const { return data.rows() / rowsPerStep(); }
  void printConfiguration();
  void warnOfSchedule();
  void resume();
  void openOutputs();
  void loop();
  Measurement step();
  double runMicroBatches();
  void warnOfSmallScale(double scale);
  void judge(const Measurement &measurement);
  [[noreturn]] void stop(const std::string &reason);
  void requireFiniteStates();
  void evaluate(Measurement &measurement);
  void save();
  void writeOutputs();
  std::string describeLastSave() const;
  std::string describeWayOn() const;
  int finish();
  void observe(const vernier_observation_t &observation);

  double read(std::optional<Output> &output) {
    if (!output)
      return nanValue();
    session->read("step", *output);
    return output->element();
  }

  const Options &options;
  Terminal &terminal;
  Device device;
  Plan plan;
  MemoryPlan memory;
  Dataset data;
  std::optional<Evaluation> evaluation;
  std::optional<Session> session;
  /// Batches whose gradients are summed for one step.
  uint64_t microBatches = 1;
  std::optional<Output> loss, learningRate, gradNorm, lossScale, allFinite;
  std::optional<Output> microLoss, stepsAtMinimum;
  Accuracy accuracy;
  std::optional<Overflows> overflows;
  NumericsCheck check;
  std::optional<NumericsProfile> profile;
  MetricsFile metrics;

  RunState state;
  uint64_t totalSteps = 0;
  std::optional<uint64_t> savedStep;
  bool isSmallScaleKnown = false; ///< A warning was printed.
  std::vector<uint64_t> order;    ///< rows of the current epoch
  const uint64_t *batchRows = nullptr;
  Evaluation::Result evaluated{nanValue(), nanValue(), 0, ""};
  std::optional<Progress> progress;
  uint64_t baseResidentBytes = 0;
};

Trainer::Trainer(const Options &options, Terminal &terminal)
    : options(options), terminal(terminal), device(options.device),
      plan(options.plan), memory(planMemory(plan, device)),
      data((plan.requireEntry("step"), options.data), plan, "step"),
      microBatches(plan.contents().micro_batches()),
      accuracy(plan, "step", maxLogits) {
  state.microBatches = microBatches;
  if (data.rows() < rowsPerStep())
    throw Failure(
        BadFile,
        fmt::format("{}: has {} rows, fewer than {} of {}; give more data or "
                    "compile the model with a smaller batch",
                    data.path(), data.rows(),
                    microBatches > 1
                        ? fmt::format("{} micro-batches", microBatches)
                        : "a batch",
                    data.batch()));
  if (!options.evalData.empty())
    evaluation.emplace(options.evalData, plan);
  loss = requireLoss(plan, "step");
  learningRate = findOutput(plan, "step", "learning_rate");
  gradNorm = findOutput(plan, "step", "grad_norm");
  lossScale = findOutput(plan, "step", "loss_scale");
  allFinite = findOutput(plan, "step", "all_finite");
  stepsAtMinimum = findOutput(plan, "step", "steps_at_minimum");
  overflows = Overflows::find(plan);
  if (microBatches > 1)
    microLoss = findOutput(plan, "accumulate", "loss");
  totalSteps = options.steps.value_or(0);
  if (options.epochs &&
      __builtin_mul_overflow(*options.epochs, stepsPerEpoch(), &totalSteps))
    throw Failure(Usage,
                  fmt::format("--epochs {}: of {} steps each are more than can "
                              "be counted; give fewer",
                              *options.epochs, stepsPerEpoch()));
  order.resize(data.rows());
}

//===----------------------------------------------------------------------===//
// Before the first step
//===----------------------------------------------------------------------===//

/// A rate that has come to the end of its schedule stays there, often at 0.
void Trainer::warnOfSchedule() {
  uint64_t end = plan.contents().schedule_steps();
  if (end && totalSteps > end)
    terminal.warn(fmt::format(
        "the schedule of the learning rate ends at step {}, before the {} "
        "steps of this run: what follows trains at its final rate; compile "
        "with total_steps={}",
        end, totalSteps, totalSteps));
}

void Trainer::printConfiguration() {
  auto rows = planRows(plan, options.plan);
  auto add = [&](const char *name, std::string value) {
    rows.push_back({name, std::move(value)});
  };
  add("device", device.description());
  add("data",
      fmt::format("{}: {} rows, {} batches of {} in an epoch", data.path(),
                  data.rows(), stepsPerEpoch() * microBatches, data.batch()));
  if (microBatches > 1)
    add("accumulation", fmt::format("{} micro-batches, {} rows in a step",
                                    microBatches, rowsPerStep()));
  if (evaluation)
    add("eval data",
        fmt::format("{}: {} rows, after each epoch", options.evalData,
                    evaluation->dataset().rows()));
  add("steps", fmt::format("{} ({:.4g} epochs)", totalSteps,
                           static_cast<double>(state.toDataSteps(totalSteps)) /
                               static_cast<double>(stepsPerEpoch())));
  add("seed", std::to_string(state.seed));
  if (!options.resume.empty())
    add("resume", fmt::format("{}, at step {}", options.resume, state.step));
  if (!options.init.empty())
    add("init", options.init);
  if (!options.save.empty())
    add("save",
        fmt::format("{}, {}at the end; keep {}", options.save,
                    options.saveEvery
                        ? fmt::format("every {} steps and ", options.saveEvery)
                        : "",
                    options.keep ? std::to_string(options.keep) : "all") +
            (options.keepEvery ? fmt::format(" and each step that is a "
                                             "multiple of {}",
                                             options.keepEvery)
                               : ""));
  if (!options.log.empty())
    add("log", options.log);
  add("check numerics", options.checkNumerics ? "yes" : "no");
  if (profile)
    add("profile", fmt::format("{}, one step in {}", options.profileNumerics,
                               profile->getRecord().every));
  printTable(terminal, "training", rows);
  printMemoryAndPrecision(terminal, plan, memory);
}

void Trainer::resume() {
  state.seed = options.seed.value_or(0);
  if (!options.init.empty())
    initWeights(*session, options, terminal);
  if (!options.resume.empty()) {
    Loaded loaded = session->load(options.resume);
    if (!loaded.note.empty())
      terminal.warn(loaded.note);
    state.restore(loaded.metadata, loaded.step, data, options);
    if (options.epochs) // of the data, not of steps
      totalSteps = state.toSteps(totalSteps);
    if (microBatches > 1)
      state.microStep = session->readCounter("train.micro_step") % microBatches;
    // Amid a window its sums may be infinite; then it will be skipped.
    std::string problem = session->describeNonFinite();
    if (!problem.empty() && state.microStep == 0)
      throw Failure(
          Numeric,
          fmt::format("the checkpoint in {}, of step {}, is not finite: {}\n  "
                      "what to do: --resume the folder of an earlier step",
                      options.resume, state.step, problem));
    if (sameFolder(options.resume, options.save))
      savedStep = loaded.step;
    if (state.step > totalSteps)
      throw Failure(
          Usage,
          fmt::format(
              "the checkpoint in {} is at step {}, beyond the {} steps asked "
              "for; give a larger --steps or --epochs",
              options.resume, state.step, totalSteps));
  }
  if (options.save.empty())
    return;
  // Checkpoints of another run would be mixed with ours, and ours pruned first.
  std::optional<uint64_t> newest = newestCheckpoint(options.save);
  if (newest && !sameFolder(options.save, options.resume))
    throw Failure(
        Usage,
        fmt::format("{} already holds checkpoints, up to step {}; go on with "
                    "--resume {}, or give --save another folder",
                    options.save, *newest, options.save));
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// What the micro-batches of a window before the last lose, in sum. A window
/// that was saved half done goes on where it was.
double Trainer::runMicroBatches() {
  double sum = 0;
  for (uint64_t i = state.microStep; i + 1 < microBatches; ++i) {
    data.feed(*session, "accumulate", batchRows);
    session->run("accumulate");
    batchRows += data.batch();
    if (!microLoss)
      continue;
    session->read("accumulate", *microLoss);
    sum += microLoss->element();
  }
  return sum;
}

Measurement Trainer::step() {
  uint64_t position = state.dataStep() % stepsPerEpoch();
  if (position == 0)
    state.correct = state.counted = 0;
  batchRows =
      order.data() + position * rowsPerStep() + state.microStep * data.batch();
  uint64_t count = microBatches - state.microStep;
  check.reset();
  if (profile)
    profile->beginStep(state.step);
  double lossSum = runMicroBatches();
  data.feed(*session, "step", batchRows);
  session->run("step");
  state.microStep = 0;

  Measurement measurement;
  measurement.step = ++state.step;
  measurement.epoch = (state.dataStep() - 1) / stepsPerEpoch() + 1;
  measurement.loss = state.loss =
      (lossSum + read(loss)) / static_cast<double>(count);
  measurement.learningRate = read(learningRate);
  measurement.gradNorm = read(gradNorm);
  measurement.lossScale = read(lossScale);
  measurement.skipped = allFinite && read(allFinite) == 0;
  measurement.overflow = overflows ? overflows->readStep(*session) : "";
  state.skipped += measurement.skipped;
  state.skippedInARow = measurement.skipped ? state.skippedInARow + 1 : 0;
  if (profile)
    profile->endStep(measurement.loss, measurement.skipped);
  // Of a window the last micro-batch is judged.
  if (accuracy.isAvailable()) {
    uint64_t correct = accuracy.countCorrect(*session, data, data.batch());
    uint64_t counted = data.batch() * accuracy.rowsPerSample();
    state.correct += correct;
    state.counted += counted;
    measurement.accuracy =
        static_cast<double>(correct) / static_cast<double>(counted);
  }
  return measurement;
}

void Trainer::stop(const std::string &reason) {
  std::string text = fmt::format("step {}: {}", state.step, reason);
  if (check.found())
    text += "\n  " + check.found()->describe();
  if (overflows)
    text += overflows->describe(*session, "\n  ");
  // All micro-batches of the window, of which batchRows is the last.
  std::string badData = data.describeNonFinite(
      batchRows + data.batch() - rowsPerStep(), rowsPerStep());
  if (!badData.empty())
    text += "\n  the data: " + badData;
  std::string badState = session->describeNonFinite();
  if (!badState.empty())
    text += "\n  the states: " + badState;
  if (!check.found() && badData.empty())
    text += "\n  what to do: --check-numerics names the first op that is not "
            "finite; a smaller "
            "learning rate often helps";
  throw Failure(Numeric, text + describeLastSave());
}

/// Which checkpoint to go back to, as the end of a message.
std::string Trainer::describeLastSave() const {
  if (savedStep)
    return fmt::format(
        "\n  the last checkpoint is of step {}; nothing was saved after it",
        *savedStep);
  return options.save.empty() ? "" : "\n  nothing was saved";
}

/// A skipped step changes nothing, but one that is not skipped may overflow in
/// its update. What it leaves is not saved, and training did not go well.
void Trainer::requireFiniteStates() {
  std::string problem = session->describeNonFinite();
  if (problem.empty())
    return;
  throw Failure(
      Numeric,
      fmt::format("step {}: {}\n  {}\n  what to do: a smaller learning rate, "
                  "or clipped gradients (clip_norm); --check-numerics stops at "
                  "the first op that is not finite{}",
                  state.step, problem,
                  allFinite ? "the gradients were finite, but what a step made "
                              "of them was not"
                            : "the plan does not check its gradients",
                  describeLastSave()));
}

/// Below 1 the scale makes gradients smaller than they are: what overflows does
/// so unscaled, and small gradients are lost.
void Trainer::warnOfSmallScale(double scale) {
  if (!(scale < 1) || isSmallScaleKnown)
    return;
  isSmallScaleKnown = true;
  terminal.warn(fmt::format(
      "step {}: the loss scale has fallen to {:g}, below 1: the gradients are "
      "not finite even unscaled; a smaller learning rate helps, or bf16, whose "
      "range is that of f32",
      state.step, scale));
}

void Trainer::judge(const Measurement &measurement) {
  if (measurement.skipped) {
    warnOfSmallScale(measurement.lossScale);
    if (!lossScale)
      stop("a gradient is not finite, and nothing was made of it: its "
           "parameters are as they were before this step");
    if (check.found())
      terminal.print(fmt::format("step {}: skipped at loss scale {:g}; {}",
                                 state.step, measurement.lossScale,
                                 check.found()->describe()));
    if (read(stepsAtMinimum) >= maxStepsAtMinimum)
      stop(fmt::format("{} steps in a row were skipped at the smallest loss "
                       "scale, {:g}: the gradients are not finite at any scale",
                       maxStepsAtMinimum, measurement.lossScale));
    if (measurement.lossScale == 0)
      stop("the loss scale has fallen to 0: no step is finite at any scale");
    if (state.skippedInARow >= maxSkippedInARow)
      stop(fmt::format("{} steps in a row were skipped, the last at loss scale "
                       "{:g}: the gradients "
                       "are not finite at any scale",
                       state.skippedInARow, measurement.lossScale));
    return;
  }
  if (check.found())
    stop("a result is not finite (--check-numerics)");
  if (!std::isfinite(measurement.loss))
    stop(fmt::format("the loss is {}", measurement.loss));
}

void Trainer::evaluate(Measurement &measurement) {
  progress->pause();
  evaluated =
      evaluation->run(*session, options.checkNumerics ? &check : nullptr,
                      /*interruptible=*/false);
  measurement.evaluated = true;
  measurement.evalLoss = evaluated.loss;
  measurement.evalAccuracy = evaluated.accuracy;
  std::string text = fmt::format("epoch {}  eval loss {:.6g}",
                                 measurement.epoch, evaluated.loss);
  if (!std::isnan(evaluated.accuracy))
    text += fmt::format("  eval accuracy {:.2f} %", 100 * evaluated.accuracy);
  terminal.print(text);
  if (!evaluated.problem.empty() && state.step < totalSteps)
    terminal.warn("evaluation: " + evaluated.problem);
  progress->resume();
}

void Trainer::save() {
  progress->pause();
  state.missingRows = metrics.unwritten();
  std::string metadata = state.toJson(data);
  vernier::run::check(vernier_session_save(session->get(), options.save.c_str(),
                                           state.step, metadata.c_str(),
                                           {options.keep, options.keepEvery}));
  savedStep = state.step;
  progress->resume();
}

void Trainer::loop() {
  shuffle(order, state.seed, state.dataStep() / stepsPerEpoch());
  progress->start(state.step);
  while (state.step < totalSteps && !interrupted() &&
         metrics.problem().empty()) {
    Measurement measurement = step();
    judge(measurement);
    bool epochEnds = state.dataStep() % stepsPerEpoch() == 0;
    if (evaluation && (epochEnds || state.step == totalSteps))
      evaluate(measurement);
    metrics.add(measurement);
    bool mustSave = options.saveEvery && state.step % options.saveEvery == 0;
    if (mustSave)
      metrics.flush(); // never behind the checkpoint
    if (mustSave && metrics.problem().empty()) {
      requireFiniteStates();
      save();
    }
    if (epochEnds)
      shuffle(order, state.seed, state.dataStep() / stepsPerEpoch());
    double epochAccuracy = state.counted
                               ? static_cast<double>(state.correct) /
                                     static_cast<double>(state.counted)
                               : nanValue();
    progress->step(measurement, epochAccuracy, state.skipped);
  }
  progress->finish();
}

/// Write what a run leaves. A file that cannot be written is no reason to lose
/// the others.
void Trainer::writeOutputs() {
  metrics.flush();
  std::string problems = metrics.problem();
  auto attempt = [&](auto write) {
    try {
      write();
    } catch (const Failure &failure) {
      problems +=
          (problems.empty() ? "" : "\n  ") + std::string(failure.what());
    }
  };
  if (!options.save.empty() && savedStep != state.step)
    attempt([&] { save(); });
  if (profile)
    attempt([&] { profile->write(); });
  if (!problems.empty())
    throw Failure(Resources, problems + "\n  " + describeWayOn());
}

/// After a failure: where training is, and how to go on from the last
/// checkpoint.
std::string Trainer::describeWayOn() const {
  std::string text = fmt::format("training ended after step {} of {}; ",
                                 state.step, totalSteps);
  if (options.save.empty())
    return text + "nothing is saved without --save";
  if (!savedStep)
    return text + "nothing was saved";
  text +=
      fmt::format("once that is mended, go on from step {} with --resume {}",
                  *savedStep, options.save);
  return options.log.empty() ? text : text + " --log " + options.log;
}

int Trainer::finish() {
  writeOutputs();
  bool stopped = interrupted() && state.step < totalSteps;
  if (stopped)
    terminal.print(
        options.save.empty()
            ? fmt::format(
                  "interrupted after step {}; nothing is saved without --save",
                  state.step)
            : fmt::format("interrupted after step {}; go on with --resume {}",
                          state.step, options.save));
  uint64_t peakBytes = session->memory().total_bytes;
  uint64_t grown =
      peakResidentBytes() - std::min(peakResidentBytes(), baseResidentBytes);
  terminal.print(fmt::format("memory  session {}, process grew by {}",
                             bytesText(static_cast<double>(peakBytes)),
                             bytesText(static_cast<double>(grown))));
  if (overflows && state.skipped)
    terminal.print(overflows->describe(*session, ""));
  // What the run was for cannot be told, though its states are saved.
  if (!stopped && !evaluated.problem.empty())
    throw Failure(Numeric, "the last evaluation: " + evaluated.problem);
  ResultLine line(stopped ? "interrupted" : "ok");
  line.add("steps", state.step);
  line.addIfMeasured("loss", state.loss);
  if (state.counted)
    line.addIfMeasured("accuracy", static_cast<double>(state.correct) /
                                       static_cast<double>(state.counted));
  line.addIfMeasured("eval_loss", evaluated.loss);
  line.addIfMeasured("eval_accuracy", evaluated.accuracy);
  line.add("skipped", state.skipped);
  if (progress->steps() > 0) {
    double perStep =
        progress->seconds() / static_cast<double>(progress->steps());
    line.add("ms_per_step", fmt::format("{:.4g}", 1000 * perStep));
    line.add(
        "samples_per_s",
        fmt::format("{:.0f}", static_cast<double>(rowsPerStep()) / perStep));
  }
  line.add("peak_bytes", peakBytes);
  line.print();
  return stopped ? Interrupted : Ok;
}

int Trainer::run() {
  baseResidentBytes = residentBytes();
  requireMemory(plan, memory, terminal);
  try {
    session.emplace(plan, device, options.seed.value_or(0));
  } catch (const Failure &) {
    printMemoryAndPrecision(terminal, plan, memory);
    throw;
  }
  resume();
  openOutputs();
  printConfiguration();
  warnOfSchedule();
  if (options.checkNumerics || profile)
    vernier_session_set_observer(
        session->get(),
        [](void *trainer, const vernier_observation_t *observation) {
          static_cast<Trainer *>(trainer)->observe(*observation);
        },
        this);
  progress.emplace(terminal, totalSteps, rowsPerStep(), options.logEvery);
  try {
    loop();
    requireFiniteStates();
  } catch (const Failure &failure) {
    // What led to a loss that is not finite is what a profile may tell.
    if (profile && failure.code == Numeric)
      profile->write();
    if (failure.code == Resources)
      throw Failure(Resources, failure.what() + ("\n  " + describeWayOn()));
    throw;
  }
  return finish();
}

/// What cannot be written is found now, not after hours of training.
void Trainer::openOutputs() {
  bool willSave = state.step < totalSteps || savedStep != state.step;
  if (!options.save.empty() && willSave)
    vernier::run::check(
        vernier_session_check_save(session->get(), options.save.c_str()));
  if (!options.profileNumerics.empty())
    profile.emplace(plan, options.profileNumerics,
                    options.profileEvery.value_or(10));
  if (!options.log.empty())
    metrics.open(options.log, state.step, state.missingRows);
}

/// A call has been made, of a step or of an evaluation.
void Trainer::observe(const vernier_observation_t &observation) {
  if (options.checkNumerics)
    check.observe(observation);
  if (profile)
    profile->observe(observation);
}

} // namespace

int vernier::run::train(const Options &options, Terminal &terminal) {
  return Trainer(options, terminal).run();
}
