// Lists breakers, the ones in trouble first.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/breaker_text.h"
#include "client/cli/enums.h"
#include "client/cli/errors.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

constexpr int kPageSize = 1000;

struct ListFlags {
  std::string match;
  std::vector<std::string> states;
  std::optional<int> limit;
};

// 0 refuses calls, 1 lets only probes pass, 2 is unwell, 3 is well.
int Rank(const v1::Breaker& breaker) {
  if (breaker.override().mode() == v1::OVERRIDE_MODE_FORCED_OPEN) return 0;
  if (breaker.state() == v1::STATE_OPEN) return 0;
  if (breaker.state() == v1::STATE_HALF_OPEN) return 1;
  return breaker.health() == v1::HEALTH_HEALTHY ? 3 : 2;
}

bool IsWorse(const v1::Breaker& a, const v1::Breaker& b) {
  return std::make_tuple(Rank(a), a.score(), a.name()) <
         std::make_tuple(Rank(b), b.score(), b.name());
}

// The worst come first only when all are known, so every page is read. With a limit no more than
// that and one page is held at a time.
class Worst {
 public:
  explicit Worst(std::optional<int> limit) : limit_(limit) {}

  void Take(const v1::ListBreakersResponse& page) {
    seen_ += page.breakers_size();
    auto& kept = *list_.mutable_breakers();
    kept.MergeFrom(page.breakers());
    std::sort(kept.begin(), kept.end(), IsWorse);
    const int excess = limit_.has_value() ? kept.size() - *limit_ : 0;
    if (excess > 0) kept.DeleteSubrange(*limit_, excess);
  }

  const v1::ListBreakersResponse& list() const { return list_; }
  size_t seen() const { return seen_; }

 private:
  const std::optional<int> limit_;
  v1::ListBreakersResponse list_;
  size_t seen_ = 0;
};

Table ListTable(const v1::ListBreakersResponse& list) {
  Table table;
  table.AddRow(
      {"NAME", "STATE", "FOR", "FAILURE-RATE", "CALLS", "REFUSED", "POLICY", "OVERRIDE", "HEALTH"});
  for (const v1::Breaker& breaker : list.breakers()) {
    const v1::Window& window = breaker.window();
    const std::string imposed =
        breaker.has_override() ? EnumText(breaker.override().mode()) : std::string("-");
    table.AddRow({breaker.name(), StateCell(breaker.state()), RetryAfterText(breaker),
                  window.calls() == 0 ? "-" : PercentText(window.failure_rate()),
                  absl::StrCat(window.calls()), absl::StrCat(breaker.totals().refused()),
                  breaker.policy(), imposed, HealthCell(breaker.health())});
  }
  return table;
}

void PrintTable(Invocation& cli, const Worst& worst) {
  const size_t shown = worst.list().breakers_size();
  if (shown == 0) {
    cli.err << "No breakers match. A breaker exists from its first `allow` on.\n";
    return;
  }
  cli.out.Print(ListTable(worst.list()));
  if (shown < worst.seen()) {
    cli.err << "The worst " << shown << " of " << worst.seen() << ".\n";
  }
}

int List(Invocation& cli, const ListFlags& flags) {
  v1::ListBreakersRequest request;
  request.set_match(flags.match);
  request.set_page_size(kPageSize);
  for (const std::string& state : flags.states) request.add_states(EnumValue<v1::State>(state));
  Worst worst(flags.limit);
  do {
    v1::ListBreakersResponse page;
    const grpc::Status status =
        cli.server.Call(&v1::AdminService::Stub::ListBreakers, request, &page);
    if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
    worst.Take(page);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (cli.out.json()) {
    cli.out.Json(worst.list());
  } else {
    PrintTable(cli, worst);
  }
  return kOk;
}

}  // namespace

void AddList(Commands& commands) {
  auto [verb, flags] = commands.Add<ListFlags>("list", "Lists breakers, the worst first", List);
  verb.add_option("GLOB", flags.match, "Which ones, as in 'payments.v1.*/**' [all]");
  verb.add_option("--state", flags.states, "Only those in this state; may be repeated")
      ->transform(CLI::IsMember(EnumNames<v1::State>(), CLI::ignore_case))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("STATE");
  verb.add_option("--limit", flags.limit, "Only the worst N")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
}

}  // namespace fusebox::cli
