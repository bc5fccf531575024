// frame FUSEBOX_ADDRESS UPSTREAM_ADDRESS DEADLINE_MS
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <iostream>
#include <limits>
#include <memory>
#include <string>

#include "fusebox/v1/breaker_service.grpc.pb.h"
#include "readme/shop.grpc.pb.h"

namespace {

struct Told {
  grpc::ClientContext context;
  fusebox::v1::RecordRequest request;
  fusebox::v1::RecordResponse response;
};

void Checkout(shop::v1::ShopService::Stub* shop, const std::string& fusebox_address,
              std::chrono::milliseconds deadline) {
  grpc::ClientContext asking;
  fusebox::v1::AllowRequest allow_request;
  allow_request.set_breaker("shop/checkout");
  fusebox::v1::AllowResponse answer;
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
  Checkout(shop.get(), argv[1], std::chrono::milliseconds(std::stoi(argv[3])));
  std::cout << "done" << std::endl;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
}
