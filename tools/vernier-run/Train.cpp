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

#include "Diagnosis.h"
#include "Evaluation.h"
#include "GradientNorms.h"
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
#include "UntrainedParameters.h"
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

/// A loss is computed before any scale: one that is not finite stays so at any.
/// A bad row spoils its own batch, and the next epoch's; five batches in a row
/// are no accident.
constexpr uint64_t maxNotFiniteInARow = 5;

/// So few steps may be a trial; what they all lack, a run may yet find.
constexpr uint64_t fewSteps = 5;

/// To find the op of a skipped step takes another one; the first few tell.
constexpr int maxSkipsExplained = 3;

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
  void tally(const Measurement &step);
  void warnOfSmallScale(double scale);
  void judge();
  void judgeSkipped();
  void judgeNotFinite();
  void judgeScale();
  void printFinding();
  std::string describeCause();
  [[noreturn]] void stop(const std::string &reason);
  void requireFiniteStates();
  void requireGradients();
  void evaluate(Measurement &measurement);
  void save();
  /// Whether this run made steps, all of them skipped: its states are no better
  /// than those that it began with, and its scaler is worse.
  bool isAllSkipped() const {
    return stepsHere > 0 && skippedHere == stepsHere;
  }
  bool isNothingLearned() const;
  void writeOutputs();
  std::string describeLastSave() const;
  std::string describeWayOn() const;
  std::string describeInterruption() const;
  void addSteps(ResultLine &line) const;
  void addSkips(ResultLine &line) const;
  int finish();
  int runToEnd();
  void installObserver();
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
  std::optional<Output> loss, learningRate, lossScale, allFinite;
  std::optional<Output> microLoss, stepsAtMinimum;
  Accuracy accuracy;
  GradientNorms norms;
  UntrainedParameters untrained;
  std::optional<Overflows> overflows;
  NumericsCheck check;
  std::optional<NumericsProfile> profile;
  MetricsFile metrics;

  RunState state;
  Measurement last;                        ///< the last step
  uint64_t stepsHere = 0, skippedHere = 0; ///< since the start or the resume
  int skipsExplained = 0;
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
      accuracy(plan, "step", maxLogits), norms(plan), untrained(plan) {
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
  if (position == 0) {
    state.correct = state.counted = 0;
    shuffle(order, state.seed, state.dataStep() / stepsPerEpoch());
  }
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
  measurement.lossScale = read(lossScale);
  measurement.skipped = allFinite && read(allFinite) == 0;
  norms.read(*session, measurement);
  measurement.overflow = overflows ? overflows->readStep(*session) : "";
  tally(measurement);
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

void Trainer::tally(const Measurement &step) {
  bool isNotFinite = step.skipped && !std::isfinite(step.loss);
  ++stepsHere;
  skippedHere += step.skipped;
  state.skipped += step.skipped;
  state.skippedInARow = step.skipped ? state.skippedInARow + 1 : 0;
  state.notFinite += isNotFinite;
  state.notFiniteInARow = isNotFinite ? state.notFiniteInARow + 1 : 0;
  state.clipped += step.isClipped && !step.skipped;
}

/// Why the last step is not finite.
std::string Trainer::describeCause() {
  // All micro-batches of the window, of which batchRows is the last.
  const uint64_t *rows = batchRows + data.batch() - rowsPerStep();
  Diagnosis diagnosis(plan, *session, data, microBatches);
  std::string text = diagnosis.describe(last, check.found(), rows);
  if (overflows && std::isfinite(last.loss))
    text += overflows->describe(*session, "\n  ");
  installObserver();
  // Overflow at the start is what the scale falls for.
  if (isAllSkipped() && std::isfinite(last.loss) && stepsAtMinimum)
    return text +
           "\n  what to do: train for more steps, in which the loss scale "
           "falls, or begin with a smaller one (--loss-scale=dynamic,"
           "init=N)";
  return text + diagnosis.describeRemedy();
}

void Trainer::stop(const std::string &reason) {
  throw Failure(Numeric, fmt::format("step {}: {}", state.step, reason) +
                             describeCause() + describeLastSave());
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

/// Gradients of zero do no harm, and no good. A run all of whose gradients were
/// zero did nothing but take time, unless there was nothing left to learn.
void Trainer::requireGradients() {
  uint64_t done = stepsHere - skippedHere;
  if (done == 0)
    return;
  std::vector<std::string> names = untrained.find(*session);
  if (names.empty())
    return;
  std::string text = fmt::format(
      "step {}: {} learned nothing in {} steps: their gradients were 0, or too "
      "small to change them",
      state.step, describeParameters(names, untrained.parameterCount()), done);
  bool isMeant = last.loss == 0 || last.learningRate == 0 || interrupted();
  if (names.size() < untrained.parameterCount() || isMeant || done < fewSteps)
    return terminal.warn(text);
  throw Failure(
      Numeric,
      text +
          "\n  what to do: look for what has no slope "
          "(a relu whose inputs are all negative, a value that 16 bits round "
          "to 0, a constant in the way); --profile-numerics shows where "
          "values vanish" +
          describeLastSave());
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

void Trainer::judge() {
  if (last.skipped)
    return judgeSkipped();
  if (check.found())
    stop("a result is not finite (--check-numerics)");
  if (!std::isfinite(last.loss))
    stop("the loss is " + numberText(last.loss));
}

void Trainer::judgeSkipped() {
  bool isLossFinite = std::isfinite(last.loss);
  if (!lossScale)
    stop(fmt::format("{}, and nothing was made of it: its parameters are as "
                     "they were before this step",
                     isLossFinite ? "a gradient is not finite"
                                  : "the loss is " + numberText(last.loss)));
  warnOfSmallScale(last.lossScale);
  if (!isLossFinite)
    return judgeNotFinite();
  printFinding();
  judgeScale();
}

/// With --check-numerics each skipped step is explained.
void Trainer::printFinding() {
  if (check.found())
    terminal.print(fmt::format("step {}: skipped at loss scale {:g}; {}",
                               state.step, last.lossScale,
                               check.found()->describe()));
}

/// A loss scale is for gradients that overflow. What makes the loss itself
/// infinite or NaN comes before it, so no scale cures it.
void Trainer::judgeNotFinite() {
  if (state.notFiniteInARow >= maxNotFiniteInARow)
    stop(fmt::format("the loss is {}, the {}th in a row that is not finite; it "
                     "does not depend on the loss scale, so no scale cures it",
                     numberText(last.loss), state.notFiniteInARow));
  if (state.notFiniteInARow > 1 || skipsExplained == maxSkipsExplained)
    return printFinding();
  ++skipsExplained;
  terminal.warn(fmt::format("step {}: skipped at loss scale {:g}, for its loss "
                            "is {}{}",
                            state.step, last.lossScale, numberText(last.loss),
                            describeCause()));
}

/// Gradients that overflow are what the scale falls for, as long as it can.
void Trainer::judgeScale() {
  bool isStatic = overflows && !stepsAtMinimum;
  if (read(stepsAtMinimum) >= maxStepsAtMinimum)
    stop(fmt::format("{} steps in a row were skipped at the smallest loss "
                     "scale, {:g}: the gradients are not finite at any scale",
                     maxStepsAtMinimum, last.lossScale));
  if (last.lossScale == 0)
    stop("the loss scale has fallen to 0: no step is finite at any scale");
  if (isStatic && state.skippedInARow >= maxStepsAtMinimum)
    stop(fmt::format("{} steps in a row were skipped at the static loss scale "
                     "{:g}: compile with a smaller one, or with "
                     "--loss-scale=dynamic",
                     state.skippedInARow, last.lossScale));
  if (state.skippedInARow >= maxSkippedInARow)
    stop(fmt::format("{} steps in a row were skipped, the last at loss scale "
                     "{:g}: the gradients "
                     "are not finite at any scale",
                     state.skippedInARow, last.lossScale));
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
  installObserver(); // an evaluation may have looked for an op
  progress->resume();
}

/// What is saved amid skipped steps is no better than what was saved before
/// them, so nothing is removed for it.
void Trainer::save() {
  progress->pause();
  bool isSkipped = state.skippedInARow > 0;
  state.missingRows = metrics.unwritten();
  std::string metadata = state.toJson(data);
  vernier::run::check(vernier_session_save(
      session->get(), options.save.c_str(), state.step, metadata.c_str(),
      {isSkipped ? 0 : options.keep, options.keepEvery}));
  savedStep = state.step;
  progress->resume();
}

void Trainer::loop() {
  shuffle(order, state.seed, state.dataStep() / stepsPerEpoch());
  progress->start(state.step);
  while (state.step < totalSteps && !interrupted() &&
         metrics.problem().empty()) {
    Measurement measurement = step();
    last = measurement;
    judge();
    bool epochEnds = state.dataStep() % stepsPerEpoch() == 0;
    if (evaluation && (epochEnds || state.step == totalSteps))
      evaluate(measurement);
    metrics.add(measurement);
    bool mustSave = options.saveEvery && state.step % options.saveEvery == 0 &&
                    !isAllSkipped();
    if (mustSave)
      metrics.flush(); // never behind the checkpoint
    if (mustSave && metrics.problem().empty()) {
      requireFiniteStates();
      save();
    }
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
  if (!options.save.empty() && savedStep != state.step && !isNothingLearned())
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

/// Whether all steps were skipped, of the whole run or since it was resumed.
/// The last one of a run that did learn may be skipped, as any other.
bool Trainer::isNothingLearned() const {
  return isAllSkipped() &&
         (state.skipped == state.step || skippedHere >= fewSteps);
}

/// Where a run stands that ended early.
std::string Trainer::describeInterruption() const {
  std::string text = fmt::format("interrupted after step {}; ", state.step);
  if (options.save.empty())
    return text + "nothing is saved without --save";
  if (isNothingLearned())
    return text + "all steps were skipped, so nothing was saved";
  return text + "go on with --resume " + options.save;
}

/// The fields of the RESULT line that every training has that made a step.
void Trainer::addSteps(ResultLine &line) const {
  line.add("steps", state.step);
  if (stepsHere > 0)
    line.addNumber("loss", state.loss);
  else
    line.addIfMeasured("loss", state.loss);
}

void Trainer::addSkips(ResultLine &line) const {
  line.add("skipped", state.skipped);
  if (state.notFinite)
    line.add("not_finite", state.notFinite);
  if (norms.isClipping())
    line.add("clipped", state.clipped);
}

int Trainer::finish() {
  writeOutputs();
  bool stopped = interrupted() && state.step < totalSteps;
  if (stopped)
    terminal.print(describeInterruption());
  uint64_t peakBytes = session->memory().total_bytes;
  uint64_t grown =
      peakResidentBytes() - std::min(peakResidentBytes(), baseResidentBytes);
  terminal.print(fmt::format("memory  session {}, process grew by {}",
                             bytesText(static_cast<double>(peakBytes)),
                             bytesText(static_cast<double>(grown))));
  if (overflows && state.skipped)
    terminal.print(overflows->describe(*session, ""));
  if (!stopped && isNothingLearned())
    throw Failure(Numeric,
                  fmt::format("step {}: {} of {} steps were skipped: nothing "
                              "was learned",
                              state.step, skippedHere, stepsHere) +
                      describeCause() + describeLastSave());
  // What the run was for cannot be told, though its states are saved.
  if (!stopped && !evaluated.problem.empty())
    throw Failure(Numeric, "the last evaluation: " + evaluated.problem);
  ResultLine line(stopped ? "interrupted" : "ok");
  addSteps(line);
  if (state.counted)
    line.addIfMeasured("accuracy", static_cast<double>(state.correct) /
                                       static_cast<double>(state.counted));
  line.addIfMeasured("eval_loss", evaluated.loss);
  line.addIfMeasured("eval_accuracy", evaluated.accuracy);
  addSkips(line);
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
  try {
    return runToEnd();
  } catch (Failure &failure) {
    // A loss that is not finite is what the run came to.
    if (failure.code == Numeric && stepsHere > 0) {
      ResultLine line;
      addSteps(line);
      addSkips(line);
      failure.result = line.str();
    }
    throw;
  }
}

int Trainer::runToEnd() {
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
  installObserver();
  untrained.remember(*session);
  progress.emplace(terminal, totalSteps, rowsPerStep(), options.logEvery);
  try {
    loop();
    requireFiniteStates();
    requireGradients();
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
  metrics.addColumns(norms.columns());
  if (!options.log.empty())
    metrics.open(options.log, state.step, state.missingRows);
}

void Trainer::installObserver() {
  if (!options.checkNumerics && !profile)
    return;
  vernier_session_set_observer(
      session->get(),
      [](void *trainer, const vernier_observation_t *observation) {
        static_cast<Trainer *>(trainer)->observe(*observation);
      },
      this);
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
