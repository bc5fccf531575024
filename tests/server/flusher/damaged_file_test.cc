// What a server makes of a damaged file: all of what it knew or nothing of it, and it serves.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/flusher/life.h"
#include "testing/fake_clock.h"
#include "testing/temporary_directory.h"

namespace fusebox {
namespace {

constexpr size_t kPage = 4096;
constexpr int kBreakers = 50;

std::string Breaker(int i) { return absl::StrCat("db/orders-", i); }

class DamagedFileTest : public ::testing::Test {
 protected:
  // A file of many pages, with something of every kind in it.
  void SetUp() override {
    const TemporaryDirectory directory;
    {
      Life life(clock_, {.data_dir = directory.path()});
      ASSERT_TRUE(life.Create("database", "db/*").ok());
      ASSERT_TRUE(life.Force("search/*").ok());
      for (int i = 0; i < kBreakers; ++i) life.Trip(Breaker(i));
      life.flusher.Round();
    }
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
      if (entry.path().extension() != ".db") continue;
      name_ = entry.path().filename();
      std::ifstream file(entry.path(), std::ios::binary);
      whole_.assign(std::istreambuf_iterator<char>(file), {});
    }
    ASSERT_GT(whole_.size(), 3 * kPage);
  }

  // Starts a server on the file with these bytes. Returns whether it believed them.
  bool IsBelieved(const std::string& bytes) {
    const TemporaryDirectory directory;
    const std::string path = absl::StrCat(directory.path(), "/", name_);
    std::ofstream(path, std::ios::binary) << bytes;
    bool believed = false;
    {
      Life life(clock_, {.data_dir = directory.path()});
      EXPECT_TRUE(life.begun.ok()) << life.begun;
      believed = life.PolicyOf("db/other") == "database";
      const bool is_reported = !life.flusher.condition().report.empty();
      EXPECT_TRUE(believed || is_reported);
      if (believed && is_reported) ++found_in_writing_;
      EXPECT_EQ(std::filesystem::exists(path + ".bad"), is_reported);
      ExpectAllOrNothing(life, believed);
      EXPECT_EQ(life.flusher.condition().not_durable, "");
      EXPECT_TRUE(life.Create("after", "after/*").ok());
    }
    Life next(clock_, {.data_dir = directory.path()});
    EXPECT_EQ(next.flusher.condition().report, "");  // It is reported once.
    EXPECT_EQ(next.PolicyOf("after/x"), "after");
    return believed;
  }

  std::string whole_;
  int found_in_writing_ = 0;

 private:
  void ExpectAllOrNothing(Life& life, bool all) {
    EXPECT_EQ(life.PolicyOf("db/other"), all ? "database" : "default");
    EXPECT_EQ(life.ReasonFor("search/docs"), all ? Reason::kForcedOpen : Reason::kNone);
    for (int i = 0; i < kBreakers; ++i) {
      EXPECT_EQ(life.ReasonFor(Breaker(i)), all ? Reason::kOpen : Reason::kNone);
    }
  }

  FakeClock clock_;
  std::string name_;
};

TEST_F(DamagedFileTest, AWholeFileIsBelieved) { EXPECT_TRUE(IsBelieved(whole_)); }

TEST_F(DamagedFileTest, AFlippedByteOnAnyPageIsNoChangedValue) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  int set_aside = 0;
  for (size_t page = 0; page < whole_.size(); page += kPage) {
    for (int tries = 0; tries < 4; ++tries) {
      const size_t at = page + random() % kPage;
      std::string bytes = whole_;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 + random() % 255));
      SCOPED_TRACE(absl::StrCat("byte ", at));
      if (!IsBelieved(bytes)) ++set_aside;
    }
  }
  EXPECT_GT(set_aside, 0);
}

// The list of free places on a page is not looked at by who only reads.
TEST_F(DamagedFileTest, DamageThatIsFoundInWritingLosesNothing) {
  for (size_t page = kPage; page < whole_.size(); page += kPage) {
    SCOPED_TRACE(absl::StrCat("page at ", page));
    std::string bytes = whole_;
    bytes.replace(page + 1, 2, "\x0F\xFF");
    EXPECT_TRUE(IsBelieved(bytes));
  }
  EXPECT_GT(found_in_writing_, 0);
}

TEST_F(DamagedFileTest, AFileThatIsCutOffAtAnyPageIsSetAside) {
  for (size_t size = 0; size < whole_.size(); size += kPage) {
    SCOPED_TRACE(absl::StrCat(size, " bytes"));
    EXPECT_FALSE(IsBelieved(whole_.substr(0, size)));
  }
}

}  // namespace
}  // namespace fusebox
