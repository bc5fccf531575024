#include "server/store/sqlite_store.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {
namespace {

constexpr int64_t kApplicationId = 0x46555345;  // "FUSE"

// What makes version 1 of no tables, version 2 of version 1, and so on. Never change one that was
// released: add the next.
constexpr std::array<absl::string_view, 2> kMigrations = {
    "CREATE TABLE rows(id INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
    "                  crc INTEGER NOT NULL, PRIMARY KEY(id, key)) WITHOUT ROWID",
    "CREATE TABLE seal(version INTEGER NOT NULL, rows INTEGER NOT NULL,"
    "                  checksums INTEGER NOT NULL);"
    "INSERT INTO seal SELECT 2, count(*), coalesce(sum(crc), 0) FROM rows",
};
constexpr int64_t kVersion = kMigrations.size();
constexpr int64_t kFirstSealedVersion = 2;

// One connection alone, nothing in other places than the file and its journal.
constexpr absl::string_view kSettings =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL;"
    "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON";

absl::Status Corrupt(absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "STORE_CORRUPT", what);
}

absl::Status Migrate(SqliteDatabase& database, int64_t from) {
  if (from == kVersion) return absl::OkStatus();
  std::string sql = absl::StrCat("BEGIN IMMEDIATE; PRAGMA application_id = ", kApplicationId, ";");
  for (int64_t version = from; version < kVersion; ++version) {
    absl::StrAppend(&sql, kMigrations[static_cast<size_t>(version)], ";");
  }
  absl::StrAppend(&sql, "PRAGMA user_version = ", kVersion,
                  "; UPDATE seal SET version = ", kVersion, "; COMMIT");
  return database.Execute(sql);
}

// The version of a file that was complete once.
absl::StatusOr<int64_t> VersionOf(SqliteDatabase& database) {
  const absl::StatusOr<int64_t> application = database.Query("PRAGMA application_id");
  if (!application.ok()) return application.status();
  if (*application != kApplicationId) return Corrupt("it is not marked as a store");
  const absl::StatusOr<int64_t> version = database.Query("PRAGMA user_version");
  if (!version.ok()) return version.status();
  // It is a signed number of 32 bits.
  if (*version < 1) return Corrupt(absl::StrCat("its version is ", *version));
  if (*version < kFirstSealedVersion) return version;
  const absl::StatusOr<int64_t> sealed = database.Query("SELECT version FROM seal");
  if (!sealed.ok()) return sealed.status();
  if (*sealed != *version) return Corrupt("it is of two versions at once");
  return version;
}

absl::StatusOr<RowSum> SealOf(SqliteDatabase& database) {
  const absl::StatusOr<int64_t> rows = database.Query("SELECT rows FROM seal");
  if (!rows.ok()) return rows.status();
  const absl::StatusOr<int64_t> checksums = database.Query("SELECT checksums FROM seal");
  if (!checksums.ok()) return checksums.status();
  return RowSum{static_cast<uint64_t>(*rows), static_cast<uint64_t>(*checksums)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(SqliteStoreOptions options) {
  std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(options)));
  const absl::Status locked = store->Lock();
  if (absl::IsFailedPrecondition(locked)) return locked;
  return store;
}

absl::Status SqliteStore::Lock() {
  if (directory_.has_value()) return absl::OkStatus();
  absl::StatusOr<DataDirectory> directory = DataDirectory::Lock(options_.data_dir);
  if (!directory.ok()) return directory.status();
  directory_ = *std::move(directory);
  return absl::OkStatus();
}

absl::Status SqliteStore::Read(Show show) {
  if (condition_ != Condition::kUnread && condition_ != Condition::kWhole) return failure_;
  file_.reset();  // One connection at a time.
  condition_ = Condition::kUnread;
  if (const absl::Status locked = Lock(); !locked.ok()) return locked;
  if (directory_->current().empty()) {
    // There is nothing to read, also when nothing can be written now.
    condition_ = Condition::kWhole;
    Replace([](Show) {}).IgnoreError();
    return absl::OkStatus();
  }
  absl::StatusOr<SqliteDatabase> database = OpenCurrent();
  absl::Status status = database.ok() ? ReadRows(*database, show) : database.status();
  if (status.ok()) status = Use(*std::move(database));
  if (status.ok()) condition_ = Condition::kWhole;
  if (condition_ == Condition::kTooNew || !absl::IsDataLoss(status)) return status;
  return Fail(Corrupt(absl::StrCat(directory_->current(), " is corrupt: ", status.message(),
                                   "; the server goes on without it and sets it aside as *.bad: "
                                   "apply what it held again, or restore a backup")));
}

absl::StatusOr<SqliteDatabase> SqliteStore::OpenCurrent() {
  absl::StatusOr<SqliteDatabase> database =
      SqliteDatabase::Open(directory_->current(), SqliteDatabase::Mode::kReadWrite, options_.vfs);
  if (!database.ok()) return database.status();
  if (const absl::Status set = database->Execute(std::string(kSettings)); !set.ok()) return set;
  const absl::StatusOr<int64_t> version = VersionOf(*database);
  if (!version.ok()) return version.status();
  if (*version > kVersion) {
    condition_ = Condition::kTooNew;
    failure_ = MakeError(absl::StatusCode::kFailedPrecondition, "STORE_TOO_NEW",
                         absl::StrCat(directory_->current(), " is of version ", *version,
                                      ", and this server knows up to ", kVersion,
                                      "; run the newer server, or choose another --data-dir"));
    return failure_;
  }
  if (const absl::Status migrated = Migrate(*database, *version); !migrated.ok()) return migrated;
  return database;
}

absl::Status SqliteStore::ReadRows(SqliteDatabase& database, Show show) {
  const absl::StatusOr<RowSum> sealed = SealOf(database);
  if (!sealed.ok()) return sealed.status();
  absl::StatusOr<SqliteStatement> rows = database.Prepare("SELECT id, key, value, crc FROM rows");
  if (!rows.ok()) return rows.status();
  sum_ = {};
  while (true) {
    const absl::StatusOr<bool> more = rows->Step();
    if (!more.ok()) return more.status();
    if (!*more) break;
    const RowView row{static_cast<Table>(rows->Int(0)), rows->Blob(1), rows->Blob(2)};
    const uint32_t checksum = RowChecksum(row);
    if (checksum != rows->Int(3)) return Corrupt(absl::StrCat("row ", sum_.rows, " changed"));
    sum_.Add(checksum);
    show(row);
  }
  if (sum_ == *sealed) return absl::OkStatus();
  return Corrupt(absl::StrCat(sum_.rows, " rows are not the ", sealed->rows, " that were written"));
}

absl::Status SqliteStore::Use(SqliteDatabase database) {
  absl::StatusOr<SqliteStatement> find =
      database.Prepare("SELECT crc FROM rows WHERE id = ?1 AND key = ?2");
  absl::StatusOr<SqliteStatement> put =
      database.Prepare("REPLACE INTO rows VALUES(?1, ?2, ?3, ?4)");
  absl::StatusOr<SqliteStatement> erase =
      database.Prepare("DELETE FROM rows WHERE id = ?1 AND key = ?2");
  absl::StatusOr<SqliteStatement> seal =
      database.Prepare("UPDATE seal SET rows = ?1, checksums = ?2");
  for (const auto* statement : {&find, &put, &erase, &seal}) {
    if (!statement->ok()) return statement->status();
  }
  file_.emplace(File{std::move(database), *std::move(find), *std::move(put), *std::move(erase),
                     *std::move(seal)});
  return absl::OkStatus();
}

absl::Status SqliteStore::Commit(const Changes& changes) {
  if (condition_ == Condition::kUnread) return Unread();
  if (condition_ != Condition::kWhole) return failure_;
  RowSum sum = sum_;
  absl::Status status = file_->database.Execute("BEGIN IMMEDIATE");
  for (const Changes::Change& change : changes.all()) {
    if (status.ok()) status = Apply(change, sum);
  }
  if (status.ok()) status = Seal(sum);
  if (status.ok()) status = file_->database.Execute("COMMIT");
  if (absl::IsDataLoss(status)) {
    status = Corrupt(absl::StrCat(directory_->current(), " is corrupt: ", status.message(),
                                  "; the server writes all that it knows into another file and "
                                  "sets this one aside as *.bad"));
  }
  if (file_->database.HasMoved()) return FailAsMoved();
  if (!status.ok()) return Fail(std::move(status));
  sum_ = sum;
  return absl::OkStatus();
}

absl::Status SqliteStore::Apply(const Changes::Change& change, RowSum& sum) {
  const auto id = static_cast<int64_t>(change.table);
  SqliteStatement& find = file_->find;
  find.Bind(1, id);
  find.BindBlob(2, change.key);
  const absl::StatusOr<bool> found = find.Step();
  if (found.ok() && *found) sum.Subtract(static_cast<uint32_t>(find.Int(0)));
  find.Reset();
  if (!found.ok()) return found.status();
  if (change.value.has_value()) return Put({change.table, change.key, *change.value}, sum);
  if (!*found) return absl::OkStatus();
  file_->erase.Bind(1, id);
  file_->erase.BindBlob(2, change.key);
  return file_->erase.Run();
}

absl::Status SqliteStore::Put(const RowView& row, RowSum& sum) {
  const uint32_t checksum = RowChecksum(row);
  SqliteStatement& put = file_->put;
  put.Bind(1, static_cast<int64_t>(row.table));
  put.BindBlob(2, row.key);
  put.BindBlob(3, row.value);
  put.Bind(4, checksum);
  sum.Add(checksum);
  return put.Run();
}

absl::Status SqliteStore::Seal(const RowSum& sum) {
  file_->seal.Bind(1, static_cast<int64_t>(sum.rows));
  file_->seal.Bind(2, static_cast<int64_t>(sum.checksums));
  return file_->seal.Run();
}

absl::Status SqliteStore::Replace(Source rows) {
  if (condition_ == Condition::kUnread) return Unread();
  if (condition_ == Condition::kTooNew) return failure_;
  if (directory_.has_value() && !directory_->HasItsLock()) FailAsMoved().IgnoreError();
  if (const absl::Status locked = Lock(); !locked.ok()) return locked;
  const Condition before = condition_;
  const bool set_aside = before == Condition::kCorrupt || before == Condition::kMoved;
  const std::string old = directory_->current();
  file_.reset();
  const absl::StatusOr<std::string> next = directory_->PrepareNext();
  absl::Status status = next.ok() ? WriteNext(*next, rows) : next.status();
  if (status.ok()) status = directory_->Adopt(set_aside);
  if (status.ok()) {
    absl::StatusOr<SqliteDatabase> adopted = OpenCurrent();
    status = adopted.ok() ? Use(*std::move(adopted)) : adopted.status();
  }
  condition_ = Condition::kWhole;
  if (status.ok()) return status;
  status = Fail(std::move(status));
  // It stays to be set aside by the Replace() that succeeds.
  if (set_aside && directory_->current() == old) condition_ = before;
  return status;
}

absl::Status SqliteStore::WriteNext(const std::string& path, Source rows) {
  absl::StatusOr<SqliteDatabase> database =
      SqliteDatabase::Open(path, SqliteDatabase::Mode::kCreate, options_.vfs);
  if (!database.ok()) return database.status();
  absl::Status status = database->Execute(std::string(kSettings));
  if (status.ok()) status = Migrate(*database, 0);
  if (status.ok()) status = Use(*std::move(database));
  if (status.ok()) status = file_->database.Execute("BEGIN IMMEDIATE");
  RowSum sum;
  rows([&](const RowView& row) {
    if (status.ok()) status = Put(row, sum);
  });
  if (status.ok()) status = Seal(sum);
  if (status.ok()) status = file_->database.Execute("COMMIT");
  file_.reset();  // SQLite is done with the file before it gets its name.
  if (status.ok()) sum_ = sum;
  return status;
}

absl::Status SqliteStore::Fail(absl::Status error) {
  file_.reset();
  condition_ = absl::IsDataLoss(error) ? Condition::kCorrupt : Condition::kFailed;
  failure_ = std::move(error);
  return failure_;
}

// Its directory may be another by now, too, which another server may have.
absl::Status SqliteStore::FailAsMoved() {
  const absl::Status failure = Fail(MakeError(
      absl::StatusCode::kUnavailable, "STORE_FAILED",
      absl::StrCat(directory_->current(),
                   " was removed or replaced while the server ran; it writes all that it knows "
                   "into --data-dir anew and sets aside what is there as *.bad. To restore a "
                   "backup, stop the server first")));
  directory_.reset();
  condition_ = Condition::kMoved;
  return failure;
}

absl::Status SqliteStore::Unread() const {
  return MakeError(absl::StatusCode::kFailedPrecondition, "STORE_UNREAD",
                   absl::StrCat("what is in ", options_.data_dir,
                                " was not read yet, so it is neither added to nor replaced"));
}

}  // namespace fusebox
