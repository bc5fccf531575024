#include "server/store/memory_store.h"

namespace fusebox {

absl::Status MemoryStore::Read(Show show) {
  for (const auto& [where, value] : rows_) show({where.first, where.second, value});
  return absl::OkStatus();
}

absl::Status MemoryStore::Commit(const Changes& changes) {
  for (const Changes::Change& change : changes.all()) {
    if (change.value.has_value()) {
      rows_[{change.table, change.key}] = *change.value;
    } else {
      rows_.erase({change.table, change.key});
    }
  }
  return absl::OkStatus();
}

absl::Status MemoryStore::Replace(Source rows) {
  rows_.clear();
  rows([this](const RowView& row) {
    rows_[{row.table, std::string(row.key)}] = std::string(row.value);
  });
  return absl::OkStatus();
}

}  // namespace fusebox
