// What the SQLite store does when the disk fails under it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "core/error.h"
#include "server/store/sqlite_store.h"
#include "server/store/store_scene.h"
#include "testing/faulty_disk.h"
#include "testing/temporary_directory.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::string Load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What was done to the file that the server found, and to its journal.
FaultyDisk::Counts CountsOfOldFile(Scene& scene) {
  FaultyDisk::Counts counts = scene.disk().CountsOf(scene.FileOf(1));
  const FaultyDisk::Counts journal = scene.disk().CountsOf(scene.FileOf(1) + "-journal");
  counts.writes += journal.writes;
  counts.syncs += journal.syncs;
  return counts;
}

TEST(StoreFaultsTest, AFullDiskRefusesCommitsAndSaysWhatToDo) {
  Scene scene;
  scene.Start();
  scene.disk().SetFull(true);
  const absl::Status failed = scene.Commit(scene.after);
  ExpectFailed(failed);
  EXPECT_THAT(std::string(failed.message()), HasSubstr("free space"));
}

TEST(StoreFaultsTest, AfterAFailureNothingTouchesTheDisk) {
  Scene scene;
  scene.Start();
  scene.disk().SetFull(true);
  const absl::Status failed = scene.Commit(scene.after);
  scene.disk().SetFull(false);
  const FaultyDisk::Counts then = scene.disk().counts();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(scene.Commit(scene.after), failed);
  EXPECT_EQ(scene.disk().counts(), then);
}

TEST(StoreFaultsTest, ReplacingMakesItWholeOnceThereIsSpace) {
  Scene scene;
  scene.Start();
  scene.disk().SetFull(true);
  ExpectFailed(scene.Commit(scene.after));
  ExpectFailed(scene.Replace(scene.after));
  ExpectFailed(scene.Commit(scene.before));
  scene.disk().SetFull(false);
  const Rows rows = RowsOf("other", 5);
  ASSERT_TRUE(scene.Replace(rows).ok());
  EXPECT_EQ(*scene.Read(), rows);
  ASSERT_TRUE(scene.Commit(scene.after).ok());
  EXPECT_EQ(scene.Found(), scene.after);
}

TEST(StoreFaultsTest, AFullDiskKeepsWhatWasThere) {
  Scene scene;
  scene.Start();
  scene.disk().SetFull(true);
  ExpectFailed(scene.Commit(scene.after));
  ExpectFailed(scene.Replace(scene.after));
  EXPECT_EQ(scene.Found(), scene.before);
}

// An empty directory on a disk that is full is read, and written once there is space.
TEST(StoreFaultsTest, AFullDiskThatHasNothingIsRead) {
  TemporaryDirectory directory;
  FaultyDisk disk;
  disk.SetFull(true);
  const auto store = *SqliteStore::Open({.data_dir = directory.path(), .vfs = disk.name()});
  EXPECT_THAT(*ReadFrom(*store), IsEmpty());
  ExpectFailed(CommitTo(*store, RowsOf("first", 1)));
  disk.SetFull(false);
  EXPECT_TRUE(ReplaceIn(*store, RowsOf("first", 1)).ok());
  EXPECT_EQ(*ReadFrom(*store), RowsOf("first", 1));
}

// Each sync of a commit in turn. A second one that succeeds says nothing of what the first one was
// for, so the file gets no other chance.
TEST(StoreFaultsTest, AFileIsLeftAloneOnceASyncFailed) {
  const uint64_t syncs = FailAtEach(0, [](uint64_t sync) {
    Scene scene;
    scene.Start();
    scene.disk().FailSyncs(sync, 1);
    const absl::Status committed = scene.Commit(scene.after);
    if (committed.ok()) return false;
    ExpectFailed(committed);
    const FaultyDisk::Counts then = CountsOfOldFile(scene);
    EXPECT_EQ(scene.Commit(scene.before), committed);
    EXPECT_TRUE(scene.Replace(scene.after).ok());
    EXPECT_TRUE(scene.Commit(scene.before).ok());
    scene.Stop();
    EXPECT_EQ(CountsOfOldFile(scene), then);
    return true;
  });
  EXPECT_GT(syncs, 3);
}

TEST(StoreFaultsTest, AReadErrorIsNoCorruption) {
  Scene scene;
  const std::string bytes = Load(scene.FileOf(1));
  scene.Open();
  scene.disk().FailReads(true);
  const absl::Status failed = scene.Read().status();
  ExpectFailed(failed);
  EXPECT_THAT(std::string(failed.message()), Not(HasSubstr("corrupt")));
  // Nothing is known, so nothing is given up.
  EXPECT_EQ(ErrorReason(scene.Replace({})), "STORE_UNREAD");
  EXPECT_EQ(Load(scene.FileOf(1)), bytes);
  EXPECT_EQ(scene.disk().counts().writes, 0);
  scene.disk().FailReads(false);
  EXPECT_EQ(*scene.Read(), scene.before);
  EXPECT_TRUE(scene.Commit(scene.after).ok());
}

TEST(StoreFaultsTest, AReadErrorMayAlsoComeLater) {
  Scene scene;
  scene.Start();
  scene.disk().FailReads(true);
  ExpectFailed(scene.Read().status());
  EXPECT_EQ(ErrorReason(scene.Commit(scene.after)), "STORE_UNREAD");
  scene.disk().FailReads(false);
  EXPECT_EQ(*scene.Read(), scene.before);
  EXPECT_TRUE(scene.Commit(scene.after).ok());
}

TEST(StoreFaultsTest, EveryOperationOfReadingMayFail) {
  const uint64_t operations = FailAtEach(1, [](uint64_t at) {
    Scene scene;
    scene.Open();
    scene.disk().CrashAt(at);
    const absl::StatusOr<Rows> read = scene.Read();
    const bool crashed = scene.disk().crashed();
    if (read.ok()) {
      EXPECT_EQ(*read, scene.before);
      return crashed;
    }
    ExpectFailed(read.status());
    EXPECT_EQ(ErrorReason(scene.Commit(scene.after)), "STORE_UNREAD");
    scene.disk().Revive();
    EXPECT_EQ(*scene.Read(), scene.before);
    return crashed;
  });
  EXPECT_GT(operations, 5);
}

TEST(StoreFaultsTest, AReadOnlyDiskIsReadAndNotWritten) {
  Scene scene;
  scene.disk().SetReadOnly(true);
  scene.Start();
  ExpectFailed(scene.Commit(scene.after));
  ExpectFailed(scene.Replace(scene.after));
  EXPECT_EQ(scene.Found(), scene.before);
}

TEST(StoreFaultsTest, ADiskMayBecomeReadOnly) {
  Scene scene;
  scene.Start();
  scene.disk().SetReadOnly(true);
  ExpectFailed(scene.Commit(scene.after));
  EXPECT_EQ(scene.Found(), scene.before);
}

TEST(StoreFaultsTest, ReplacingLeavesNothingElse) {
  Scene scene;
  scene.Start();
  ASSERT_TRUE(scene.Replace(scene.after).ok());
  ASSERT_TRUE(scene.Commit(scene.before).ok());
  EXPECT_THAT(scene.Files(), UnorderedElementsAre("lock", "fusebox-2.db", "fusebox-2.db-journal"));
}

// Whoever waits for a commit waits for the disk, and nobody else does.
TEST(StoreFaultsTest, ACommitIsNotAnsweredBeforeItIsSynced) {
  Scene scene;
  scene.Start();
  scene.disk().StallSyncs();
  std::atomic<bool> is_answered = false;
  std::thread committer([&] {
    EXPECT_TRUE(scene.Commit(scene.after).ok());
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
