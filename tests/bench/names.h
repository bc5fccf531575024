#ifndef FUSEBOX_TESTS_BENCH_NAMES_H_
#define FUSEBOX_TESTS_BENCH_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/random/zipf_distribution.h"
#include "absl/strings/str_format.h"

namespace fusebox {

// So many different names of 32 bytes.
inline std::vector<std::string> BenchNames(size_t count) {
  std::vector<std::string> names;
  names.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    names.push_back(absl::StrFormat("bench.v1.Service%07d/SomeCall", i).substr(0, 32));
  }
  return names;
}

// Draws of names by Zipf's law with exponent 1.1: few are hot, most are rare.
inline std::vector<uint32_t> ZipfDraws(size_t names, size_t draws) {
  std::mt19937_64 random(7);
  absl::zipf_distribution<uint32_t> zipf(static_cast<uint32_t>(names - 1), 1.1);
  std::vector<uint32_t> order;
  order.reserve(draws);
  // Hot names must not also be neighbours in memory.
  for (size_t i = 0; i < draws; ++i) {
    order.push_back(static_cast<uint32_t>(uint64_t{zipf(random)} * 2'654'435'761u % names));
  }
  return order;
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_BENCH_NAMES_H_
