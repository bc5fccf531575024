#include "server/tls/live_certificate.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/tls/listener_credentials.h"
#include "testing/certificates.h"

namespace fusebox {
namespace {

Certificate MakeCertificate(bool asks_clients = false) {
  const TestCertificate made = MakeTestCertificate();
  return {.chain = made.certificate,
          .key = made.key,
          .client_ca = asks_clients ? made.certificate : "",
          .not_after = absl::InfiniteFuture()};
}

TEST(LiveCertificateTest, CountsItsVersions) {
  LiveCertificate live;
  EXPECT_EQ(live.Get().number, 0u);
  EXPECT_EQ(live.Get().certificate, nullptr);
  live.Replace({.chain = "a", .key = "", .client_ca = "", .not_after = {}});
  const LiveCertificate::Version first = live.Get();
  live.Replace({.chain = "b", .key = "", .client_ca = "", .not_after = {}});
  EXPECT_EQ(first.number, 1u);
  EXPECT_EQ(first.certificate->chain, "a");  // Whoever is at it goes on with what they have.
  EXPECT_EQ(live.Get().number, 2u);
  EXPECT_EQ(live.Get().certificate->chain, "b");
}

// A server on one port of loopback that serves nothing but its certificate.
class ListenerCredentialsTest : public testing::Test {
 protected:
  void Serve(bool asks_clients) {
    live_.Replace(MakeCertificate(asks_clients));
    credentials_ = TlsListenerCredentials(live_);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", credentials_, &port_);
    builder.RegisterCallbackGenericService(&nothing_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    ASSERT_NE(port_, 0);
  }

  // Whether a new connection that believes in nothing but this certificate comes about.
  bool Connects(const std::string& trusted) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = trusted;
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("test");
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port_),
                                                   grpc::SslCredentials(options), arguments);
    for (grpc_connectivity_state state = channel->GetState(true); state != GRPC_CHANNEL_READY;
         state = channel->GetState(false)) {
      if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) return false;
      channel->WaitForStateChange(state, gpr_inf_future(GPR_CLOCK_MONOTONIC));
    }
    return true;
  }

  LiveCertificate live_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  grpc::CallbackGenericService nothing_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(ListenerCredentialsTest, ShowsTheNewestCertificateToNewConnections) {
  Serve(/*asks_clients=*/false);
  const std::string first = live_.Get().certificate->chain;
  EXPECT_TRUE(Connects(first));
  for (int i = 0; i < 3; ++i) {
    live_.Replace(MakeCertificate());
    EXPECT_TRUE(Connects(live_.Get().certificate->chain));
    EXPECT_FALSE(Connects(first));
  }
}

TEST_F(ListenerCredentialsTest, LetsNobodyThroughWithoutACertificateIfItAsksForOne) {
  Serve(/*asks_clients=*/true);
  EXPECT_FALSE(Connects(live_.Get().certificate->chain));
}

}  // namespace
}  // namespace fusebox
