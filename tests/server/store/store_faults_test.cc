// What the SQLite store does when the disk fails under it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/store/sqlite_store.h"
#include "testing/faulty_disk.h"
#include "testing/temporary_directory.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using Rows = std::map<std::pair<Table, std::string>, std::string>;

constexpr uint64_t kSeeds = 4;

// `count` rows that differ from those of another `version`.
Rows RowsOf(absl::string_view version, int count) {
  Rows rows;
  for (int i = 0; i < count; ++i) {
    const Table table = i % 2 == 0 ? Table::kPolicies : Table::kBreakers;
    rows[{table, absl::StrCat("key ", i)}] =
        absl::StrCat(version, std::string(static_cast<size_t>(i) * 10, 'v'));
  }
  return rows;
}

Changes Puts(const Rows& rows) {
  Changes changes;
  for (const auto& [where, value] : rows) changes.Put(where.first, where.second, value);
  return changes;
}

absl::Status ReplaceBy(SqliteStore& store, const Rows& rows) {
  return store.Replace([&](Store::Show show) {
    for (const auto& [where, value] : rows) show({where.first, where.second, value});
  });
}

absl::StatusOr<Rows> Read(SqliteStore& store) {
  Rows rows;
  const absl::Status read = store.Read([&](const RowView& row) {
    rows[{row.table, std::string(row.key)}] = std::string(row.value);
  });
  if (!read.ok()) return read;
  return rows;
}

std::string Load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A directory with `before` in it, and a store that has read it through a disk.
class Scene {
 public:
  // A disk that keeps for sure only what is synced has a seed.
  explicit Scene(std::optional<uint64_t> seed = std::nullopt)
      : disk_(seed.has_value() ? std::make_unique<FaultyDisk>(*seed)
                               : std::make_unique<FaultyDisk>()) {
    const std::unique_ptr<SqliteStore> store = OpenOn(healthy_.name());
    EXPECT_TRUE(Read(*store).ok());
    EXPECT_TRUE(store->Commit(Puts(before)).ok());
  }

  std::unique_ptr<SqliteStore> OpenOn(const std::string& vfs) const {
    return *SqliteStore::Open({.data_dir = directory_.path(), .vfs = vfs});
  }
  std::unique_ptr<SqliteStore> OpenAndRead() const {
    std::unique_ptr<SqliteStore> store = OpenOn(disk_->name());
    const absl::StatusOr<Rows> read = Read(*store);
    EXPECT_TRUE(read.ok()) << read.status();
    return store;
  }
  // What the next server finds.
  Rows Found() const {
    const absl::StatusOr<Rows> read = Read(*OpenOn(healthy_.name()));
    EXPECT_TRUE(read.ok()) << read.status();
    return read.value_or(Rows{});
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(directory_.path())) {
      names.push_back(file.path().filename().string());
    }
    return names;
  }

  FaultyDisk& disk() { return *disk_; }
  std::string FileOf(int generation) const {
    return absl::StrCat(directory_.path(), "/fusebox-", generation, ".db");
  }
  FaultyDisk::Counts OldFile() const {
    FaultyDisk::Counts counts = disk_->CountsOf(FileOf(1));
    const FaultyDisk::Counts journal = disk_->CountsOf(FileOf(1) + "-journal");
    counts.writes += journal.writes;
    counts.syncs += journal.syncs;
    return counts;
  }

  const Rows before = RowsOf("before", 20);
  const Rows after = RowsOf("after", 40);

 private:
  TemporaryDirectory directory_;
  FaultyDisk healthy_;  // Faster than a real one.
  std::unique_ptr<FaultyDisk> disk_;
};

void ExpectFailed(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(ErrorReason(status), "STORE_FAILED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("--data-dir"));
}

// What the next server finds is no mix, and what was acknowledged is in it.
void ExpectWhole(const Scene& scene, bool is_acknowledged) {
  const Rows found = scene.Found();
  if (is_acknowledged || found != scene.before) {
    EXPECT_EQ(found, scene.after);
  }
}

absl::Status CommitRows(SqliteStore& store, const Rows& rows) { return store.Commit(Puts(rows)); }

TEST(StoreFaultsTest, AFullDiskRefusesCommitsAndSaysWhatToDo) {
  Scene scene;
  const std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
  scene.disk().SetFull(true);
  const absl::Status failed = store->Commit(Puts(scene.after));
  ExpectFailed(failed);
  EXPECT_THAT(std::string(failed.message()), HasSubstr("free space"));
}

TEST(StoreFaultsTest, AfterAFailureNothingTouchesTheDisk) {
  Scene scene;
  const std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
  scene.disk().SetFull(true);
  const absl::Status failed = store->Commit(Puts(scene.after));
  scene.disk().SetFull(false);
  const FaultyDisk::Counts then = scene.disk().counts();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(store->Commit(Puts(scene.after)), failed);
  EXPECT_EQ(scene.disk().counts(), then);
}

TEST(StoreFaultsTest, ReplacingMakesItWholeOnceThereIsSpace) {
  Scene scene;
  {
    const std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
    scene.disk().SetFull(true);
    ExpectFailed(store->Commit(Puts(scene.after)));
    ExpectFailed(ReplaceBy(*store, scene.after));
    ExpectFailed(store->Commit(Puts(scene.before)));
    scene.disk().SetFull(false);
    const Rows rows = RowsOf("other", 5);
    ASSERT_TRUE(ReplaceBy(*store, rows).ok());
    EXPECT_EQ(*Read(*store), rows);
    ASSERT_TRUE(store->Commit(Puts(scene.after)).ok());
  }
  EXPECT_EQ(scene.Found(), scene.after);
}

TEST(StoreFaultsTest, AFullDiskKeepsWhatWasThere) {
  Scene scene;
  {
    const std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
    scene.disk().SetFull(true);
    ExpectFailed(store->Commit(Puts(scene.after)));
    ExpectFailed(ReplaceBy(*store, scene.after));
  }
  EXPECT_EQ(scene.Found(), scene.before);
}

// An empty directory on a disk that is full is read, and written once there is space.
TEST(StoreFaultsTest, AFullDiskThatHasNothingIsRead) {
  TemporaryDirectory directory;
  FaultyDisk disk;
  disk.SetFull(true);
  const auto store = *SqliteStore::Open({.data_dir = directory.path(), .vfs = disk.name()});
  EXPECT_THAT(*Read(*store), IsEmpty());
  ExpectFailed(store->Commit(Puts(RowsOf("first", 1))));
  disk.SetFull(false);
  EXPECT_TRUE(ReplaceBy(*store, RowsOf("first", 1)).ok());
  EXPECT_EQ(*Read(*store), RowsOf("first", 1));
}

// Each sync of a commit in turn. A second one that succeeds says nothing of what the first one was
// for, so the file gets no other chance.
TEST(StoreFaultsTest, AFileIsLeftAloneOnceASyncFailed) {
  uint64_t syncs = 0;
  for (bool fails = true; fails; ++syncs) {
    SCOPED_TRACE(absl::StrCat("sync ", syncs));
    Scene scene;
    std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
    scene.disk().FailSyncs(syncs, 1);
    const absl::Status committed = store->Commit(Puts(scene.after));
    fails = !committed.ok();
    if (!fails) break;
    ExpectFailed(committed);
    const FaultyDisk::Counts then = scene.OldFile();
    EXPECT_EQ(store->Commit(Puts(scene.before)), committed);
    ASSERT_TRUE(ReplaceBy(*store, scene.after).ok());
    ASSERT_TRUE(store->Commit(Puts(scene.before)).ok());
    store.reset();
    EXPECT_EQ(scene.OldFile(), then);
  }
  EXPECT_GE(syncs, 3);
}

TEST(StoreFaultsTest, AReadErrorIsNoCorruption) {
  Scene scene;
  const std::string bytes = Load(scene.FileOf(1));
  const std::unique_ptr<SqliteStore> store = scene.OpenOn(scene.disk().name());
  scene.disk().FailReads(true);
  const absl::Status failed = Read(*store).status();
  ExpectFailed(failed);
  EXPECT_THAT(std::string(failed.message()), Not(HasSubstr("corrupt")));
  // Nothing is known, so nothing is given up.
  EXPECT_EQ(ErrorReason(ReplaceBy(*store, {})), "STORE_UNREAD");
  EXPECT_EQ(Load(scene.FileOf(1)), bytes);
  EXPECT_EQ(scene.disk().counts().writes, 0);
  scene.disk().FailReads(false);
  EXPECT_EQ(*Read(*store), scene.before);
  EXPECT_TRUE(store->Commit(Puts(scene.after)).ok());
}

TEST(StoreFaultsTest, AReadErrorMayAlsoComeLater) {
  Scene scene;
  const std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
  scene.disk().FailReads(true);
  ExpectFailed(Read(*store).status());
  EXPECT_EQ(ErrorReason(store->Commit(Puts(scene.after))), "STORE_UNREAD");
  scene.disk().FailReads(false);
  EXPECT_EQ(*Read(*store), scene.before);
  EXPECT_TRUE(store->Commit(Puts(scene.after)).ok());
}

TEST(StoreFaultsTest, EveryOperationOfReadingMayFail) {
  bool crashed = true;
  uint64_t at = 1;
  for (; crashed; ++at) {
    SCOPED_TRACE(absl::StrCat("operation ", at));
    Scene scene;
    const std::unique_ptr<SqliteStore> store = scene.OpenOn(scene.disk().name());
    scene.disk().CrashAt(at);
    const absl::StatusOr<Rows> read = Read(*store);
    crashed = scene.disk().crashed();
    if (read.ok()) {
      EXPECT_EQ(*read, scene.before);
      continue;
    }
    ExpectFailed(read.status());
    EXPECT_EQ(ErrorReason(store->Commit(Puts(scene.after))), "STORE_UNREAD");
    scene.disk().Revive();
    EXPECT_EQ(*Read(*store), scene.before);
  }
  EXPECT_GT(at, 5);
}

TEST(StoreFaultsTest, AReadOnlyDiskIsReadAndNotWritten) {
  Scene scene;
  scene.disk().SetReadOnly(true);
  std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
  ExpectFailed(store->Commit(Puts(scene.after)));
  ExpectFailed(ReplaceBy(*store, scene.after));
  store.reset();
  EXPECT_EQ(scene.Found(), scene.before);
}

TEST(StoreFaultsTest, ADiskMayBecomeReadOnly) {
  Scene scene;
  std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
  scene.disk().SetReadOnly(true);
  ExpectFailed(store->Commit(Puts(scene.after)));
  store.reset();
  EXPECT_EQ(scene.Found(), scene.before);
}

// Crashes at the first operation of `change`, at the second and so on, of the process or of the
// machine, and expects that the next server finds `before` or `after`, and `after` if it was told.
template <typename Change>
uint64_t CrashEverywhere(std::optional<uint64_t> seed, Change change) {
  uint64_t at = 1;
  for (bool crashed = true; crashed; ++at) {
    SCOPED_TRACE(absl::StrCat("operation ", at, ", seed ", seed.value_or(0)));
    Scene scene(seed);
    std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
    scene.disk().CrashAt(at);
    const absl::Status changed = change(*store, scene.after);
    crashed = scene.disk().crashed();
    if (!changed.ok()) {
      ExpectFailed(changed);
    }
    store.reset();
    scene.disk().CutPower();
    ExpectWhole(scene, changed.ok());
  }
  return at;
}

TEST(StoreFaultsTest, ACommitIsThereWhollyOrNotWhereverTheServerCrashes) {
  EXPECT_GT(CrashEverywhere(std::nullopt, CommitRows), 10);
}

TEST(StoreFaultsTest, ACommitIsThereWhollyOrNotWhereverThePowerIsCut) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) CrashEverywhere(seed, CommitRows);
}

TEST(StoreFaultsTest, OldRowsOrNewOnesAreThereWhereverTheServerCrashesInReplacing) {
  EXPECT_GT(CrashEverywhere(std::nullopt, ReplaceBy), 20);
}

TEST(StoreFaultsTest, OldRowsOrNewOnesAreThereWhereverThePowerIsCutInReplacing) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) CrashEverywhere(seed, ReplaceBy);
}

// Whichever way a try to replace it ended, the next one is as good as the first.
TEST(StoreFaultsTest, ReplacingMayBeTriedAgainWhereverItFailed) {
  bool crashed = true;
  for (uint64_t at = 1; crashed; ++at) {
    SCOPED_TRACE(absl::StrCat("operation ", at));
    Scene scene;
    std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
    scene.disk().CrashAt(at);
    ReplaceBy(*store, scene.before).IgnoreError();
    crashed = scene.disk().crashed();
    scene.disk().Revive();
    ASSERT_TRUE(ReplaceBy(*store, scene.after).ok());
    ASSERT_TRUE(store->Commit(Puts(scene.after)).ok());
    store.reset();
    EXPECT_EQ(scene.Found(), scene.after);
  }
}

// Fails each sync of `change` in turn, and perhaps all that follow. What it was for is lost, and
// nobody comes to replace the file before the power is cut.
template <typename Change>
uint64_t FailEverySync(Change change) {
  uint64_t syncs = 0;
  for (bool failed = true; failed; ++syncs) {
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      SCOPED_TRACE(absl::StrCat("sync ", syncs, ", seed ", seed));
      Scene scene(seed);
      std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
      scene.disk().FailSyncs(syncs, seed % 2 == 0 ? 1 : FaultyDisk::kAll);
      const absl::Status changed = change(*store, scene.after);
      failed = !changed.ok();
      store.reset();
      scene.disk().CutPower();
      ExpectWhole(scene, changed.ok());
    }
  }
  return syncs;
}

TEST(StoreFaultsTest, ASyncThatFailedInACommitMixesNothing) {
  EXPECT_GT(FailEverySync(CommitRows), 3);
}

TEST(StoreFaultsTest, ASyncThatFailedInReplacingMixesNothing) {
  EXPECT_GT(FailEverySync(ReplaceBy), 6);
}

// What a server that was killed has left is not on the disk because the next one sees it: not even
// the name of the journal that the next one is going to use.
TEST(StoreFaultsTest, ThePowerMayBeCutAfterTheServerWasKilled) {
  bool crashed = true;
  for (uint64_t at = 1; crashed; ++at) {
    for (uint64_t seed = 0; seed < 2 * kSeeds; ++seed) {
      SCOPED_TRACE(absl::StrCat("operation ", at, ", seed ", seed));
      Scene scene(seed);
      std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
      // A file that has no journal yet.
      ASSERT_TRUE(ReplaceBy(*store, scene.before).ok());
      scene.disk().CrashAt(at);
      store->Commit(Puts(scene.after)).IgnoreError();
      crashed = scene.disk().crashed();
      store.reset();
      scene.disk().Revive();
      store = scene.OpenAndRead();
      scene.disk().CrashAt(6 + 2 * seed);
      const bool is_acknowledged = store->Commit(Puts(scene.after)).ok();
      store.reset();
      scene.disk().CutPower();
      ExpectWhole(scene, is_acknowledged);
    }
  }
}

TEST(StoreFaultsTest, ReplacingLeavesNothingElse) {
  Scene scene;
  const std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
  ASSERT_TRUE(ReplaceBy(*store, scene.after).ok());
  ASSERT_TRUE(store->Commit(Puts(scene.before)).ok());
  EXPECT_THAT(scene.Files(), UnorderedElementsAre("lock", "fusebox-2.db", "fusebox-2.db-journal"));
}

// Somebody took the file and left its journal, which is of a commit that was never finished.
TEST(StoreFaultsTest, AJournalWithoutItsFileIsOfNoOther) {
  Scene scene(1);
  std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
  scene.disk().FailSyncs(2, FaultyDisk::kAll);
  ASSERT_FALSE(store->Commit(Puts(scene.after)).ok());
  store.reset();
  scene.disk().CutPower();
  ASSERT_GT(std::filesystem::file_size(scene.FileOf(1) + "-journal"), 0);
  std::filesystem::remove(scene.FileOf(1));
  {
    const std::unique_ptr<SqliteStore> next = scene.OpenOn("");
    EXPECT_THAT(*Read(*next), IsEmpty());
    ASSERT_TRUE(next->Commit(Puts(RowsOf("next", 3))).ok());
  }
  EXPECT_EQ(scene.Found(), RowsOf("next", 3));
}

// Whoever waits for a commit waits for the disk, and nobody else does.
TEST(StoreFaultsTest, ACommitIsNotAnsweredBeforeItIsSynced) {
  Scene scene;
  const std::unique_ptr<SqliteStore> store = scene.OpenAndRead();
  scene.disk().StallSyncs();
  std::atomic<bool> is_answered = false;
  std::thread committer([&] {
    EXPECT_TRUE(store->Commit(Puts(scene.after)).ok());
    is_answered = true;
  });
  scene.disk().AwaitStalledSync();
  EXPECT_FALSE(is_answered);
  EXPECT_EQ(scene.disk().CountsOf(scene.FileOf(1)).writes, 0);
  scene.disk().ReleaseSyncs();
  committer.join();
  EXPECT_GE(scene.disk().counts().syncs, 3);
}

}  // namespace
}  // namespace fusebox
