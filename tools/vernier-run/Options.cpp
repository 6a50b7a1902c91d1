//===- Options.cpp - The command line
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "Failure.h"
#include "Names.h"
#include "Outputs.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <map>

using namespace vernier::run;

namespace {

constexpr const char *version = "vernier-run 0.1.0";

const std::map<std::string, const char *> examples = {
    {"", R"(Examples:
  vernier-run mlp.vplan info
  vernier-run mlp.vplan train --data train.npz --eval-data test.npz --epochs 30 --save checkpoints
  vernier-run mlp.vplan train --data train.npz --epochs 60 --resume checkpoints --save checkpoints
  vernier-run mlp.vplan eval --data test.npz --resume checkpoints
  vernier-run mlp.vplan predict --data images.npz --resume checkpoints --output scores.npz
  vernier-run mlp.vplan bench --steps 100
)"},
    {"train", R"(Examples:
  vernier-run mlp.vplan train --data train.npz --eval-data test.npz --epochs 30
  vernier-run mlp.vplan train --data train.npz --steps 1000 --save checkpoints --save-every 100 --log metrics.csv
  vernier-run f32.vplan train --data train.npz --steps 1000 --profile-numerics profile.json
  vernier-run mlp.vplan train --data train.npz --steps 2000 --resume checkpoints --save checkpoints --log metrics.csv
  vernier-run tuned.vplan train --data mine.npz --epochs 5 --init model.safetensors --init-map '*=model.*' --init-map 'head.*='
)"},
    {"info", R"(Examples:
  vernier-run mlp.vplan info
  vernier-run mlp.vplan info --json
)"},
    {"eval", R"(Examples:
  vernier-run mlp.vplan eval --data test.npz --resume checkpoints
  vernier-run mlp.vplan eval --data test.npz --init model.safetensors
)"},
    {"predict", R"(Example:
  vernier-run mlp.vplan predict --data images.npz --resume checkpoints --output scores.npz
)"},
    {"bench", R"(Examples:
  vernier-run mlp.vplan bench --steps 100
  vernier-run mlp.vplan bench --entry predict --device=cpu:4
  vernier-run mlp.vplan bench --profile
)"},
};

/// What the verbs' RESULT lines hold.
const std::map<std::string, const char *> results = {
    {"train", R"(
RESULT ok steps loss (last step) accuracy (training rows of the last epoch) eval_loss eval_accuracy
  skipped (by the loss scaler) ms_per_step samples_per_s peak_bytes
)"},
    {"eval", R"(
RESULT ok rows loss accuracy (over all rows) samples_per_s peak_bytes
)"},
    {"predict", R"(
RESULT ok rows output peak_bytes; bf16 outputs are written as float32
)"},
    {"bench", R"(
RESULT ok entry steps ms_per_step (median) min_ms max_ms samples_per_s peak_bytes; of a plan that was compiled
  with --accumulate=N a step is a window of N micro-batches, and micro_batches says so
)"},
};

const char *exitCodes = R"(
Exit codes: 0 ok, 1 diagnosed failure, 2 usage, 3 bad input file, 4 numeric stop (loss, evaluation loss or a
state not finite, loss scale exhausted, --check-numerics finding), 5 resources (memory, disk, instruction set), 130 interrupted.
Results go to stdout (the last line is RESULT ok key=value ...), everything else to stderr.
To run a plan is to run its code: train, eval, predict and bench only plans that you trust. To describe one (info) is not.
)";

/// Help with the examples first.
class ExamplesFirst : public CLI::Formatter {
public:
  std::string make_help(const CLI::App *app, std::string name,
                        CLI::AppFormatMode mode) const override {
    std::string help = CLI::Formatter::make_help(app, name, mode);
    if (mode != CLI::AppFormatMode::Normal)
      return help;
    auto found = examples.find(app->get_parent() ? app->get_name() : "");
    return std::string(found->second) + "\n" + help;
  }
  // "model.vplan VERB [flags]" instead of CLI11's order.
  std::string make_usage(const CLI::App *app, std::string) const override {
    std::string verb = app->get_parent() ? app->get_name() : "VERB";
    return "Usage: vernier-run MODEL.vplan " + verb + " [flags]\n";
  }
};

/// CLI11 alone would take -1 as 2^64 - 1, and name its own functions.
CLI::Validator wholeNumber(uint64_t least, uint64_t most) {
  return CLI::Validator(
      [=](std::string &text) -> std::string {
        uint64_t value = 0;
        const char *last = text.data() + text.size();
        auto [end, error] = std::from_chars(text.data(), last, value);
        bool isNumber = end == last && error != std::errc::invalid_argument;
        bool isTooLarge = error != std::errc() || value > most;
        if (isNumber && !isTooLarge && value >= least)
          return "";
        return isNumber && isTooLarge
                   ? fmt::format("'{}' is not a whole number from {} to {}",
                                 text, least, most)
                   : fmt::format("'{}' is not a whole number of at least {}",
                                 text, least);
      },
      "");
}

template <typename T> struct NumberOf {
  using Type = T;
};
template <typename T> struct NumberOf<std::optional<T>> {
  using Type = T;
};

template <typename T>
CLI::Option *addNumber(CLI::App *verb, const char *flag, T &value,
                       const char *description, uint64_t least = 0) {
  constexpr uint64_t most =
      std::numeric_limits<typename NumberOf<T>::Type>::max();
  return verb->add_option(flag, value, description)
      ->check(wholeNumber(least, most))
      ->type_name("N");
}

/// An empty path would be one that is not given: "$FOLDER" of a script that
/// has not set it.
CLI::Option *addPath(CLI::App *verb, const char *flag, std::string &value,
                     const char *description, const char *type = "FILE") {
  std::string what = std::string(type) == "FILE" ? "a file" : "a folder";
  auto isGiven = [what](std::string &text) {
    return text.empty() ? "its value is empty; give " + what : "";
  };
  return verb->add_option(flag, value, description)
      ->check(CLI::Validator(isGiven, ""))
      ->type_name(type);
}

void addCommonFlags(CLI::App *verb, Options &options) {
  verb->add_option("--device", options.device,
                   "cpu, or cpu:N for N threads; results do not depend on N")
      ->capture_default_str();
}

void addDataFlags(CLI::App *verb, Options &options) {
  addPath(verb, "--data", options.data,
          "arrays by input name, rows first (.npz)");
  addPath(verb, "--resume", options.resume,
          "load the newest valid checkpoint of this folder", "FOLDER");
  addPath(verb, "--init", options.init,
          "start from weights by name, and nothing else of the file: "
          ".safetensors (of PyTorch or anyone), .npz, or a folder of "
          "checkpoints");
  verb->add_option("--init-map", options.initMap,
                   "what weights are called there: OURS=THEIRS, * on both "
                   "sides for any text; OURS= leaves them as they start; or a "
                   "file of such lines")
      ->type_name("NAMES")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_flag("--init-partial", options.initPartial,
                 "let weights that --init does not have start as the model "
                 "says");
  verb->add_flag("--check-numerics", options.checkNumerics,
                 "name the first op whose result has an inf or NaN, with the "
                 "ranges of its inputs");
}

void addTrain(CLI::App &app, Options &options) {
  CLI::App *verb =
      app.add_subcommand("train", "train the model")->group("Verbs");
  addDataFlags(verb, options);
  addPath(verb, "--eval-data", options.evalData,
          "evaluate on this after each epoch (.npz)");
  addNumber(verb, "--steps", options.steps, "train until this step");
  addNumber(verb, "--epochs", options.epochs, "train until this epoch is done");
  addNumber(verb, "--seed", options.seed,
            "of the initial values and the row order (default 0, or the "
            "checkpoint's)");
  addPath(verb, "--save", options.save,
          "folder for checkpoints; one is saved at the end, and on Ctrl-C, "
          "SIGTERM and SIGHUP",
          "FOLDER");
  addNumber(verb, "--save-every", options.saveEvery,
            "also save each N steps (0: do not)")
      ->capture_default_str();
  addNumber(verb, "--keep", options.keep,
            "checkpoints to keep, the newest (0: all)")
      ->capture_default_str();
  addNumber(verb, "--keep-every", options.keepEvery,
            "also keep those whose step is a multiple of N (0: none)")
      ->capture_default_str();
  addPath(verb, "--log", options.log, "write a row for each step (.csv)");
  addNumber(verb, "--log-every", options.logEvery,
            "steps between lines when stderr is no terminal", 1)
      ->capture_default_str();
  addPath(verb, "--profile-numerics", options.profileNumerics,
          "record ranges and rounding errors of all tensors, for "
          "vernier-compile --policy=auto (.json)");
  addNumber(verb, "--profile-every", options.profileEvery,
            "steps from one that is recorded to the next (default 10)", 1);
  addCommonFlags(verb, options);
}

void addOthers(CLI::App &app, Options &options) {
  CLI::App *info =
      app.add_subcommand("info", "describe the plan")->group("Verbs");
  info->add_flag("--json", options.json, "as a JSON object");
  addCommonFlags(info, options);

  CLI::App *eval = app.add_subcommand("eval", "loss and accuracy on a data set")
                       ->group("Verbs");
  addDataFlags(eval, options);
  addCommonFlags(eval, options);

  CLI::App *predict = app.add_subcommand("predict", "write the model's outputs")
                          ->group("Verbs");
  addDataFlags(predict, options);
  addPath(predict, "--output", options.output, "file to write (.npz)");
  addCommonFlags(predict, options);

  CLI::App *bench =
      app.add_subcommand("bench", "time steps on random data")->group("Verbs");
  addNumber(bench, "--steps", options.steps, "steps to time (default 50)", 1);
  addNumber(bench, "--warmup", options.warmup, "steps before those")
      ->capture_default_str();
  bench->add_option("--entry", options.entry, "step, loss or predict")
      ->capture_default_str();
  bench->add_flag("--profile", options.profile,
                  "then time as many steps again, call by call, and say where "
                  "the time goes (stderr)");
  addCommonFlags(bench, options);
}

/// Of "--save: 1 required FOLDER missing" and "--save: At Most 1 required but
/// received 2".
std::string describeMismatch(const CLI::ArgumentMismatch &error) {
  std::string text = error.what(), flag = text.substr(0, text.find(':'));
  return text.find("missing") != std::string::npos
             ? flag + ": its value is missing"
             : flag + " is given more than once; give it once";
}

std::vector<std::string> flagsOf(const CLI::App *app) {
  std::vector<std::string> names;
  for (const CLI::Option *option : app->get_options())
    for (const std::string &name : option->get_lnames())
      names.push_back("--" + name);
  return names;
}

/// Name what CLI11 could not place, with a suggestion.
void refuseLeftovers(const CLI::App &app, const Options &options) {
  std::vector<std::string> leftovers = app.remaining(true);
  if (leftovers.empty())
    return;
  std::string first = leftovers.front();
  std::vector<std::string> verbs;
  for (const CLI::App *verb : app.get_subcommands({}))
    verbs.push_back(verb->get_name());
  if (first.rfind('-', 0) == 0) {
    const CLI::App *verb =
        options.verb.empty() ? &app : app.get_subcommand(options.verb);
    first = first.substr(0, first.find('='));
    throw Failure(Usage, fmt::format("unknown flag '{}'{}", first,
                                     didYouMean(first, flagsOf(verb))));
  }
  if (options.verb.empty())
    throw Failure(Usage, fmt::format("unknown verb '{}'{} (verbs: {})", first,
                                     didYouMean(first, verbs), joined(verbs)));
  throw Failure(Usage, fmt::format("unexpected argument '{}' after '{}'", first,
                                   options.verb));
}

void require(bool given, const Options &options, const char *what) {
  if (!given)
    throw Failure(Usage, fmt::format("{} needs {}", options.verb, what));
}

void checkCombination(const Options &options) {
  bool readsData = options.verb == "train" || options.verb == "eval" ||
                   options.verb == "predict";
  require(!options.plan.empty(), options,
          "a plan: vernier-run MODEL.vplan VERB");
  if (readsData)
    require(!options.data.empty(), options, "--data FILE.npz");
  if (!options.init.empty() && !options.resume.empty())
    throw Failure(Usage, "--init starts from the weights of a file, --resume "
                         "goes on with a run; give one");
  if (options.init.empty() && (!options.initMap.empty() || options.initPartial))
    throw Failure(Usage, fmt::format("{} needs --init FILE",
                                     options.initPartial ? "--init-partial"
                                                         : "--init-map"));
  if (options.verb == "predict")
    require(!options.output.empty(), options, "--output FILE.npz");
  if (options.verb != "train")
    return;
  require(options.steps || options.epochs, options, "--steps N or --epochs N");
  if (options.steps && options.epochs)
    throw Failure(Usage, "--steps and --epochs exclude each other; give one");
  if (options.saveEvery && options.save.empty())
    throw Failure(Usage, "--save-every needs --save FOLDER");
  if (options.keepEvery && options.save.empty())
    throw Failure(Usage, "--keep-every needs --save FOLDER");
  if (options.profileEvery && options.profileNumerics.empty())
    throw Failure(Usage, "--profile-every needs --profile-numerics FILE.json");
}

} // namespace

std::optional<Options> vernier::run::parseCommandLine(int argc, char **argv) {
  Options options;
  CLI::App app(
      "Runs plans that vernier-compile wrote: trains, evaluates, predicts.",
      "vernier-run");
  app.formatter(std::make_shared<ExamplesFirst>());
  app.set_version_flag("--version", version);
  app.footer(exitCodes);
  app.add_option("plan", options.plan, "the plan (.vplan)")->type_name("FILE");
  addTrain(app, options);
  addOthers(app, options);
  // Leftovers are named by refuseLeftovers, with suggestions.
  app.allow_extras();
  for (CLI::App *verb : app.get_subcommands({})) {
    if (auto found = results.find(verb->get_name()); found != results.end())
      verb->footer(std::string(found->second) + exitCodes);
    verb->allow_extras()->fallthrough(); // the plan may also follow the verb
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &success) {
    app.exit(success); // prints help or version on stdout
    return std::nullopt;
  } catch (const CLI::ArgumentMismatch &error) {
    throw Failure(Usage, describeMismatch(error));
  } catch (const CLI::ParseError &error) {
    throw Failure(Usage, error.what());
  }
  if (!app.get_subcommands().empty())
    options.verb = app.get_subcommands().front()->get_name();
  refuseLeftovers(app, options);
  if (options.verb.empty())
    throw Failure(Usage, "no verb; say what to do: vernier-run MODEL.vplan "
                         "train|info|eval|predict|bench");
  checkCombination(options);
  refuseOverwriting(options);
  return options;
}
