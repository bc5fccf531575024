#ifndef FUSEBOX_SERVER_STORE_MEMORY_STORE_H_
#define FUSEBOX_SERVER_STORE_MEMORY_STORE_H_

#include <map>
#include <string>
#include <utility>

#include "server/store/store.h"

namespace fusebox {

// Keeps rows as long as the process lives, for servers that shall remember nothing. Never fails.
class MemoryStore : public Store {
 public:
  absl::Status Read(Show show) override;
  absl::Status Commit(const Changes& changes) override;
  absl::Status Replace(Source rows) override;

 private:
  std::map<std::pair<Table, std::string>, std::string> rows_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_STORE_MEMORY_STORE_H_
