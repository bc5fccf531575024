#ifndef FUSEBOX_CORE_GLOB_INDEX_H_
#define FUSEBOX_CORE_GLOB_INDEX_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/glob.h"
#include "core/name.h"

namespace fusebox {

// Finds which of many globs goes first for a name without trying them all. Globs are kept by their
// head, the text that each name they match begins with:
//
//   payments.v1.*/Charge  "payments.v1."
//   db/orders             "db/orders"
//   db/**                 "db", which is also matched by db/**
//   **/orders             ""
//
// A name is looked up by as many of its own beginnings as there are lengths of heads; only globs
// with one of these heads are tried. Copies share what they do not change. Thread-compatible.
class GlobIndex {
 public:
  // The greatest rank goes first. Ranks differ.
  struct Entry {
    std::shared_ptr<const Glob> glob;
    uint64_t rank = 0;
  };

  GlobIndex() = default;
  explicit GlobIndex(std::vector<Entry> entries);

  // Takes as long as there are heads, and globs with this one's.
  void Add(Entry entry);
  // Takes out all globs of this text.
  void Remove(const Glob& glob);

  // The greatest rank of the globs that match `name`; empty if none does.
  std::optional<uint64_t> First(absl::string_view name) const;

 private:
  using Bucket = std::vector<Entry>;  // The greatest rank first.

  absl::flat_hash_map<std::string, std::shared_ptr<const Bucket>> buckets_;  // By head.
  std::bitset<kMaxNameBytes + 1> lengths_;  // Those of all heads, and maybe of former ones.
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_GLOB_INDEX_H_
