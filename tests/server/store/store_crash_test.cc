// What the SQLite store leaves when the server crashes or the power is cut: no mix, wherever it
// happens, and all that was acknowledged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/store/sqlite_store.h"
#include "server/store/store_scene.h"
#include "testing/faulty_disk.h"

namespace fusebox {
namespace {

using ::testing::IsEmpty;

constexpr uint64_t kSeeds = 4;

// Either way of writing.
using Write = absl::Status (Scene::*)(const Rows&);

// What the next server finds is no mix, and what was acknowledged is in it.
void ExpectWhole(Scene& scene, bool is_acknowledged) {
  const Rows found = scene.Found();
  if (is_acknowledged || found != scene.before) {
    EXPECT_EQ(found, scene.after);
  }
}

// Crashes at the first operation of `write`, at the second and so on, of the process or of the
// machine, and expects that the next server finds `before` or `after`, and `after` if it was told.
uint64_t CrashEverywhere(std::optional<uint64_t> seed, Write write) {
  SCOPED_TRACE(absl::StrCat("seed ", seed.value_or(0)));
  return FailAtEach(1, [&](uint64_t at) {
    Scene scene(seed);
    scene.Start();
    scene.disk().CrashAt(at);
    const absl::Status written = (scene.*write)(scene.after);
    const bool crashed = scene.disk().crashed();
    if (!written.ok()) {
      ExpectFailed(written);
    }
    scene.CutPower();
    ExpectWhole(scene, written.ok());
    return crashed;
  });
}

// Fails each sync of `write` in turn, and perhaps all that follow. What it was for is lost, and
// nobody comes to replace the file before the power is cut.
uint64_t FailEverySync(Write write) {
  return FailAtEach(0, [write](uint64_t sync) {
    bool failed = false;
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      SCOPED_TRACE(absl::StrCat("seed ", seed));
      Scene scene(seed);
      scene.Start();
      scene.disk().FailSyncs(sync, seed % 2 == 0 ? 1 : FaultyDisk::kAll);
      const absl::Status written = (scene.*write)(scene.after);
      failed = !written.ok();
      scene.CutPower();
      ExpectWhole(scene, written.ok());
    }
    return failed;
  });
}

TEST(StoreCrashTest, ACommitIsThereWhollyOrNotWhereverTheServerCrashes) {
  EXPECT_GT(CrashEverywhere(std::nullopt, &Scene::Commit), 10);
}

TEST(StoreCrashTest, ACommitIsThereWhollyOrNotWhereverThePowerIsCut) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) CrashEverywhere(seed, &Scene::Commit);
}

TEST(StoreCrashTest, OldRowsOrNewOnesAreThereWhereverTheServerCrashesInReplacing) {
  EXPECT_GT(CrashEverywhere(std::nullopt, &Scene::Replace), 20);
}

TEST(StoreCrashTest, OldRowsOrNewOnesAreThereWhereverThePowerIsCutInReplacing) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) CrashEverywhere(seed, &Scene::Replace);
}

// Whichever way a try to replace it ended, the next one is as good as the first.
TEST(StoreCrashTest, ReplacingMayBeTriedAgainWhereverItFailed) {
  FailAtEach(1, [](uint64_t at) {
    Scene scene;
    scene.Start();
    scene.disk().CrashAt(at);
    scene.Replace(scene.before).IgnoreError();
    const bool crashed = scene.disk().crashed();
    scene.disk().Revive();
    EXPECT_TRUE(scene.Replace(scene.after).ok());
    EXPECT_TRUE(scene.Commit(scene.after).ok());
    EXPECT_EQ(scene.Found(), scene.after);
    return crashed;
  });
}

TEST(StoreCrashTest, ASyncThatFailedInACommitMixesNothing) {
  EXPECT_GT(FailEverySync(&Scene::Commit), 3);
}

TEST(StoreCrashTest, ASyncThatFailedInReplacingMixesNothing) {
  EXPECT_GT(FailEverySync(&Scene::Replace), 6);
}

// What a server that was killed has left is not on the disk because the next one sees it: not even
// the name of the journal that the next one is going to use.
TEST(StoreCrashTest, ThePowerMayBeCutAfterTheServerWasKilled) {
  FailAtEach(1, [](uint64_t at) {
    bool crashed = false;
    for (uint64_t seed = 0; seed < 2 * kSeeds; ++seed) {
      SCOPED_TRACE(absl::StrCat("seed ", seed));
      Scene scene(seed);
      scene.Start();
      // A file that has no journal yet.
      EXPECT_TRUE(scene.Replace(scene.before).ok());
      scene.disk().CrashAt(at);
      scene.Commit(scene.after).IgnoreError();
      crashed = scene.disk().crashed();
      scene.Stop();
      scene.disk().Revive();
      scene.Start();
      scene.disk().CrashAt(6 + 2 * seed);
      const bool is_acknowledged = scene.Commit(scene.after).ok();
      scene.CutPower();
      ExpectWhole(scene, is_acknowledged);
    }
    return crashed;
  });
}

// Somebody took the file and left its journal, which is of a commit that was never finished.
TEST(StoreCrashTest, AJournalWithoutItsFileIsOfNoOther) {
  Scene scene(1);
  scene.Start();
  scene.disk().FailSyncs(2, FaultyDisk::kAll);
  ASSERT_FALSE(scene.Commit(scene.after).ok());
  scene.CutPower();
  ASSERT_GT(std::filesystem::file_size(scene.FileOf(1) + "-journal"), 0);
  std::filesystem::remove(scene.FileOf(1));
  {
    const std::unique_ptr<SqliteStore> next = scene.OpenOn("");
    EXPECT_THAT(*ReadFrom(*next), IsEmpty());
    ASSERT_TRUE(CommitTo(*next, RowsOf("next", 3)).ok());
  }
  EXPECT_EQ(scene.Found(), RowsOf("next", 3));
}

}  // namespace
}  // namespace fusebox
