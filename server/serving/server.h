#ifndef FUSEBOX_SERVER_SERVING_SERVER_H_
#define FUSEBOX_SERVER_SERVING_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/engine/clock.h"
#include "server/options/options.h"

namespace grpc {
class Service;
}

namespace fusebox {

class Engine;

// A whole server in one object: engine, gRPC, HTTP and the threads that look after time and files.
//
//   ASSIGN_OR_RETURN(auto server, Server::Start(options, clock));
//   ... until SIGTERM ...
//   server->Drain();
//
// Start() returns when all of it serves. Drain() says "not serving" to health checks, goes on
// serving for `lame_duck`, ends watches, waits for calls in flight until `drain_timeout`, and cuts
// connections and health watches that are left.
class Server {
 public:
  // `clock` and `extra_services` must outlive the server. Errors: INVALID_ARGUMENT for what the
  // configuration says; FAILED_PRECONDITION (reason STORE_IN_USE) when another server has the data
  // directory; UNAVAILABLE when an address cannot be listened on. A store that fails is none.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const Options& options, const Clock& clock,
      const std::vector<grpc::Service*>& extra_services = {});
  virtual ~Server() = default;

  // OK if Start() takes the configuration; what it would answer if not.
  static absl::Status Check(const Options& options);

  // Where it listens, with the ports that were found for port 0.
  virtual const std::vector<std::string>& grpc_addresses() const = 0;
  // Empty when HTTP is off.
  virtual const std::string& http_address() const = 0;

  // Stops serving, as above. Stop waiting early with HurryUp(), from any thread.
  virtual void Drain() = 0;
  virtual void HurryUp() = 0;

  // Reads the configuration's file again; see Reloader.
  virtual void Reload() = 0;

  // Which of its lives this is: greater than any before.
  virtual uint64_t life() const = 0;

  virtual Engine& engine() = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SERVING_SERVER_H_
