// Follows breakers: those that exist, then every change, a line each.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "client/cli/breaker_text.h"
#include "client/cli/enums.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/follow.h"
#include "client/cli/transition_text.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.pb.h"

namespace fusebox::cli {
namespace {

struct WatchFlags {
  std::string match;
  bool until_synced = false;
  std::optional<int> count;
};

// As wide as the widest state, so that the names stand in a column although the next line is not
// known yet.
constexpr size_t kStateWidth = sizeof("HALF_OPEN") - 1;

Cell LineStart(Cell state) {
  const size_t padding = kStateWidth - std::min(kStateWidth, state.text.size());
  state.text.append(padding + 2, ' ');
  return state;
}

std::vector<Cell> BreakerLine(const v1::Breaker& breaker, bool transition) {
  std::string notes;
  if (transition) {
    const v1::Transition& last = breaker.last_transition();
    absl::StrAppend(&notes, "  ", ChangeText(last), ", ", EnumText(last.cause()));
  }
  if (breaker.has_retry_after()) absl::StrAppend(&notes, "  for ", RetryAfterText(breaker));
  if (breaker.has_override()) absl::StrAppend(&notes, "  ", OverrideText(breaker));
  return {LineStart(StateCell(breaker.state())), absl::StrCat(breaker.name(), notes)};
}

// Prints the events of one watch and knows when enough were seen.
class Follower {
 public:
  Follower(Invocation& cli, const WatchFlags& flags) : cli_(cli), flags_(flags) {}

  bool done() const { return done_; }

  // Whether the server took up the watch.
  bool begun() const { return begun_; }

  void Take(const v1::WatchBreakersResponse& event) {
    begun_ = true;
    switch (event.event_case()) {
      case v1::WatchBreakersResponse::kBreaker:
        return TakeBreaker(event);
      case v1::WatchBreakersResponse::kSynced:
        return TakeSynced(event);
      case v1::WatchBreakersResponse::kRemoved:
        seen_.erase(event.removed());
        return Print({event, {LineStart("-"), event.removed() + "  removed"}, event.removed()});
      case v1::WatchBreakersResponse::EVENT_NOT_SET:
        return;  // A kind of event that a newer server knows.
    }
  }

 private:
  void TakeBreaker(const v1::WatchBreakersResponse& event) {
    const v1::Breaker& breaker = event.breaker();
    const Version version(breaker.epoch(), breaker.revision());
    const auto [known, is_new] = seen_.try_emplace(breaker.name(), version);
    if (version < known->second) return;  // Overtaken on its way by a newer state.
    const bool moved = is_new || version.first != known->second.first;
    known->second = version;
    Print({event, BreakerLine(breaker, moved && breaker.has_last_transition()), breaker.name()});
  }

  void TakeSynced(const v1::WatchBreakersResponse& event) {
    done_ = flags_.until_synced;
    Print({event, {}, ""});
    if (!cli_.out.for_people()) return;
    cli_.err << "Breakers so far: " << seen_.size() << (done_ ? "." : "; changes follow.") << "\n";
  }

  void Print(const Step& step) {
    if (cli_.out.Print(step)) ++lines_;
    if (lines_ == flags_.count || !cli_.out.ok()) done_ = true;
  }

  using Version = std::pair<uint64_t, uint64_t>;  // Epoch and revision.

  Invocation& cli_;
  const WatchFlags& flags_;
  absl::flat_hash_map<std::string, Version> seen_;
  int lines_ = 0;
  bool begun_ = false;
  bool done_ = false;
};

int Watch(Invocation& cli, const WatchFlags& flags) {
  Follower follower(cli, flags);
  const grpc::Status end = Follow(cli.server, flags.match, absl::InfiniteDuration(),
                                  [&follower](const v1::WatchBreakersResponse& event) {
                                    follower.Take(event);
                                    return !follower.done();
                                  });
  if (end.ok()) return kOk;
  const int code = ReportRpcError(cli.err, cli.server, end);
  if (follower.begun()) {
    cli.err << "  The watch has ended; changes from here on are not shown.\n";
  }
  return code;
}

}  // namespace

void AddWatch(Commands& commands) {
  auto [verb, flags] = commands.Add<WatchFlags>(
      "watch", "Follows breakers: first those that exist, then each change, until interrupted",
      Watch);
  AddGlob(verb, flags.match);
  verb.Add("--until-synced", flags.until_synced, "End when those that exist were shown");
  verb.Add("--count", flags.count, "End after N lines").Positive().Metavar("N");
}

}  // namespace fusebox::cli
