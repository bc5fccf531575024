#include "server/store/sqlite.h"

#include <sqlite3.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {
namespace {

// What the operator can do about it.
absl::string_view RemedyFor(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "free space on the disk of --data-dir";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return "let the server read and write --data-dir and the files in it";
    default:
      return "check the disk of --data-dir, or choose another";
  }
}

// Longer than any row, so that a damaged length asks for no memory.
constexpr int kMaxBytes = 64 << 20;

// What is asked never changes and was right of the file that was written: where SQLite finds no
// such table, or a value that cannot be, the file has changed.
bool IsCorruption(int code) {
  switch (code) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_FORMAT:
    case SQLITE_RANGE:
      return true;
    default:
      return false;
  }
}

int OpenFlags(SqliteDatabase::Mode mode) {
  const bool create = mode == SqliteDatabase::Mode::kCreate;
  return SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
}

}  // namespace

absl::Status SqliteError(sqlite3* database) {
  const int code = sqlite3_extended_errcode(database);
  const char* name = sqlite3_errstr(code);
  if (IsCorruption(code & 0xff)) {
    return MakeError(
        absl::StatusCode::kDataLoss, "STORE_CORRUPT",
        absl::StrCat("SQLite says \"", name, "\" (", code, "): ", sqlite3_errmsg(database)));
  }
  return MakeError(absl::StatusCode::kUnavailable, "STORE_FAILED",
                   absl::StrCat("SQLite says \"", name, "\" (", code, ", errno ",
                                sqlite3_system_errno(database), "); ", RemedyFor(code)));
}

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

// Binding fails only for parameters that do not exist and for more than SQLite's 1 GB.
void SqliteStatement::Bind(int parameter, int64_t value) {
  sqlite3_bind_int64(statement_.get(), parameter, value);
}

void SqliteStatement::BindBlob(int parameter, absl::string_view bytes) {
  // Without an address it would be NULL.
  const char* data = bytes.empty() ? "" : bytes.data();
  sqlite3_bind_blob64(statement_.get(), parameter, data, bytes.size(), SQLITE_STATIC);
}

absl::StatusOr<bool> SqliteStatement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return SqliteError(sqlite3_db_handle(statement_.get()));
}

absl::Status SqliteStatement::Run() {
  const absl::Status status = Step().status();
  Reset();
  return status;
}

int64_t SqliteStatement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

absl::string_view SqliteStatement::Blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return {bytes, bytes == nullptr ? 0 : static_cast<size_t>(size)};
}

void SqliteStatement::Reset() { sqlite3_reset(statement_.get()); }

void SqliteDatabase::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

absl::StatusOr<SqliteDatabase> SqliteDatabase::Open(const std::string& path, Mode mode,
                                                    const std::string& vfs) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened, OpenFlags(mode) | SQLITE_OPEN_NOMUTEX,
                                   vfs.empty() ? nullptr : vfs.c_str());
  SqliteDatabase database(opened);
  if (opened == nullptr) {
    return MakeError(absl::StatusCode::kUnavailable, "STORE_FAILED", "no memory for SQLite");
  }
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, kMaxBytes);
  if (code != SQLITE_OK) return SqliteError(opened);
  return database;
}

absl::Status SqliteDatabase::Execute(const std::string& sql) {
  const int code = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : SqliteError(database_.get());
}

absl::StatusOr<SqliteStatement> SqliteDatabase::Prepare(absl::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return SqliteError(database_.get());
  return SqliteStatement(statement);
}

absl::StatusOr<int64_t> SqliteDatabase::Query(absl::string_view sql) {
  absl::StatusOr<SqliteStatement> statement = Prepare(sql);
  if (!statement.ok()) return statement.status();
  const absl::StatusOr<bool> row = statement->Step();
  if (!row.ok()) return row.status();
  if (!*row) {
    return MakeError(absl::StatusCode::kDataLoss, "STORE_CORRUPT", absl::StrCat("no row: ", sql));
  }
  return statement->Int(0);
}

bool SqliteDatabase::HasMoved() {
  int moved = 0;
  const int code = sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return code == SQLITE_OK && moved != 0;
}

}  // namespace fusebox
