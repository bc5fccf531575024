#ifndef FUSEBOX_SERVER_STORE_STORE_H_
#define FUSEBOX_SERVER_STORE_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fusebox {

// What a row is about. The numbers are in files: never change or reuse one.
enum class Table : uint8_t {
  kServer = 1,
  kPolicies = 2,
  kRetryBudgets = 3,
  kOverrides = 4,
  kBreakers = 5,
  kTransitions = 6,
};

// A row that is read. Keys are at most 1 KB and values at most 1 MB; both are opaque bytes.
struct RowView {
  Table table;
  absl::string_view key;
  absl::string_view value;
};

// What shall be different, in order: of two changes of one row the later one holds.
class Changes {
 public:
  struct Change {
    Table table;
    std::string key;
    std::optional<std::string> value;  // Absent: there shall be no such row.
  };

  void Put(Table table, std::string key, std::string value) {
    changes_.push_back({table, std::move(key), std::move(value)});
  }
  void Erase(Table table, std::string key) {
    changes_.push_back({table, std::move(key), std::nullopt});
  }

  bool empty() const { return changes_.empty(); }
  const std::vector<Change>& all() const { return changes_; }

 private:
  std::vector<Change> changes_;
};

// Keeps rows over restarts. It knows nothing of what is in them.
//
//   store.Read([](const RowView& row) { ... });     // Once, at the start.
//   store.Commit(changes);                          // OK: durable, all of them.
//   if (!committed.ok()) store.Replace(everything)  // Later, until it succeeds.
//
// A store that failed once is not trusted again: whether the changes of the failed Commit() are
// kept is unknown, and so every later one is refused with the same error. Only Replace(), which
// starts over with what its caller knows, makes it whole. Not thread-safe: one thread owns it.
class Store {
 public:
  using Show = absl::FunctionRef<void(const RowView&)>;
  // Calls what it is given with each row, no key of a table twice.
  using Source = absl::FunctionRef<void(Show)>;

  virtual ~Store() = default;

  // Shows every row once, by table and then by key in the order of bytes; views end with the call.
  // After an error, forget what was shown: DATA_LOSS (reason STORE_CORRUPT) means that the rows are
  // not those that were written, UNAVAILABLE (reason STORE_FAILED) that they cannot be read now.
  virtual absl::Status Read(Show show) = 0;

  // Makes all changes or none. OK means that they survive a crash of the server and of the machine.
  // Errors: UNAVAILABLE (reason STORE_FAILED), with what to do about it; DATA_LOSS (reason
  // STORE_CORRUPT) if a row that was to be changed is not the one that was written.
  virtual absl::Status Commit(const Changes& changes) = 0;

  // Forgets all rows and keeps these, or changes nothing. Errors as of Commit(), and
  // FAILED_PRECONDITION (reason STORE_TOO_NEW) when what is there must not be replaced.
  virtual absl::Status Replace(Source rows) = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_STORE_STORE_H_
