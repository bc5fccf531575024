#include "server/store/row_sum.h"

#include <isa-l/crc.h>

#include <array>

#include "absl/strings/string_view.h"

namespace fusebox {
namespace {

// The library takes what it only reads as if it wrote to it.
uint32_t Extend(uint32_t crc, absl::string_view bytes) {
  auto* buffer = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  return crc32_iscsi(buffer, static_cast<int>(bytes.size()), crc);
}

}  // namespace

uint32_t RowChecksum(const RowView& row) {
  const auto size = static_cast<uint32_t>(row.key.size());
  const std::array<char, 5> head = {static_cast<char>(row.table), static_cast<char>(size),
                                    static_cast<char>(size >> 8), static_cast<char>(size >> 16),
                                    static_cast<char>(size >> 24)};
  uint32_t crc = Extend(~uint32_t{0}, {head.data(), head.size()});
  crc = Extend(crc, row.key);
  return ~Extend(crc, row.value);
}

}  // namespace fusebox
