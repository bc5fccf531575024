#ifndef FUSEBOX_CLIENT_CPP_UNARY_FIXTURE_H_
#define FUSEBOX_CLIENT_CPP_UNARY_FIXTURE_H_

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "client/cpp/test_server.h"
#include "fusebox/client.h"
#include "gtest/gtest.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/serving/server.h"

namespace fusebox {

// Clients that ask about each call, and a server, over real connections.
class UnaryTest : public ::testing::Test {
 protected:
  void SetUp() override { Serve("127.0.0.1:0"); }

  void Serve(const std::string& address) {
    server_ = ServeAt(address, clock_);
    ASSERT_NE(server_, nullptr);
  }
  std::string address() const { return server_->grpc_addresses().front(); }
  Engine& engine() { return server_->engine(); }

  // Machines of tests may be slow: the server has a second to answer.
  ClientOptions Options() const {
    return {.target = address(),
            .name = "test",
            .mode = ClientMode::kUnary,
            .unary_timeout = absl::Seconds(1),
            .close_patience = absl::Seconds(30)};
  }
  // Of a server that is to go: there is nobody to tell.
  std::unique_ptr<Client> ConnectBriefly() const {
    ClientOptions options = Options();
    options.close_patience = absl::ZeroDuration();
    return Connect(options);
  }
  static std::unique_ptr<Client> Connect(const ClientOptions& options) {
    auto client = Client::Create(options);
    EXPECT_TRUE(client.ok()) << client.status();
    EXPECT_TRUE((*client)->WaitForServer(absl::Seconds(30)));
    return *std::move(client);
  }
  std::unique_ptr<Client> Connect() const { return Connect(Options()); }

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
  void Trip(absl::string_view breaker) {
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(engine().Record(breaker, "", {.result = Result::Of(Outcome::kFailure)}).ok());
    }
  }
  void Rule(const Policy& policy) { ASSERT_TRUE(engine().SetPolicies({policy}, {}).ok()); }

  SystemClock clock_;
  std::unique_ptr<Server> server_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CLIENT_CPP_UNARY_FIXTURE_H_
