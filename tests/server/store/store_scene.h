#ifndef FUSEBOX_TESTS_SERVER_STORE_STORE_SCENE_H_
#define FUSEBOX_TESTS_SERVER_STORE_STORE_SCENE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/error.h"
#include "server/store/sqlite_store.h"
#include "testing/faulty_disk.h"
#include "testing/temporary_directory.h"

namespace fusebox {

using Rows = std::map<std::pair<Table, std::string>, std::string>;

// `count` rows that differ from those of another `version`.
inline Rows RowsOf(absl::string_view version, int count) {
  Rows rows;
  for (int i = 0; i < count; ++i) {
    const Table table = i % 2 == 0 ? Table::kPolicies : Table::kBreakers;
    rows[{table, absl::StrCat("key ", i)}] =
        absl::StrCat(version, std::string(static_cast<size_t>(i) * 10, 'v'));
  }
  return rows;
}

inline absl::Status CommitTo(SqliteStore& store, const Rows& rows) {
  Changes changes;
  for (const auto& [where, value] : rows) changes.Put(where.first, where.second, value);
  return store.Commit(changes);
}

inline absl::Status ReplaceIn(SqliteStore& store, const Rows& rows) {
  return store.Replace([&](Store::Show show) {
    for (const auto& [where, value] : rows) show({where.first, where.second, value});
  });
}

inline absl::StatusOr<Rows> ReadFrom(SqliteStore& store) {
  Rows rows;
  const absl::Status read = store.Read([&](const RowView& row) {
    rows[{row.table, std::string(row.key)}] = std::string(row.value);
  });
  if (!read.ok()) return read;
  return rows;
}

inline void ExpectFailed(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(ErrorReason(status), "STORE_FAILED");
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("--data-dir"));
}

// A directory with `before` in it, a disk that may fail, and one server's store at a time.
//
//   Scene scene;
//   scene.Start();
//   scene.disk().SetFull(true);
//   ExpectFailed(scene.Commit(scene.after));
//   EXPECT_EQ(scene.Found(), scene.before);
class Scene {
 public:
  // A disk that keeps for sure only what is synced has a seed.
  explicit Scene(std::optional<uint64_t> seed = std::nullopt)
      : disk_(seed.has_value() ? std::make_unique<FaultyDisk>(*seed)
                               : std::make_unique<FaultyDisk>()) {
    const std::unique_ptr<SqliteStore> store = OpenOn(healthy_.name());
    EXPECT_TRUE(ReadFrom(*store).ok());
    EXPECT_TRUE(CommitTo(*store, before).ok());
  }

  // A server opens the store, and reads it as it must.
  void Open() { store_ = OpenOn(disk_->name()); }
  void Start() {
    Open();
    const absl::StatusOr<Rows> read = Read();
    EXPECT_TRUE(read.ok()) << read.status();
  }
  absl::StatusOr<Rows> Read() { return ReadFrom(*store_); }
  absl::Status Commit(const Rows& rows) { return CommitTo(*store_, rows); }
  absl::Status Replace(const Rows& rows) { return ReplaceIn(*store_, rows); }

  // The server ends, and perhaps the machine with it.
  void Stop() { store_.reset(); }
  void CutPower() {
    Stop();
    disk_->CutPower();
  }

  // What the next server finds; ends this one.
  Rows Found() {
    Stop();
    const absl::StatusOr<Rows> read = ReadFrom(*OpenOn(healthy_.name()));
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
  // An open store of the directory; without a name through the system's own disk.
  std::unique_ptr<SqliteStore> OpenOn(const std::string& vfs) const {
    return *SqliteStore::Open({.data_dir = directory_.path(), .vfs = vfs});
  }

  const Rows before = RowsOf("before", 20);
  const Rows after = RowsOf("after", 40);

 private:
  TemporaryDirectory directory_;
  FaultyDisk healthy_;  // Faster than a real one.
  std::unique_ptr<FaultyDisk> disk_;
  std::unique_ptr<SqliteStore> store_;
};

// Tells a story whose first operation fails (or the `first`th), then one whose second does and so
// on, until it says that nothing failed any more. Returns how many operations it has, and one.
template <typename Story>
uint64_t FailAtEach(uint64_t first, Story story) {
  uint64_t at = first;
  for (bool failed = true; failed; ++at) {
    SCOPED_TRACE(absl::StrCat("operation ", at));
    failed = story(at);
  }
  return at;
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_SERVER_STORE_STORE_SCENE_H_
