// frame FUSEBOX_ADDRESS UPSTREAM_ADDRESS DEADLINE_MS
#include <grpcpp/grpcpp.h>

#include <iostream>
#include <limits>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "fusebox/client.h"
#include "readme/shop.grpc.pb.h"

namespace {

void Checkout(shop::v1::ShopService::Stub* shop, const std::string& fusebox_address,
              absl::Duration deadline) {
  grpc::ClientContext calling;
  const shop::v1::CheckoutRequest order;
  shop::v1::CheckoutResponse receipt;
#include "example.inc"  // README.md has the rest.
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "frame has " << argc - 1 << " arguments; give it three\n";
    return 2;
  }
  const auto shop = shop::v1::ShopService::NewStub(
      grpc::CreateChannel(argv[2], grpc::InsecureChannelCredentials()));
  Checkout(shop.get(), argv[1], absl::Milliseconds(std::stoi(argv[3])));
  std::cout << "done" << std::endl;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
}
