#ifndef FUSEBOX_TESTS_BENCH_SERVING_H_
#define FUSEBOX_TESTS_BENCH_SERVING_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/options/options.h"

namespace fusebox {

// A server on a free port that keeps nothing, with further flags.
inline Options BenchOptions(const std::vector<const char*>& flags = {}) {
  std::vector<const char*> arguments = {"bench",          "--listen=127.0.0.1:0",
                                        "--http-listen=", "--lame-duck=0s",
                                        "--store=MEMORY", "--log-level=ERROR"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return *ParseOptions(static_cast<int>(arguments.size()), arguments.data(),
                       [](absl::string_view) { return std::optional<std::string>(); });
}

// A connection of its own: channels to one address share one otherwise.
inline std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_BENCH_SERVING_H_
