#ifndef FUSEBOX_SERVER_REGISTRY_COMPACT_NAME_H_
#define FUSEBOX_SERVER_REGISTRY_COMPACT_NAME_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"

namespace fusebox {

// A name of up to 65,535 bytes, in place when it has no more than 38: most breakers' names do, and
// to find them then takes no look at memory elsewhere. As large as a string and eight bytes, and
// without its allocation. Not thread-safe.
class CompactName {
 public:
  CompactName() = default;
  ~CompactName() { Clear(); }
  CompactName(const CompactName&) = delete;
  CompactName& operator=(const CompactName&) = delete;

  absl::string_view view() const { return {IsInPlace() ? bytes_.data() : Elsewhere(), size_}; }

  void Assign(absl::string_view name) {
    Clear();
    size_ = static_cast<uint16_t>(name.size());
    char* to = bytes_.data();
    if (!IsInPlace()) {
      to = new char[name.size()];
      std::memcpy(bytes_.data(), &to, sizeof to);
    }
    std::copy(name.begin(), name.end(), to);
  }

  void Clear() {
    if (!IsInPlace()) delete[] Elsewhere();
    size_ = 0;
  }

 private:
  static constexpr size_t kInPlace = 38;

  bool IsInPlace() const { return size_ <= kInPlace; }
  char* Elsewhere() const {
    char* bytes = nullptr;
    std::memcpy(&bytes, bytes_.data(), sizeof bytes);
    return bytes;
  }

  std::array<char, kInPlace> bytes_;  // The name, or where it is.
  uint16_t size_ = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_REGISTRY_COMPACT_NAME_H_
