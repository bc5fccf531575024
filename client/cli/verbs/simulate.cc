// Tells what policies would have made of calls that were recorded.
#include <algorithm>
#include <deque>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/candidate.h"
#include "client/cli/manifest.h"
#include "client/cli/simulation.h"
#include "client/cli/simulation_text.h"
#include "client/cli/trace.h"
#include "client/cli/verbs/verbs.h"
#include "core/name.h"

namespace fusebox::cli {
namespace {

constexpr char kSimulateFooter[] =
    R"(The trace is CSV with a header; columns come in any order and others are ignored:
  time         when the call began, in seconds, ascending
  client       who called
  outcome      SUCCESS, FAILURE, TIMEOUT, RATE_LIMITED, CALLER_ERROR or IGNORED, a gRPC code by name
               or number, or an HTTP status
  latency      how long it took, in seconds (0.02) or with a unit (20ms); may be empty
  attempt, retry_after, breaker
               if they are there: which attempt it was (1), what the dependency asked for, which
               breaker was asked

A file with one policy is tried with that one, whatever it matches; of several the one that rules
the breaker. No server is asked.)";

constexpr char kNameless[] = "trace";

struct SimulateFlags {
  std::vector<std::string> policies;
  std::string trace;
  std::string breaker;
};

// Two readers of stdin would each get a part of it.
absl::Status CheckStdin(const SimulateFlags& flags) {
  const auto policies = std::count(flags.policies.begin(), flags.policies.end(), "-");
  const bool is_trace = flags.trace == "-";
  const auto times = policies + (is_trace ? 1 : 0);
  if (times <= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(is_trace ? "--trace and --policy name" : "--policy names", " stdin, \"-\", ",
                   times, " times, and it can be read once; give a file for each but one"));
}

// One trace through all policies at once, so that it is read once and may come from a pipe.
class Trial {
 public:
  Trial(Invocation& cli, const SimulateFlags& flags) : cli_(cli), flags_(flags) {}

  // To be called first: a trace may take long to come, and all that can be found wrong without it
  // is found before.
  absl::Status ReadPolicies() {
    for (const std::string& path : flags_.policies) {
      absl::StatusOr<CandidateFile> file = CandidateFile::Read(path);
      if (!file.ok()) return file.status();
      files_.push_back(*std::move(file));
    }
    return flags_.breaker.empty() ? absl::OkStatus() : Begin(flags_.breaker);
  }

  absl::Status Run(std::istream& in, const std::string& name) {
    TraceReader trace(in, name, /*one_breaker=*/flags_.breaker.empty());
    bool is_empty = true;
    while (true) {
      const absl::StatusOr<std::optional<TracedCall>> call = trace.Next();
      if (!call.ok()) return call.status();
      if (!call->has_value()) break;
      if (simulations_.empty()) {
        if (absl::Status bad = Begin(NameOf(**call)); !bad.ok()) return bad;
      }
      for (Simulation& simulation : simulations_) simulation.Take(**call);
      is_empty = false;
    }
    if (is_empty) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, " holds no call; write one a line behind the header, like 0.5,web-1,SUCCESS,0.02"));
    }
    return absl::OkStatus();
  }

  void Print() {
    for (size_t i = 0; i < candidates_.size(); ++i) {
      AddTrial(candidates_[i], simulations_[i].Finish(), report_);
    }
    cli_.out.Print({report_, [this](bool) { return SimulationTable(report_); }});
  }

 private:
  static std::string NameOf(const TracedCall& call) {
    return call.breaker.empty() ? kNameless : std::string(call.breaker);
  }

  // What the policies are for is known from --breaker, else from the first call on.
  absl::Status Begin(const std::string& breaker) {
    report_.set_breaker(breaker);
    for (const CandidateFile& file : files_) {
      absl::StatusOr<Candidate> candidate = file.Choose(breaker);
      if (!candidate.ok()) return candidate.status();
      if (candidate->is_built_in) {
        cli_.err << candidate->file << " has no policy for " << report_.breaker()
                 << ", so that the built-in default rules it; --breaker names another.\n";
      }
      simulations_.emplace_back(candidate->ruling, candidate->shared_budget);
      candidates_.push_back(*std::move(candidate));
    }
    return absl::OkStatus();
  }

  Invocation& cli_;
  const SimulateFlags& flags_;
  std::vector<CandidateFile> files_;
  std::vector<Candidate> candidates_;
  std::deque<Simulation> simulations_;  // Of each candidate.
  SimulationReport report_;
};

absl::Status CheckFlags(const SimulateFlags& flags) {
  if (absl::Status bad = CheckStdin(flags); !bad.ok()) return bad;
  return flags.breaker.empty() ? absl::OkStatus() : CheckBreakerName(flags.breaker);
}

absl::Status RunTrace(Trial& trial, const std::string& path) {
  if (path == "-") return trial.Run(std::cin, "stdin");
  std::ifstream file(path, std::ios::binary);
  if (file.is_open()) return trial.Run(file, path);
  return absl::InvalidArgumentError(
      absl::StrCat("cannot read \"", path, "\"; name a file, or - for stdin"));
}

int Simulate(Invocation& cli, const SimulateFlags& flags) {
  if (absl::Status bad = CheckFlags(flags); !bad.ok()) return ReportBadFile(cli.err, bad);
  Trial trial(cli, flags);
  absl::Status status = trial.ReadPolicies();
  if (status.ok()) status = RunTrace(trial, flags.trace);
  if (!status.ok()) return ReportBadFile(cli.err, status);
  trial.Print();
  return kOk;
}

}  // namespace

void AddSimulate(Commands& commands) {
  auto [verb, flags] = commands.Add<SimulateFlags>(
      "simulate", "Tells what policies would have made of recorded calls", Simulate);
  verb.Add("--policy", flags.policies,
           "YAML with policies, as `apply` takes; repeat it to compare several")
      .Required()
      .CommaSeparated()
      .Metavar("FILE");
  verb.Add("--trace", flags.trace, "CSV with the calls; - is stdin").Required().Metavar("FILE");
  verb.Add("--breaker", flags.breaker, "Which breaker all calls are for [the trace's, else trace]")
      .Metavar("BREAKER");
  verb.Footer(kSimulateFooter);
}

}  // namespace fusebox::cli
