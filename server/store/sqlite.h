// The little of SQLite that the store needs, with absl::Status for errors.
#ifndef FUSEBOX_SERVER_STORE_SQLITE_H_
#define FUSEBOX_SERVER_STORE_SQLITE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sqlite3;
struct sqlite3_stmt;

namespace fusebox {

// A prepared statement. Not thread-safe, and not to outlive its database.
//
//   SqliteStatement& find = ...;  // "SELECT value FROM rows WHERE id = ?1"
//   find.Bind(1, id);
//   if (absl::StatusOr<bool> row = find.Step(); row.ok() && *row) Use(find.Blob(0));
//   find.Reset();
class SqliteStatement {
 public:
  // Parameters count from 1. Bytes must stay where they are until Reset().
  void Bind(int parameter, int64_t value);
  void BindBlob(int parameter, absl::string_view bytes);

  // True if there is a row to look at; false at the end.
  absl::StatusOr<bool> Step();

  // For statements without rows: runs it and makes it ready for the next time.
  absl::Status Run();

  // Columns count from 0. Views end with the next Step() or Reset().
  int64_t Int(int column) const;
  absl::string_view Blob(int column) const;

  // Makes it ready for new parameters.
  void Reset();

 private:
  friend class SqliteDatabase;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// One connection. Errors are those of SqliteError(). Not thread-safe.
class SqliteDatabase {
 public:
  enum class Mode : uint8_t { kReadWrite, kCreate };

  // `vfs` names what SQLite sees the disk through; empty: the default.
  static absl::StatusOr<SqliteDatabase> Open(const std::string& path, Mode mode,
                                             const std::string& vfs);

  // Runs statements that return no rows of interest.
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<SqliteStatement> Prepare(absl::string_view sql);

  // The first column of the first row; DATA_LOSS without one.
  absl::StatusOr<int64_t> Query(absl::string_view sql);

  // Whether its file is no longer where it was opened: removed, renamed, or replaced by another.
  bool HasMoved();

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit SqliteDatabase(sqlite3* database) : database_(database) {}

  std::unique_ptr<sqlite3, Close> database_;
};

// What went wrong last on a connection, as an error of a Store: DATA_LOSS (reason STORE_CORRUPT) if
// it is the file, else UNAVAILABLE (reason STORE_FAILED).
absl::Status SqliteError(sqlite3* database);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_STORE_SQLITE_H_
