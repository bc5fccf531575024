// What a failing disk does to a server: the data plane notices nothing, operators are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "core/error.h"
#include "server/flusher/life.h"
#include "testing/fake_clock.h"
#include "testing/faulty_disk.h"
#include "testing/temporary_directory.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::string_view kOrders = "db/orders";

class DurabilityTest : public ::testing::Test {
 protected:
  DurabilityTest() { Restart(); }

  void Restart() {
    life_.reset();
    life_ = std::make_unique<Life>(
        clock_, SqliteStoreOptions{.data_dir = directory_.path(), .vfs = disk_.name()});
    ASSERT_TRUE(life_->begun.ok()) << life_->begun;
  }
  std::string NotDurable() { return life_->flusher.condition().not_durable; }
  void RetryPeriodPasses() {
    clock_.Advance(absl::Seconds(2));
    life_->flusher.Round();
  }
  void ExpectNotDurable(const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(ErrorReason(status), "NOT_DURABLE") << status;
  }
  std::string DataFile() {
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      if (entry.path().extension() == ".db") return entry.path();
    }
    return "";
  }
  bool HasSetAside() {
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      if (entry.path().extension() == ".bad") return true;
    }
    return false;
  }

  TemporaryDirectory directory_;
  FaultyDisk disk_;
  FakeClock clock_;
  std::unique_ptr<Life> life_;
};

// The rest of the story of every fault: what was known is kept once the disk is back.
TEST_F(DurabilityTest, AFullDiskRefusesOperatorsAndNobodyElseAndHeals) {
  ASSERT_TRUE(life_->Create("before", "before/*").ok());
  disk_.SetFull(true);
  EXPECT_EQ(ErrorReason(life_->Create("during", "during/*")), "STORE_FAILED");
  EXPECT_THAT(NotDurable(), HasSubstr("full"));
  ExpectNotDurable(life_->Create("during", "during/*"));
  ExpectNotDurable(life_->Force(kOrders));
  ExpectNotDurable(life_->Reset(kOrders));
  life_->Trip(kOrders);  // The data plane.
  EXPECT_EQ(life_->ReasonFor(kOrders), Reason::kOpen);
  RetryPeriodPasses();
  EXPECT_NE(NotDurable(), "");

  disk_.SetFull(false);
  RetryPeriodPasses();
  EXPECT_EQ(NotDurable(), "");
  ASSERT_TRUE(life_->Create("after", "after/*").ok());
  Restart();
  EXPECT_EQ(life_->PolicyOf("before/x"), "before");
  EXPECT_EQ(life_->PolicyOf("during/x"), "default");
  EXPECT_EQ(life_->PolicyOf("after/x"), "after");
  EXPECT_EQ(life_->ReasonFor(kOrders), Reason::kOpen);
}

// After a failed fsync nobody knows what is on the disk: the file is not used again.
TEST_F(DurabilityTest, AFailedSyncIsNotRepeatedOnItsFile) {
  ASSERT_TRUE(life_->Create("before", "before/*").ok());
  const std::string file = DataFile();
  disk_.FailSyncs(0, 1);
  EXPECT_EQ(ErrorReason(life_->Force(kOrders)), "STORE_FAILED");
  RetryPeriodPasses();
  EXPECT_EQ(NotDurable(), "");
  EXPECT_NE(DataFile(), file);
  Restart();
  EXPECT_EQ(life_->PolicyOf("before/x"), "before");
  EXPECT_EQ(life_->ReasonFor(kOrders), Reason::kNone);
}

TEST_F(DurabilityTest, AReadOnlyDiskRefusesOperatorsAndHeals) {
  disk_.SetReadOnly(true);
  EXPECT_EQ(ErrorReason(life_->Force(kOrders)), "STORE_FAILED");
  ExpectNotDurable(life_->Force(kOrders));
  disk_.SetReadOnly(false);
  RetryPeriodPasses();
  EXPECT_TRUE(life_->Force(kOrders).ok());
}

TEST_F(DurabilityTest, ADiskThatCannotBeReadAtTheStartIsReadLater) {
  ASSERT_TRUE(life_->Create("before", "before/*").ok());
  ASSERT_TRUE(life_->Force("search/*").ok());
  life_->Trip(kOrders);
  life_->flusher.Round();
  disk_.FailReads(true);
  Restart();
  EXPECT_NE(NotDurable(), "");
  ExpectNotDurable(life_->Create("during", "during/*"));
  EXPECT_EQ(life_->ReasonFor(kOrders), Reason::kNone);  // Nothing is made up.
  disk_.FailReads(false);
  RetryPeriodPasses();
  EXPECT_EQ(NotDurable(), "");
  EXPECT_EQ(life_->PolicyOf("before/x"), "before");
  EXPECT_EQ(life_->ReasonFor("search/docs"), Reason::kForcedOpen);
  EXPECT_TRUE(life_->Create("after", "after/*").ok());
}

// What happened before the store could be read is true, and what was kept comes before it.
TEST_F(DurabilityTest, AStoreThatIsReadLateChangesNothingThatHappenedMeanwhile) {
  for (const absl::string_view breaker : {"db/a", "db/b", "db/c"}) life_->Trip(breaker);
  life_->flusher.Round();
  disk_.FailReads(true);
  Restart();
  EXPECT_TRUE(life_->engine.Allow("db/a", {}, "")->decision.allowed);
  for (int i = 0; i < 5; ++i) life_->Trip(absl::StrCat("new/", i));
  disk_.FailReads(false);
  RetryPeriodPasses();
  ASSERT_EQ(NotDurable(), "");

  for (int lives = 0; lives < 2; ++lives) {
    std::vector<std::string> tripped;
    for (const Event& event : life_->engine.events().After(0, 100)) {
      tripped.push_back(event.breaker);
    }
    EXPECT_THAT(tripped,
                ElementsAre("db/a", "db/b", "db/c", "new/0", "new/1", "new/2", "new/3", "new/4"));
    EXPECT_EQ(life_->ReasonFor("db/a"), Reason::kNone);
    EXPECT_EQ(life_->ReasonFor("new/0"), Reason::kOpen);
    Restart();
  }
}

TEST_F(DurabilityTest, AReloadOfTheFileDoesNotWaitForTheDisk) {
  disk_.SetFull(true);
  v1::Policy policy;
  policy.set_name("file");
  policy.add_match("file/*");
  absl::Status reloaded = absl::UnknownError("no answer");
  life_->control.Submit(
      {.make = [&](Draft& draft) { return ReplaceFileResources({policy}, {}, draft); },
       .done = [&](const absl::Status& status) { reloaded = status; },
       .kind = Control::Kind::kVolatile});
  // In the same round, the first to see that the disk is full.
  EXPECT_EQ(ErrorReason(life_->Create("during", "during/*")), "STORE_FAILED");
  EXPECT_TRUE(reloaded.ok()) << reloaded;
  EXPECT_EQ(life_->PolicyOf("file/x"), "file");
  EXPECT_EQ(life_->PolicyOf("during/x"), "default");
}

TEST_F(DurabilityTest, ACorruptFileIsSetAsideAndReported) {
  ASSERT_TRUE(life_->Create("before", "before/*").ok());
  const std::string file = DataFile();
  life_.reset();
  {
    std::fstream data(file, std::ios::binary | std::ios::in | std::ios::out);
    const std::string bytes{std::istreambuf_iterator<char>(data), {}};
    data.seekp(static_cast<std::streamoff>(bytes.find("before/*")));
    data.put('c');
  }
  Restart();
  EXPECT_EQ(NotDurable(), "");
  EXPECT_NE(life_->flusher.condition().report, "");
  EXPECT_TRUE(HasSetAside());
  EXPECT_EQ(life_->PolicyOf("before/x"), "default");
  ASSERT_TRUE(life_->Create("after", "after/*").ok());
  Restart();
  EXPECT_EQ(life_->flusher.condition().report, "");
  EXPECT_EQ(life_->PolicyOf("after/x"), "after");
}

TEST_F(DurabilityTest, AMissingPermissionIsServedWithoutAStore) {
  if (geteuid() == 0) GTEST_SKIP() << "root has every permission";
  life_.reset();
  chmod(directory_.path().c_str(), 0);
  Restart();
  EXPECT_THAT(NotDurable(), HasSubstr("--data-dir"));
  EXPECT_EQ(life_->ReasonFor(kOrders), Reason::kNone);
  chmod(directory_.path().c_str(), 0700);
  RetryPeriodPasses();
  EXPECT_EQ(NotDurable(), "");
}

// An older release must not overwrite what it does not understand.
TEST_F(DurabilityTest, AFileOfANewerReleaseIsLeftAlone) {
  ASSERT_TRUE(life_->Create("before", "before/*").ok());
  const std::string file = DataFile();
  life_.reset();
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "PRAGMA user_version = 99; UPDATE seal SET version = 99",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(database);
  Restart();
  EXPECT_NE(NotDurable(), "");
  RetryPeriodPasses();
  ExpectNotDurable(life_->Force(kOrders));
  EXPECT_EQ(DataFile(), file);
}

TEST_F(DurabilityTest, ASlowDiskHoldsUpOperatorsOnly) {
  life_->flusher.Start();
  disk_.StallSyncs();
  absl::Notification answered;
  absl::Status answer;
  v1::OverrideBreakerRequest request;
  request.set_match("db/*");
  request.set_mode(v1::OVERRIDE_MODE_FORCED_OPEN);
  request.set_reason("maintenance");
  life_->control.Submit(
      {.make =
           [&](Draft& draft) { return ImposeOverride(request, life_->Ada(), {}, draft).status(); },
       .done =
           [&](const absl::Status& status) {
             answer = status;
             answered.Notify();
           }});
  disk_.AwaitStalledSync();
  EXPECT_EQ(life_->ReasonFor(kOrders), Reason::kNone);
  life_->Trip(kOrders);
  EXPECT_FALSE(answered.HasBeenNotified());
  disk_.ReleaseSyncs();
  answered.WaitForNotification();
  EXPECT_TRUE(answer.ok()) << answer;
  EXPECT_EQ(life_->ReasonFor(kOrders), Reason::kForcedOpen);
  life_->flusher.Stop();
}

}  // namespace
}  // namespace fusebox
