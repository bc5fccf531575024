#include "server/files/watched_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "testing/temporary_directory.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Two files, and whoever takes what they say: all but the text "bad".
class WatchedFilesTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const {
    return absl::StrCat(folder_.path(), "/", name);
  }

  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
  }

  absl::Status Take(const std::vector<std::string>& texts) {
    ++asked_;
    if (std::find(texts.begin(), texts.end(), refused_) != texts.end()) {
      return absl::InvalidArgumentError(absl::StrCat(refused_, "; write another"));
    }
    taken_ = texts;
    return absl::OkStatus();
  }

  // Looks twice, as who takes nothing at first sight.
  absl::Status Settle() {
    EXPECT_TRUE(files_.Reload().ok());
    return files_.Reload();
  }

  TemporaryDirectory folder_;
  std::string refused_ = "bad";
  std::vector<std::string> taken_;
  int asked_ = 0;
  WatchedFiles files_{"pair",
                      {Path("a"), Path("b")},
                      [this](const std::vector<std::string>& texts) { return Take(texts); }};
};

TEST_F(WatchedFilesTest, TakesWhatTheFilesSayInTheirOrder) {
  Write("a", "1");
  Write("b", "");
  ASSERT_TRUE(files_.Reload().ok());
  EXPECT_THAT(taken_, ElementsAre("1", ""));
  EXPECT_EQ(files_.state().taken, 1u);
  EXPECT_EQ(files_.state().failed, 0u);
  EXPECT_EQ(files_.state().error, "");
}

TEST_F(WatchedFilesTest, AsksOnlyWhenSomethingIsNew) {
  Write("a", "1");
  Write("b", "2");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(files_.Reload().ok());
  EXPECT_EQ(asked_, 1);
  Write("b", "3");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(files_.Reload().ok());
  EXPECT_THAT(taken_, ElementsAre("1", "3"));
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(files_.state().taken, 2u);
}

// As editors, renames and Kubernetes' links do it; of the same length and at the same second.
TEST_F(WatchedFilesTest, NoticesEveryWayOfReplacingAFile) {
  Write("a", "1");
  Write("b", "2");
  ASSERT_TRUE(files_.Reload().ok());
  const auto time = std::filesystem::last_write_time(Path("a"));
  Write("new", "3");
  std::filesystem::rename(Path("new"), Path("a"));
  std::filesystem::last_write_time(Path("a"), time);
  ASSERT_TRUE(Settle().ok());
  EXPECT_THAT(taken_, ElementsAre("3", "2"));
  Write("target", "4");
  std::filesystem::remove(Path("b"));
  std::filesystem::create_symlink(Path("target"), Path("b"));
  ASSERT_TRUE(Settle().ok());
  EXPECT_THAT(taken_, ElementsAre("3", "4"));
}

// Half of a file may be a file, which says less or worse than the whole.
TEST_F(WatchedFilesTest, TakesNothingThatIsStillBeingWritten) {
  Write("a", "1");
  Write("b", "2");
  ASSERT_TRUE(files_.Reload().ok());
  std::ofstream writer(Path("a"), std::ios::binary);
  for (const char* part : {"all ", "but ", "not ", "me"}) {
    writer << part << std::flush;
    EXPECT_TRUE(files_.Reload().ok());
    EXPECT_THAT(taken_, ElementsAre("1", "2"));
  }
  EXPECT_TRUE(files_.Reload().ok());
  EXPECT_THAT(taken_, ElementsAre("all but not me", "2"));
  EXPECT_EQ(asked_, 2);
}

// Somebody who writes the same again is still writing.
TEST_F(WatchedFilesTest, ATimeOfChangeThatMovesIsAWriter) {
  Write("a", "1");
  Write("b", "2");
  ASSERT_TRUE(files_.Reload().ok());
  const auto start = std::filesystem::last_write_time(Path("a"));
  Write("a", "3");
  for (int second = 1; second < 4; ++second) {
    std::filesystem::last_write_time(Path("a"), start + std::chrono::seconds(second));
    ASSERT_TRUE(files_.Reload().ok());
    EXPECT_EQ(asked_, 1);
  }
  ASSERT_TRUE(files_.Reload().ok());
  EXPECT_THAT(taken_, ElementsAre("3", "2"));
}

// Who starts has nothing else to go on with, and does not wait.
TEST_F(WatchedFilesTest, TheFirstTextsAreTakenAtOnceEvenIfEmpty) {
  Write("a", "");
  Write("b", "");
  ASSERT_TRUE(files_.Reload().ok());
  EXPECT_THAT(taken_, ElementsAre("", ""));
}

TEST_F(WatchedFilesTest, KeepsWhatWasTakenWhenTheNewIsRefused) {
  Write("a", "1");
  Write("b", "2");
  ASSERT_TRUE(files_.Reload().ok());
  Write("a", "bad");
  EXPECT_EQ(Settle().message(), "bad; write another");
  EXPECT_THAT(taken_, ElementsAre("1", "2"));
  EXPECT_EQ(files_.state().taken, 1u);
  EXPECT_EQ(files_.state().failed, 1u);
  EXPECT_EQ(files_.state().error, "bad; write another");
}

TEST_F(WatchedFilesTest, CountsOneErrorOnceHoweverOftenItLooks) {
  Write("a", "bad");
  Write("b", "2");
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(files_.Reload().ok());
  EXPECT_EQ(files_.state().failed, 1u);
  std::filesystem::remove(Path("a"));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(files_.Reload().ok());
  EXPECT_EQ(files_.state().failed, 2u);
  Write("a", "bad");
  EXPECT_FALSE(files_.Reload().ok());
  EXPECT_EQ(files_.state().failed, 3u);
}

// A certificate that is not valid yet will be.
TEST_F(WatchedFilesTest, TriesAgainWhatWasRefused) {
  Write("a", "bad");
  Write("b", "2");
  EXPECT_FALSE(files_.Reload().ok());
  refused_ = "";
  EXPECT_TRUE(files_.Reload().ok());
  EXPECT_THAT(taken_, ElementsAre("bad", "2"));
  EXPECT_EQ(files_.state().error, "");
}

TEST_F(WatchedFilesTest, IsWellAgainWhenTheFilesSayWhatIsInForce) {
  Write("a", "1");
  Write("b", "2");
  ASSERT_TRUE(files_.Reload().ok());
  Write("a", "bad");
  EXPECT_FALSE(Settle().ok());
  Write("a", "1");
  EXPECT_TRUE(files_.Reload().ok());
  EXPECT_EQ(files_.state().error, "");
  EXPECT_EQ(files_.state().taken, 1u);
}

TEST_F(WatchedFilesTest, NamesAFileThatItCannotRead) {
  Write("a", "1");
  const absl::Status status = files_.Reload();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            absl::StrCat("file \"", Path("b"),
                         "\" cannot be read (No such file or directory); put it there, readable "
                         "for the server"));
  std::filesystem::create_directory(Path("b"));
  EXPECT_THAT(std::string(files_.Reload().message()), HasSubstr("cannot be read (Is a directory)"));
  EXPECT_EQ(asked_, 0);
}

// One that grows without end would take all memory.
TEST_F(WatchedFilesTest, RefusesAFileThatIsTooLarge) {
  Write("a", std::string(kMaxFileBytes, 'x'));
  Write("b", "2");
  EXPECT_TRUE(files_.Reload().ok());
  Write("a", std::string(kMaxFileBytes + 1, 'x'));
  EXPECT_THAT(std::string(files_.Reload().message()),
              testing::AllOf(StartsWith(absl::StrCat("file \"", Path("a"), "\" has more than ")),
                             HasSubstr("; make it smaller")));
}

TEST_F(WatchedFilesTest, MayBeAskedByManyAtOnce) {
  Write("a", "1");
  Write("b", "2");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int j = 0; j < 50; ++j) {
        EXPECT_TRUE(files_.Reload().ok());
        EXPECT_EQ(files_.state().taken, 1u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(asked_, 1);
}

}  // namespace
}  // namespace fusebox
