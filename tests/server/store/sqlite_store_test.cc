// What the SQLite store promises beyond any store: rows outlive it, and bad files do no harm.
#include "server/store/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/store/sqlite.h"
#include "testing/temporary_directory.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Rows = std::map<std::pair<Table, std::string>, std::string>;

std::string Load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Save(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class SqliteStoreTest : public ::testing::Test {
 protected:
  const std::string& dir() const { return directory_.path(); }
  std::string FileOf(int generation) const {
    return absl::StrCat(dir(), "/fusebox-", generation, ".db");
  }

  std::unique_ptr<SqliteStore> Open() {
    absl::StatusOr<std::unique_ptr<SqliteStore>> store = SqliteStore::Open({.data_dir = dir()});
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }

  // Opens it and reads; `rows` are those that were shown.
  std::unique_ptr<SqliteStore> OpenAndRead(Rows& rows, absl::Status& status) {
    std::unique_ptr<SqliteStore> store = Open();
    rows.clear();
    size_t shown = 0;
    status = store->Read([&](const RowView& row) {
      ++shown;
      rows.emplace(std::pair(row.table, row.key), row.value);
    });
    EXPECT_TRUE(!status.ok() || shown == rows.size()) << "a row was shown twice";
    return store;
  }

  Rows ReadAll() {
    Rows rows;
    absl::Status status;
    OpenAndRead(rows, status);
    EXPECT_TRUE(status.ok()) << status;
    return rows;
  }

  // A file of many pages, and what is in it.
  Rows WriteMany() { return Write(/*count=*/300); }
  Rows Write(int count) {
    Rows rows, none;
    absl::Status status;
    const std::unique_ptr<SqliteStore> store = OpenAndRead(none, status);
    Changes changes;
    for (int i = 0; i < count; ++i) {
      const std::string key = absl::StrCat("breaker/", i), value(static_cast<size_t>(i), 'v');
      changes.Put(Table::kBreakers, key, value);
      rows[{Table::kBreakers, key}] = value;
    }
    EXPECT_TRUE(store->Commit(changes).ok());
    return rows;
  }

  // Reads the file with one bit of it changed: all is as it was, or it is known to be corrupt.
  // Returns which.
  bool ReadsWithout(const Rows& written, std::string bytes, size_t at, size_t bit) {
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
    Save(FileOf(1), bytes);
    Rows rows;
    absl::Status status;
    OpenAndRead(rows, status);
    if (status.ok()) {
      EXPECT_EQ(rows, written) << "byte " << at << ", bit " << bit;
    } else {
      EXPECT_EQ(ErrorReason(status), "STORE_CORRUPT")
          << "byte " << at << ", bit " << bit << ": " << status;
    }
    return !status.ok();
  }

  TemporaryDirectory directory_;
};

TEST_F(SqliteStoreTest, RowsOutliveTheStore) {
  const Rows written = WriteMany();
  EXPECT_EQ(ReadAll(), written);
}

TEST_F(SqliteStoreTest, ADirectoryHasOneServer) {
  const std::unique_ptr<SqliteStore> first = Open();
  const absl::Status second = SqliteStore::Open({.data_dir = dir()}).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(second), "STORE_IN_USE");
  EXPECT_THAT(std::string(second.message()), HasSubstr(dir()));
}

TEST_F(SqliteStoreTest, TheNextServerMayHaveTheDirectory) {
  Open().reset();
  EXPECT_NE(Open(), nullptr);
}

TEST_F(SqliteStoreTest, NothingIsWrittenBeforeItIsKnownWhatIsThere) {
  const Rows written = WriteMany();
  const std::unique_ptr<SqliteStore> store = Open();
  Changes changes;
  changes.Put(Table::kPolicies, "a", "1");
  EXPECT_EQ(ErrorReason(store->Commit(changes)), "STORE_UNREAD");
  EXPECT_EQ(ErrorReason(store->Replace([](Store::Show) {})), "STORE_UNREAD");
}

TEST_F(SqliteStoreTest, ReplacingLeavesOneFile) {
  WriteMany();
  Rows rows;
  absl::Status status;
  {
    const std::unique_ptr<SqliteStore> store = OpenAndRead(rows, status);
    ASSERT_TRUE(store->Replace([](Store::Show show) { show({Table::kPolicies, "a", "1"}); }).ok());
  }
  EXPECT_FALSE(std::filesystem::exists(FileOf(1)));
  EXPECT_TRUE(std::filesystem::exists(FileOf(2)));
  EXPECT_EQ(ReadAll(), (Rows{{{Table::kPolicies, "a"}, "1"}}));
}

TEST_F(SqliteStoreTest, AnUnfinishedGenerationIsNotRead) {
  const Rows written = WriteMany();
  Save(FileOf(2) + ".new", "half of it");
  EXPECT_EQ(ReadAll(), written);
}

TEST_F(SqliteStoreTest, ACorruptFileIsReportedAndSetAside) {
  WriteMany();
  std::string bytes = Load(FileOf(1));
  const size_t value = bytes.find("vvvvvvvv");
  ASSERT_NE(value, std::string::npos);
  bytes[value] = 'w';
  Save(FileOf(1), bytes);
  Rows rows;
  absl::Status status;
  const std::unique_ptr<SqliteStore> store = OpenAndRead(rows, status);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ErrorReason(status), "STORE_CORRUPT");
  EXPECT_THAT(std::string(status.message()), HasSubstr(FileOf(1)));
  EXPECT_TRUE(store->Replace([](Store::Show) {}).ok());
  EXPECT_TRUE(Load(FileOf(1) + ".bad") == bytes);
}

// A commit into a file that nobody can find again would be acknowledged and lost.
TEST_F(SqliteStoreTest, WithoutItsDirectoryNothingIsKeptUntilAllIsWrittenAnew) {
  WriteMany();
  Rows rows;
  absl::Status status;
  const std::unique_ptr<SqliteStore> store = OpenAndRead(rows, status);
  std::filesystem::remove_all(dir());
  Changes changes;
  changes.Put(Table::kPolicies, "a", "1");
  const absl::Status lost = store->Commit(changes);
  EXPECT_EQ(ErrorReason(lost), "STORE_FAILED");
  EXPECT_THAT(std::string(lost.message()), HasSubstr(FileOf(1)));
  EXPECT_FALSE(store->Commit(changes).ok()) << "still";
  EXPECT_TRUE(store->Replace([](Store::Show show) { show({Table::kPolicies, "b", "2"}); }).ok());
  EXPECT_TRUE(store->Commit(changes).ok());
  std::filesystem::remove_all(dir());
  EXPECT_TRUE(store->Replace([](Store::Show show) { show({Table::kPolicies, "b", "2"}); }).ok());
  EXPECT_TRUE(store->Commit(changes).ok());
  EXPECT_EQ(ErrorReason(SqliteStore::Open({.data_dir = dir()}).status()), "STORE_IN_USE");
}

TEST_F(SqliteStoreTest, WhatIsPutIntoItsPlaceIsSetAside) {
  const Rows backup = Write(3);
  const std::string bytes = Load(FileOf(1));
  {
    Rows rows;
    absl::Status status;
    const std::unique_ptr<SqliteStore> store = OpenAndRead(rows, status);
    std::filesystem::remove_all(dir());
    std::filesystem::create_directory(dir());
    Save(FileOf(1), bytes);
    Changes changes;
    changes.Put(Table::kPolicies, "a", "1");
    EXPECT_EQ(ErrorReason(store->Commit(changes)), "STORE_FAILED");
    EXPECT_TRUE(store->Replace([](Store::Show show) { show({Table::kPolicies, "b", "2"}); }).ok());
  }
  EXPECT_EQ(ReadAll(), (Rows{{{Table::kPolicies, "b"}, "2"}}));
  EXPECT_TRUE(Load(FileOf(1) + ".bad") == bytes);
}

// Of every byte one bit; of the header, and of what says how rows are laid out, every bit.
TEST_F(SqliteStoreTest, AFlippedBitNeverChangesAValue) {
  const Rows written = Write(/*count=*/8);
  const std::string whole = Load(FileOf(1));
  constexpr size_t kHeader = 100;
  size_t found = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    if (at >= kHeader && whole[at] == 0) continue;  // Nothing is there.
    for (size_t bit = 0; bit < 8; ++bit) {
      if (at >= kHeader && bit != at % 8) continue;
      if (ReadsWithout(written, whole, at, bit)) ++found;
    }
  }
  EXPECT_GT(found, 0);
}

TEST_F(SqliteStoreTest, ATruncatedFileIsCorrupt) {
  WriteMany();
  const std::string whole = Load(FileOf(1));
  constexpr size_t kPage = 4096;
  ASSERT_GT(whole.size(), 3 * kPage);
  for (size_t size = 0; size < whole.size(); size += kPage / 2) {
    Save(FileOf(1), whole.substr(0, size));
    Rows rows;
    absl::Status status;
    OpenAndRead(rows, status);
    EXPECT_EQ(ErrorReason(status), "STORE_CORRUPT") << size << " bytes: " << status;
  }
}

TEST_F(SqliteStoreTest, AnOlderFileIsMigrated) {
  {
    absl::StatusOr<SqliteDatabase> old =
        SqliteDatabase::Open(FileOf(1), SqliteDatabase::Mode::kCreate, "");
    ASSERT_TRUE(old.ok());
    const RowView row{Table::kPolicies, "a", "1"};
    const absl::Status written = old->Execute(absl::StrCat(
        "CREATE TABLE rows(id INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
        " crc INTEGER NOT NULL, PRIMARY KEY(id, key)) WITHOUT ROWID;"
        "INSERT INTO rows VALUES(2, x'61', x'31', ",
        RowChecksum(row), "); PRAGMA application_id = 0x46555345; PRAGMA user_version = 1"));
    ASSERT_TRUE(written.ok()) << written;
  }
  EXPECT_EQ(ReadAll(), (Rows{{{Table::kPolicies, "a"}, "1"}}));
  EXPECT_EQ(ReadAll(), (Rows{{{Table::kPolicies, "a"}, "1"}}));
}

TEST_F(SqliteStoreTest, ANewerFileIsLeftAlone) {
  WriteMany();
  {
    absl::StatusOr<SqliteDatabase> newer =
        SqliteDatabase::Open(FileOf(1), SqliteDatabase::Mode::kReadWrite, "");
    ASSERT_TRUE(newer->Execute("PRAGMA user_version = 99; UPDATE seal SET version = 99").ok());
  }
  const std::string bytes = Load(FileOf(1));
  {
    Rows rows;
    absl::Status status;
    const std::unique_ptr<SqliteStore> store = OpenAndRead(rows, status);
    EXPECT_EQ(ErrorReason(status), "STORE_TOO_NEW");
    EXPECT_THAT(std::string(status.message()), HasSubstr("99"));
    EXPECT_THAT(rows, IsEmpty());
    Changes changes;
    changes.Put(Table::kPolicies, "a", "1");
    EXPECT_EQ(ErrorReason(store->Commit(changes)), "STORE_TOO_NEW");
    EXPECT_EQ(ErrorReason(store->Replace([](Store::Show) {})), "STORE_TOO_NEW");
  }
  EXPECT_EQ(Load(FileOf(1)), bytes);
}

}  // namespace
}  // namespace fusebox
