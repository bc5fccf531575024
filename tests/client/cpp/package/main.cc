// Protects one call, and says how it went.
#include <iostream>

#include "fusebox/client.h"

int main(int count, char** arguments) {
  if (count != 2) return 2;
  auto client = fusebox::Client::Create({arguments[1]});
  if (!client.ok()) {
    std::cerr << client.status() << "\n";
    return 1;
  }
  fusebox::Breaker orders = *(*client)->GetBreaker("db/orders");
  const absl::StatusOr<int> order = orders.Call([]() -> absl::StatusOr<int> { return 7; });
  std::cout << "order " << order.value() << "\n";
}
