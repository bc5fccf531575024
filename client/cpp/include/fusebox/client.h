#ifndef FUSEBOX_CLIENT_H_
#define FUSEBOX_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fusebox/breaker.h"
#include "fusebox/decisions.h"
#include "fusebox/without_server.h"
#include "grpcpp/security/credentials.h"

namespace fusebox {

// A breaker's state as this client sees it has changed.
struct StateChange {
  std::string breaker;
  State from = State::kClosed;
  State to = State::kClosed;
};

// How a client does, for who watches the program: fusebox/prometheus.h shows it to Prometheus.
// Counts are of all breakers since the client began; calls that were dropped are in none of them.
struct ClientStats {
  bool connected = false;  // In mode kUnary: it is worth it to ask, and was answered once.
  // Since when the server has said nothing; InfiniteDuration() if it never has. What breakers go by
  // is that old, if the client is not connected; if it is, silence says that nothing has changed.
  absl::Duration state_age = absl::InfiniteDuration();
  size_t breakers = 0;
  // Of those, that the server would not take: there were too many, or this client may not use them.
  // They are decided as if there were no server.
  size_t refused_breakers = 0;
  size_t unacknowledged_rows = 0;  // Of reports that the server has not confirmed.

  Decisions decisions = {};
};

// How a client learns what the fleet knows.
enum class ClientMode : uint8_t {
  // By a session: the server pushes states, the client decides by itself at once and reports in
  // the background. Best for nearly all.
  kSession,
  // By one RPC per decision, without a session: for programs that live for seconds, or behind
  // proxies that let no streams through. Allow() blocks for `unary_timeout` at most; so do calls of
  // a channel with breakers before it (fusebox/grpc.h) when they begin, on whatever thread.
  kUnary,
};

// What a client is told once.
struct ClientOptions {
  // Where Fusebox serves: "localhost:7400", or any target that gRPC resolves.
  std::string target = {};
  // Which client this is, of those that a quorum counts: "checkout-7f9c". At most 128 bytes; empty:
  // the server takes its address.
  std::string name = {};
  // How to connect; null: without TLS.
  std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr;
  // How many breakers it may have: 1 or more.
  size_t max_breakers = 10'000;
  ClientMode mode = ClientMode::kSession;
  // In mode kUnary: how long a decision may take, 1 ms to 1 s. After it the client's own breaker
  // decides; and where that happens often, it does so without asking, for a while.
  absl::Duration unary_timeout = absl::Milliseconds(5);
  // How long the server may be silent when it should answer, before the client takes it for gone
  // and decides alone: 100 ms to 1 min.
  absl::Duration patience = absl::Seconds(2);
  // For how long the destructor tries to tell the server what was counted last: 0 to 1 min.
  absl::Duration close_patience = absl::Milliseconds(500);
  // What decides while there is no server.
  WithoutServer without_server = WithoutServer::kLocal;
  // Called soon after a breaker has changed its state; not once for each of several changes that
  // follow one another at once. By a thread of the client's, with nothing locked, one at a time:
  // what takes long holds up reports. In mode kUnary, what changes is seen with the next call. May
  // use the breakers; must not throw, wait for the server or end the client. Empty: nobody.
  std::function<void(const StateChange&)> on_state_change = {};
};

// Decides by itself about the calls of a process, by what Fusebox knows of them from the whole
// fleet, and tells Fusebox how they ended. It never waits for the server (but in mode kUnary, and
// there not for long): without one it goes on as a circuit breaker library, by the last rules that
// it was given or the standard ones.
//
//   ASSIGN_OR_RETURN(auto client, fusebox::Client::Create({.target = "localhost:7400"}));
//   fusebox::Breaker orders = *client->GetBreaker("db/orders");
//
// One per process is enough: it has one connection and one thread. A process that forks makes it
// afterwards. Thread-safe.
class Client {
 public:
  // Connects in the background. The error is INVALID_ARGUMENT and says which option is wrong.
  static absl::StatusOr<std::unique_ptr<Client>> Create(const ClientOptions& options);

  // Tells what is left to tell. All of its breakers are to be gone.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The breaker of this name, the same each time. Errors: INVALID_ARGUMENT for what can be no name,
  // RESOURCE_EXHAUSTED beyond `max_breakers`.
  absl::StatusOr<Breaker> GetBreaker(absl::string_view name);

  // Waits until the server has said where all breakers stand that were asked for so far, at most so
  // long; false if it has not. In mode kUnary: until there is a connection. For programs that must
  // not make even their first calls by themselves.
  bool WaitForServer(absl::Duration longest) const;

  // Looks at every breaker: for every few seconds, not for every call.
  ClientStats stats() const;

  // Whether a server is at the other end now.
  bool IsConnected() const;
  // Why there is none: what ended the last attempt, UNAVAILABLE before the first has ended. OK
  // while there is one.
  absl::Status ConnectionError() const;

 private:
  class Impl;

  explicit Client(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CLIENT_H_
