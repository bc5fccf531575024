#ifndef FUSEBOX_DEPLOY_DEMO_CPP_GATE_H_
#define FUSEBOX_DEPLOY_DEMO_CPP_GATE_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "fusebox/v1/breaker_service.grpc.pb.h"

namespace fusebox::demo {

// What a worker did so far.
struct Totals {
  int ok = 0;
  int failed = 0;
  int retries = 0;
  int refused = 0;
  int rpc_errors = 0;
};

// Asks and tells Fusebox about one breaker. Whatever goes wrong with that, calls go ahead.
//
//   const v1::AllowResponse answer = gate.Allow(attempt);
//   if (answer.decision() != v1::DECISION_DENIED) { /* call */ gate.Record(...); }
//
// Not thread-safe.
class Gate {
 public:
  // Connects to Fusebox at `address` ("127.0.0.1:7400"; empty: nobody is ever asked) and waits a
  // while for it; should that fail, the worker starts without it. `totals` must outlive the gate.
  Gate(const std::string& address, std::string breaker, std::string client, Totals* totals);

  // The answer; an empty one, which is no refusal, if there is none to be had.
  v1::AllowResponse Allow(int attempt);

  // Tells how a call ended. `http_status` is 0 if it ended without an answer. Does nothing without
  // a permit.
  void Record(const std::string& permit, int http_status, absl::Duration latency);

  // Whom it asks; empty if nobody.
  const std::string& breaker() const { return breaker_; }

 private:
  const std::string breaker_;
  const std::string client_;
  Totals* const totals_;
  const std::unique_ptr<v1::BreakerService::Stub> stub_;  // Null if nobody is asked.
};

}  // namespace fusebox::demo

#endif  // FUSEBOX_DEPLOY_DEMO_CPP_GATE_H_
