#ifndef FUSEBOX_CLIENT_CPP_UNARY_FIXTURE_H_
#define FUSEBOX_CLIENT_CPP_UNARY_FIXTURE_H_

#include <memory>
#include <string>

#include "client/cpp/test_server.h"
#include "fusebox/client.h"
#include "gtest/gtest.h"
#include "server/engine/engine.h"

namespace fusebox {

// Clients that ask about each call, and a server, over real connections.
class UnaryTest : public ServedTest {
 protected:
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
  void Trip(absl::string_view breaker) {
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(engine().Record(breaker, "", {.result = Result::Of(Outcome::kFailure)}).ok());
    }
  }
  void Rule(const Policy& policy) { ASSERT_TRUE(engine().SetPolicies({policy}, {}).ok()); }
};

}  // namespace fusebox

#endif  // FUSEBOX_CLIENT_CPP_UNARY_FIXTURE_H_
