// Makes a call through everything that the client has, and shows what it counted.
#include <prometheus/text_serializer.h>

#include <iostream>
#include <memory>
#include <string>

#include "fusebox/client.h"
#include "fusebox/fallback.h"
#include "fusebox/grpc.h"
#include "fusebox/prometheus.h"
#include "fusebox/stages.h"

int main(int count, char** arguments) {
  if (count != 2) return 2;
  auto client = fusebox::Client::Create({arguments[1]});
  if (!client.ok()) {
    std::cerr << client.status() << "\n";
    return 1;
  }
  fusebox::RetryOptions retry;
  retry.breaker = *(*client)->GetBreaker("db/orders");
  const fusebox::Pipeline pipeline({
      fusebox::Timeout(absl::Seconds(1)),
      fusebox::Retry(retry),
      fusebox::Bulkhead({}),
      fusebox::Protect(*retry.breaker),
  });
  fusebox::FallbackChain<int> chain;
  chain.Then("primary", pipeline,
             [](const std::string&, const fusebox::CallContext&) { return 7; });
  const absl::StatusOr<fusebox::Provided<int>> order = chain.Call("order", {});
  if (!order.ok() || order->value != 7) return 1;
  const auto channel =
      fusebox::CreateChannel(**client, "localhost:1", grpc::InsecureChannelCredentials());
  std::cout << prometheus::TextSerializer().Serialize(fusebox::ClientCollector(**client).Collect());
}
