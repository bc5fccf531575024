#ifndef FUSEBOX_CLIENT_CPP_TEST_SERVER_H_
#define FUSEBOX_CLIENT_CPP_TEST_SERVER_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "fusebox/client.h"
#include "gtest/gtest.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
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

// A test of clients, with such a server.
class ServedTest : public ::testing::Test {
 protected:
  void SetUp() override { Serve("127.0.0.1:0"); }

  void Serve(const std::string& address) {
    server_ = ServeAt(address, clock_);
    ASSERT_NE(server_, nullptr);
  }
  std::string address() const { return server_->grpc_addresses().front(); }
  Engine& engine() { return server_->engine(); }

  template <typename Done>
  static void Until(const Done& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  static bool Call(const Breaker& breaker, Outcome outcome = Outcome::kSuccess) {
    Breaker::Permit permit = breaker.Allow();
    permit.Record(outcome);
    return permit.allowed();
  }
  Totals TotalsOf(absl::string_view breaker) {
    const auto view = engine().Get(breaker);
    return view.ok() ? view->snapshot.totals : Totals{};
  }

  SystemClock clock_;
  std::unique_ptr<Server> server_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CLIENT_CPP_TEST_SERVER_H_
