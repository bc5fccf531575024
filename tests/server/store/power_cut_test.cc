// The power is cut again and again while a server commits, and nothing is lost that was
// acknowledged.
//
// A failure prints its seed: FUSEBOX_SEED=... tells the same story again. FUSEBOX_POWER_CUTS=...
// asks for more of them than the 200 of every build.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/store/sqlite_store.h"
#include "testing/faulty_disk.h"
#include "testing/temporary_directory.h"

namespace fusebox {
namespace {

using Rows = std::map<std::pair<Table, std::string>, std::string>;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* given = std::getenv(name);
  uint64_t value = 0;
  return given != nullptr && absl::SimpleAtoi(given, &value) ? value : otherwise;
}

// A server, its disk, and what it may find there after a cut.
class Story {
 public:
  explicit Story(uint64_t seed) : random_(seed) {}

  // One server's life, from its start to its crash. False if it found what it should not.
  bool Live();
  // How that ended: the power was cut, or else only the server was killed.
  bool EndsWithACut();

  uint64_t commits() const { return commits_; }
  uint64_t in_flight_found() const { return in_flight_found_; }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool Read();
  void Work();
  absl::Status CommitSome(Rows& rows);
  absl::Status ReplaceAll(Rows& rows);
  std::string AnyValue();

  std::mt19937_64 random_;
  TemporaryDirectory directory_;
  std::unique_ptr<FaultyDisk> disk_;
  std::unique_ptr<SqliteStore> store_;
  // The first was acknowledged; each other one was in flight when a server crashed, since then.
  std::vector<Rows> possible_ = {Rows{}};
  Rows rows_;  // What the server knows.
  uint64_t commits_ = 0;
  uint64_t in_flight_found_ = 0;
};

bool Story::Live() {
  if (disk_ == nullptr) disk_ = std::make_unique<FaultyDisk>(random_());
  store_ = *SqliteStore::Open({.data_dir = directory_.path(), .vfs = disk_->name()});
  // Now and then while it still reads.
  if (Below(4) == 0) disk_->CrashAt(1 + Below(40));
  if (!Read()) return false;
  if (!disk_->crashed()) {
    disk_->CrashAt(1 + Below(Below(4) == 0 ? 2000 : 200));
    Work();
  }
  return !::testing::Test::HasFailure();
}

bool Story::Read() {
  rows_.clear();
  const absl::Status read = store_->Read([this](const RowView& row) {
    rows_[{row.table, std::string(row.key)}] = std::string(row.value);
  });
  if (!read.ok()) {
    EXPECT_TRUE(disk_->crashed() && absl::IsUnavailable(read)) << read;
    return disk_->crashed();
  }
  for (size_t i = 0; i < possible_.size(); ++i) {
    if (rows_ != possible_[i]) continue;
    if (i > 0) ++in_flight_found_;
    return true;
  }
  ADD_FAILURE() << "found " << rows_.size() << " rows, which are neither the "
                << possible_.front().size() << " acknowledged ones nor any that were in flight";
  return false;
}

void Story::Work() {
  while (true) {
    Rows next = rows_;
    const absl::Status done = Below(12) == 0 ? ReplaceAll(next) : CommitSome(next);
    if (!done.ok()) {
      EXPECT_TRUE(disk_->crashed() && absl::IsUnavailable(done)) << done;
      possible_.push_back(std::move(next));
      return;
    }
    ++commits_;
    rows_ = next;
    possible_ = {std::move(next)};
    if (disk_->crashed()) return;  // When it was done, and before it was asked for more.
  }
}

absl::Status Story::CommitSome(Rows& rows) {
  Changes changes;
  for (uint64_t left = 1 + Below(Below(8) == 0 ? 80 : 6); left > 0; --left) {
    const auto table = static_cast<Table>(1 + Below(6));
    std::string key = absl::StrCat("key/", Below(60));
    if (Below(3) == 0) {
      rows.erase({table, key});
      changes.Erase(table, std::move(key));
    } else {
      const std::string value = AnyValue();
      rows[{table, key}] = value;
      changes.Put(table, std::move(key), value);
    }
  }
  return store_->Commit(changes);
}

absl::Status Story::ReplaceAll(Rows& rows) {
  for (auto row = rows.begin(); row != rows.end();) {
    if (Below(3) == 0) {
      row = rows.erase(row);
    } else {
      (row++)->second = AnyValue();
    }
  }
  return store_->Replace([&rows](Store::Show show) {
    for (const auto& [where, value] : rows) show({where.first, where.second, value});
  });
}

// Mostly small; some of several pages; and so large a one that SQLite writes before it commits.
std::string Story::AnyValue() {
  const uint64_t kind = Below(200);
  const uint64_t size = kind == 0 ? Below(600'000) : kind < 20 ? Below(20'000) : Below(200);
  return std::string(size, static_cast<char>(Below(256)));
}

bool Story::EndsWithACut() {
  store_.reset();
  if (Below(4) == 0) {
    disk_->Revive();
    return false;
  }
  disk_->CutPower();
  disk_.reset();
  return true;
}

TEST(PowerCutTest, NothingThatWasAcknowledgedIsLostAndNothingIsThereByHalf) {
  const uint64_t seed = FromEnvironment("FUSEBOX_SEED", std::random_device()());
  SCOPED_TRACE(absl::StrCat("FUSEBOX_SEED=", seed));
  const uint64_t wanted = FromEnvironment("FUSEBOX_POWER_CUTS", 200);
  Story story(seed);
  for (uint64_t cuts = 0; cuts < wanted;) {
    ASSERT_TRUE(story.Live()) << "after " << cuts << " cuts";
    if (story.EndsWithACut()) ++cuts;
  }
  // Otherwise nothing was tried.
  EXPECT_GT(story.commits(), wanted);
  EXPECT_GT(story.in_flight_found(), 0);
}

}  // namespace
}  // namespace fusebox
