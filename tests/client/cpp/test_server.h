#ifndef FUSEBOX_CLIENT_CPP_TEST_SERVER_H_
#define FUSEBOX_CLIENT_CPP_TEST_SERVER_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "server/engine/clock.h"
#include "server/serving/server.h"

namespace fusebox {

// A real server in the process of the test, without a file. Null, and the test has failed, if it
// does not start.
inline std::unique_ptr<Server> ServeAt(const std::string& address, const Clock& clock) {
  const std::string listen = "--listen=" + address;
  const std::vector<const char*> flags = {"test",           listen.c_str(),   "--http-listen=",
                                          "--lame-duck=0s", "--store=MEMORY", "--log-level=ERROR"};
  const auto options = ParseOptions(static_cast<int>(flags.size()), flags.data(),
                                    [](absl::string_view) { return std::optional<std::string>(); });
  EXPECT_TRUE(options.ok()) << options.status();
  if (!options.ok()) return nullptr;
  auto server = Server::Start(*options, clock);
  EXPECT_TRUE(server.ok()) << server.status();
  return server.ok() ? *std::move(server) : nullptr;
}

}  // namespace fusebox

#endif  // FUSEBOX_CLIENT_CPP_TEST_SERVER_H_
