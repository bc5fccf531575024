#include "server/flusher/loader.h"

#include <atomic>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/flusher/in_parallel.h"
#include "server/flusher/outage_decoder.h"

namespace fusebox {
namespace {

constexpr char kServerKey[] = "server";

absl::Status ReadOverride(const RowView& row, const RecordTime& now, std::vector<Override>& all) {
  absl::StatusOr<Override> override = DecodeOverride(row.value, now);
  if (!override.ok()) return override.status();
  all.push_back(*std::move(override));
  return absl::OkStatus();
}

template <typename Message>
absl::Status ReadResource(const RowView& row, Resources<Message>& all) {
  auto message = std::make_shared<Message>();
  if (!message->ParseFromArray(row.value.data(), static_cast<int>(row.value.size())) ||
      message->name() != row.key) {
    return MakeError(absl::StatusCode::kDataLoss, "STORE_CORRUPT",
                     absl::StrCat("the row of ", QuoteForError(row.key),
                                  " is not what its key says; another program wrote it"));
  }
  all[message->name()] = std::move(message);
  return absl::OkStatus();
}

// What becomes part of a Kept once all rows are there.
struct Unfinished {
  std::vector<Override> overrides;
  OutageDecoder outages;
};

// The server's row comes first, and says what the times of all others mean.
absl::Status ReadRow(const RowView& row, RecordTime& now, Kept& kept, Unfinished& rest) {
  switch (row.table) {
    case Table::kServer: {
      const absl::StatusOr<ServerState> server = DecodeServer(row.value);
      if (!server.ok()) return server.status();
      kept.life = server->life;
      kept.seen = now.earlier = server->seen;
      return absl::OkStatus();
    }
    case Table::kPolicies:
      return ReadResource(row, kept.book.policies);
    case Table::kRetryBudgets:
      return ReadResource(row, kept.book.retry_budgets);
    case Table::kOverrides:
      return ReadOverride(row, now, rest.overrides);
    case Table::kBreakers:
      rest.outages.Add(row.key, row.value, now);
      return absl::OkStatus();
    case Table::kTransitions: {
      absl::StatusOr<Event> event = DecodeTransition(row.value, now);
      if (!event.ok()) return event.status();
      kept.events.push_back(*std::move(event));
      return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

absl::Status AddOverrides(std::vector<Override> overrides, Book& book) {
  auto all = OverrideSet::Make(std::move(overrides));
  if (!all.ok()) {
    return MakeError(absl::StatusCode::kDataLoss, "STORE_CORRUPT", all.status().message());
  }
  book.overrides = *std::move(all);
  return absl::OkStatus();
}

size_t CountOutages(const Outages& parts) {
  size_t count = 0;
  for (const auto& part : parts) count += part.size();
  return count;
}

template <typename Message>
void ShowResources(const Resources<Message>& all, Table table, Store::Show show) {
  for (const auto& [name, message] : all) {
    if (message->info().source() != v1::SOURCE_API) continue;
    const std::string bytes = message->SerializeAsString();
    show({table, name, bytes});
  }
}

}  // namespace

absl::StatusOr<Kept> ReadKept(Store& store, const RecordTime& now) {
  Kept kept;
  RecordTime time = now;
  Unfinished rest;
  absl::Status understood;
  const absl::Status read = store.Read([&](const RowView& row) {
    if (understood.ok()) understood = ReadRow(row, time, kept, rest);
  });
  if (!read.ok()) return read;
  if (understood.ok()) understood = AddOverrides(std::move(rest.overrides), kept.book);
  absl::StatusOr<Outages> outages = rest.outages.Finish();
  if (understood.ok()) understood = outages.status();
  if (!understood.ok()) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "STORE_TOO_NEW",
        absl::StrCat(understood.message(), "; start the release that did, or another --data-dir"));
  }
  kept.outages = *std::move(outages);
  return kept;
}

absl::StatusOr<bool> GoOnWith(const Kept& kept, Control& control, Engine& engine) {
  if (absl::Status rules = control.Restore(kept.book); !rules.ok()) return rules;
  engine.RestoreEvents(kept.events);
  engine.Expect(CountOutages(kept.outages));
  std::atomic<bool> are_all_back{true};
  InParallel(kept.outages.size(), [&](size_t part) {
    if (!engine.RestoreOutages(kept.outages[part]).ok()) are_all_back = false;
  });
  engine.RestoreOverrides(kept.book.overrides);
  return are_all_back.load();
}

void PutServer(const ServerState& server, Changes& changes) {
  changes.Put(Table::kServer, kServerKey, EncodeServer(server));
}

void ShowEverything(const Control& control, Engine& engine, const ServerState& server,
                    const RecordTime& now, Store::Show show, std::deque<uint64_t>& events) {
  show({Table::kServer, kServerKey, EncodeServer(server)});
  const std::shared_ptr<const Book> book = control.book();
  ShowResources(book->policies, Table::kPolicies, show);
  ShowResources(book->retry_budgets, Table::kRetryBudgets, show);
  for (const OverrideSet::Shared& override : book->overrides->all()) {
    show({Table::kOverrides, override->match, EncodeOverride(*override, now)});
  }
  for (const std::string& breaker : engine.BreakersInOutage()) {
    const std::optional<Outage> outage = engine.SaveOutage(breaker);
    if (outage.has_value()) show({Table::kBreakers, breaker, EncodeOutage(*outage, breaker, now)});
  }
  for (const Event& event : engine.events().After(0, std::numeric_limits<size_t>::max())) {
    show({Table::kTransitions, TransitionKey(event.transition.number),
          EncodeTransition(event, now)});
    events.push_back(event.transition.number);
  }
}

}  // namespace fusebox
