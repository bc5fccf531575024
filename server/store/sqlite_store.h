#ifndef FUSEBOX_SERVER_STORE_SQLITE_STORE_H_
#define FUSEBOX_SERVER_STORE_SQLITE_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/data_directory.h"
#include "server/store/row_sum.h"
#include "server/store/sqlite.h"
#include "server/store/store.h"

namespace fusebox {

struct SqliteStoreOptions {
  std::string data_dir;
  std::string vfs = {};  // What SQLite sees the disk through; empty: its default.
};

// Keeps rows in an SQLite file.
//
//   rows(id, key, value, crc)      each with its RowChecksum
//   seal(rows, checksums)          what all of them come to: RowSum
//
// A commit is one transaction, synced before it is answered, under a rollback journal and not a
// write-ahead log: a log whose last pages went bad looks like a log that ends earlier, and that
// would bring back what was changed since. Here, whatever goes bad no longer matches its checksum
// or the seal. One connection does everything.
//
// What was committed into a file that is no longer there is lost, and the commit failed: Replace()
// then writes into whatever directory there is now, and sets aside what somebody put there.
//
// The schema's version is SQLite's user_version. An older one is migrated when the store is read;
// a newer one is left alone. Not thread-safe.
class SqliteStore : public Store {
 public:
  // The only error is FAILED_PRECONDITION (reason STORE_IN_USE). A store that cannot be had for
  // any other reason says so whenever it is asked, and tries again.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(SqliteStoreOptions options);

  absl::Status Read(Show show) override;
  absl::Status Commit(const Changes& changes) override;
  absl::Status Replace(Source rows) override;

 private:
  // What is known of the file.
  enum class Condition : uint8_t { kUnread, kWhole, kFailed, kCorrupt, kMoved, kTooNew };

  // One open file and what is asked of it again and again.
  struct File {
    SqliteDatabase database;
    SqliteStatement find;
    SqliteStatement put;
    SqliteStatement erase;
    SqliteStatement seal;
  };

  explicit SqliteStore(SqliteStoreOptions options) : options_(std::move(options)) {}

  absl::Status Lock();
  absl::StatusOr<SqliteDatabase> OpenCurrent();
  absl::Status ReadRows(SqliteDatabase& database, Show show);
  absl::Status WriteNext(const std::string& path, Source rows);
  absl::Status Use(SqliteDatabase database);

  absl::Status Apply(const Changes::Change& change, RowSum& sum);
  absl::Status Put(const RowView& row, RowSum& sum);
  absl::Status Seal(const RowSum& sum);

  absl::Status Fail(absl::Status error);
  absl::Status FailAsMoved();
  absl::Status Unread() const;

  const SqliteStoreOptions options_;
  std::optional<DataDirectory> directory_;
  std::optional<File> file_;
  RowSum sum_;
  Condition condition_ = Condition::kUnread;
  absl::Status failure_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_STORE_SQLITE_STORE_H_
