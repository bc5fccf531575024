// What `top` knows and shows.
//
//   Sample now;
//   const grpc::Status status = TakeSample(server, {.match = "db/**"}, &before, &now);
//   cli.out.Print({now.breakers, [&](bool) { return TopTable(now); }});
#ifndef FUSEBOX_CLIENT_CLI_TOP_VIEW_H_
#define FUSEBOX_CLIENT_CLI_TOP_VIEW_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "client/cli/channel.h"
#include "client/cli/table.h"
#include "core/policy.h"
#include "fusebox/v1/admin.pb.h"

namespace fusebox::cli {

// Which breakers to look at.
struct Selection {
  std::string match;  // A glob; empty: all.
  std::string part;   // Names hold this text.
};

// Calls of one breaker in each second between two looks.
struct Rates {
  double calls = 0;  // Granted or refused.
  double refused = 0;
};

// One look at all breakers.
struct Sample {
  v1::ListBreakersResponse breakers;  // The worst first, at most kTopRows.
  size_t seen = 0;                    // How many the selection covers, and of those:
  size_t open = 0;
  size_t half_open = 0;
  size_t overridden = 0;
  absl::flat_hash_map<std::string, Policy> policies;  // By name.
  absl::flat_hash_map<std::string, Rates> rates;      // Of those that the look before knew too.
  absl::Time wall;                                    // When it was taken, for people,
  absl::Duration monotonic;                           // and to measure with.
};

// More than anybody scrolls through; bounds what a look at a million breakers holds.
inline constexpr int kTopRows = 1000;

// Takes a look. `before` is an earlier one, or nullptr, without which there are no rates.
grpc::Status TakeSample(Connection& server, const Selection& selection, const Sample* before,
                        Sample* sample);

// "12 breakers: 2 open, 1 half-open, 1 overridden".
std::string SummaryText(const Sample& sample);

// A head and a row for each breaker. Names of more than `name_width` columns are cut.
Table TopTable(const Sample& sample, size_t name_width = 256);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_TOP_VIEW_H_
