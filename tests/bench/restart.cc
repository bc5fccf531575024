// How long a server takes to know again which of a million breakers were not closed, as a ratio to
// reading the same rows through SQLite and nothing else.
#include <sqlite3.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "bench/names.h"
#include "bench/paired.h"
#include "server/flusher/flusher.h"
#include "server/store/sqlite_store.h"
#include "testing/fake_clock.h"
#include "testing/temporary_directory.h"

namespace fusebox {
namespace {

// Of these every tenth is open. Rows are kept of breakers that are not closed, and of no others.
constexpr size_t kBreakers = 1'000'000;
constexpr size_t kOpenOf = 10;

void OrDie(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::abort();
}

void WriteOutages(const std::string& directory, const std::vector<std::string>& names,
                  const FakeClock& clock) {
  const auto store = *SqliteStore::Open({.data_dir = directory});
  const RecordTime now = RecordTime::Now(clock);
  OrDie(store->Read([](const RowView&) {}));
  OrDie(store->Replace([&](Store::Show show) {
    show({Table::kServer, "server", EncodeServer({1, now.boot_time()})});
    for (size_t i = 0; i < names.size(); i += kOpenOf) {
      const Outage outage{.state = State::kOpen,
                          .open_until = now.anchor.tick + absl::Hours(1),
                          .reopens = 1,
                          .last = {.number = i + 1,
                                   .to = State::kOpen,
                                   .cause = Cause::kFailureRate,
                                   .epoch = i + 1,
                                   .time = now.anchor.tick,
                                   .window = {.calls = 100, .failures = 60, .slow = 0},
                                   .failing_clients = {"checkout-1"},
                                   .open_for = absl::Hours(1)}};
      show({Table::kBreakers, names[i], EncodeOutage(outage, names[i], now)});
    }
  }));
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Does it again and again for so long; returns how often a second, by the seconds that it returns.
double Rate(absl::Duration duration, const std::function<double()>& work) {
  double times = 0, seconds = 0;
  do {
    seconds += work();
    ++times;
  } while (seconds < absl::ToDoubleSeconds(duration));
  return times / seconds;
}

double SelectEverything(const std::string& file) {
  const auto start = std::chrono::steady_clock::now();
  sqlite3* database = nullptr;
  sqlite3_stmt* rows = nullptr;
  size_t bytes = 0;
  if (sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READONLY, nullptr) != SQLITE_OK ||
      sqlite3_prepare_v2(database, "SELECT * FROM rows", -1, &rows, nullptr) != SQLITE_OK) {
    std::abort();
  }
  while (sqlite3_step(rows) == SQLITE_ROW) {
    for (int column = 0; column < sqlite3_column_count(rows); ++column) {
      sqlite3_column_blob(rows, column);
      bytes += static_cast<size_t>(sqlite3_column_bytes(rows, column));
    }
  }
  sqlite3_finalize(rows);
  sqlite3_close(database);
  if (bytes == 0) std::abort();
  return SecondsSince(start);
}

using Look = std::function<void(Engine&)>;

// Returns how long it took until the first answer; what `look` does comes after that.
double StartServer(const std::string& directory, const std::string& some, const FakeClock& clock,
                   const Look& look) {
  const auto start = std::chrono::steady_clock::now();
  const auto store = *SqliteStore::Open({.data_dir = directory});
  const absl::StatusOr<Kept> kept = ReadKept(*store, RecordTime::Now(clock));
  OrDie(kept.status());
  Engine engine({}, clock, kept->life + 1);
  Control control(engine, {});
  Flusher flusher(engine, control, clock, *store, /*max_events=*/10'000);
  OrDie(flusher.Begin(kept));
  if (engine.Allow(some, {}, "")->decision.reason != Reason::kOpen) std::abort();
  const double seconds = SecondsSince(start);
  look(engine);
  return seconds;
}

// Every one of the million is as it was.
void CheckAnswers(Engine& engine, const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i) {
    const bool open = engine.Allow(names[i], {}, "")->decision.reason == Reason::kOpen;
    if (open != (i % kOpenOf == 0)) {
      std::fprintf(stderr, "%s is not as it was before the restart\n", names[i].c_str());
      std::abort();
    }
  }
}

std::string DataFile(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".db") return entry.path();
  }
  std::abort();
}

bool Run() {
  const TemporaryDirectory directory;
  const FakeClock clock;
  const std::vector<std::string> names = BenchNames(kBreakers);
  WriteOutages(directory.path(), names, clock);
  const std::string file = DataFile(directory.path());
  const auto start = [&](const Look& look) {
    return StartServer(directory.path(), names.front(), clock, look);
  };
  start([&](Engine& engine) { CheckAnswers(engine, names); });
  return Compare(
      "starts with 100,000 open breakers, of a bare SELECT",
      [&](absl::Duration run) { return Rate(run, [&] { return start([](Engine&) {}); }); },
      [&](absl::Duration run) { return Rate(run, [&] { return SelectEverything(file); }); },
      {Limit::Kind::kAtLeast, 0.25});
}

}  // namespace
}  // namespace fusebox

int main() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return fusebox::Run() ? 0 : 1;
}
