#ifndef FUSEBOX_SERVER_STORE_ROW_SUM_H_
#define FUSEBOX_SERVER_STORE_ROW_SUM_H_

#include <cstdint>

#include "server/store/store.h"

namespace fusebox {

// CRC-32C (Castagnoli) of a row: its table, the size of its key, its key and its value.
uint32_t RowChecksum(const RowView& row);

// What a set of rows comes to. Kept with them, it tells when one of them is missing, was there
// before or should not be there, which no row's own checksum can.
struct RowSum {
  uint64_t rows = 0;
  uint64_t checksums = 0;  // Added up, modulo 2^64.

  void Add(uint32_t checksum) { ++rows, checksums += checksum; }
  void Subtract(uint32_t checksum) { --rows, checksums -= checksum; }
  friend bool operator==(const RowSum&, const RowSum&) = default;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_STORE_ROW_SUM_H_
