#include "server/metrics/grpc_metrics.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/tick.h"

namespace fusebox {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;
using prometheus::MetricFamily;
using Type = GrpcMethod::Type;

constexpr char kUnknown[] = "unknown";

// Known here, so that its descriptor need not be linked.
constexpr absl::string_view kHealth = "grpc.health.v1.Health";

// In the order of the numbers, and spelled as grpc-go does, whose dashboards these metrics feed.
constexpr std::array<const char*, GrpcMethodTotals::kCodes> kCodes = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

const char* TypeLabel(Type type) {
  switch (type) {
    case Type::UNARY:
      return "unary";
    case Type::CLIENT_STREAMING:
      return "client_stream";
    case Type::SERVER_STREAMING:
      return "server_stream";
    case Type::BIDI_STREAMING:
      return "bidi_stream";
  }
  return kUnknown;
}

Type TypeOf(const google::protobuf::MethodDescriptor& method) {
  if (method.client_streaming()) {
    return method.server_streaming() ? Type::BIDI_STREAMING : Type::CLIENT_STREAMING;
  }
  return method.server_streaming() ? Type::SERVER_STREAMING : Type::UNARY;
}

prometheus::ClientMetric::Histogram HistogramOf(const GrpcMethodTotals& totals) {
  constexpr double kNanosPerSecond = 1e9;
  prometheus::ClientMetric::Histogram histogram;
  for (size_t i = 0; i < GrpcMethodTotals::kBucketNanos.size(); ++i) {
    histogram.sample_count += totals.durations[i];
    histogram.bucket.push_back(
        {.cumulative_count = histogram.sample_count,
         .upper_bound = static_cast<double>(GrpcMethodTotals::kBucketNanos[i]) / kNanosPerSecond});
  }
  histogram.sample_count += totals.durations.back();
  histogram.sample_sum = static_cast<double>(totals.duration_nanos) / kNanosPerSecond;
  return histogram;
}

}  // namespace

std::vector<GrpcMethod> GrpcMethodsOf(absl::Span<const absl::string_view> services) {
  std::vector<GrpcMethod> methods;
  for (const absl::string_view name : services) {
    if (name == kHealth) {
      methods.push_back({std::string(name), "Check", Type::UNARY});
      methods.push_back({std::string(name), "Watch", Type::SERVER_STREAMING});
      continue;
    }
    const google::protobuf::ServiceDescriptor* service =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(std::string(name));
    for (int i = 0; service != nullptr && i < service->method_count(); ++i) {
      const google::protobuf::MethodDescriptor& method = *service->method(i);
      methods.push_back({service->full_name(), method.name(), TypeOf(method)});
    }
  }
  return methods;
}

// Counts one call. gRPC runs it for each batch of operations; of different batches it may run at
// the same time.
class GrpcMetrics::CallInterceptor : public grpc::experimental::Interceptor {
 public:
  CallInterceptor(GrpcMethodCells& cells, ErrorCounts& errors, const Clock* clock)
      : cells_(cells),
        errors_(errors),
        clock_(clock),
        started_(clock == nullptr ? Tick() : clock->Now()) {
    Count(cells_.started);
  }

  // A call that ends without a status was given up by its client.
  ~CallInterceptor() override {
    if (!handled_) Handle(grpc::StatusCode::CANCELLED);
  }

  void Intercept(InterceptorBatchMethods* batch) override {
    // At the end of a stream the message that was waited for is null.
    if (batch->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_MESSAGE) &&
        batch->GetRecvMessage() != nullptr) {
      Count(cells_.received);
    }
    if (batch->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_MESSAGE)) {
      Count(cells_.sent);
    }
    if (batch->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = batch->GetSendStatus();
      errors_.Count(status);
      Handle(status.error_code());
    }
    batch->Proceed();
  }

 private:
  void Handle(grpc::StatusCode code) {
    handled_ = true;
    constexpr size_t kUnknownCode = grpc::StatusCode::UNKNOWN;
    const auto index = static_cast<size_t>(code);
    // A service may return any number.
    Count(cells_.handled[index < kCodes.size() ? index : kUnknownCode]);
    if (clock_ != nullptr) cells_.CountDuration(clock_->Now() - started_);
  }

  GrpcMethodCells& cells_;
  ErrorCounts& errors_;
  const Clock* const clock_;  // Null if the duration is of no interest.
  const Tick started_;
  bool handled_ = false;
};

class GrpcMetrics::Factory : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Factory(GrpcMetrics& metrics) : metrics_(metrics) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    const size_t method = metrics_.IndexOf(info->method());
    const Clock* clock = metrics_.HasDurations(method) ? &metrics_.clock_ : nullptr;
    return new CallInterceptor(metrics_.counts_.Mine(method), metrics_.errors_,
                               clock);  // gRPC deletes it.
  }

 private:
  GrpcMetrics& metrics_;
};

GrpcMetrics::GrpcMetrics(const Clock& clock, std::vector<GrpcMethod> methods)
    : clock_(clock), methods_(std::move(methods)), counts_(methods_.size() + 1) {
  for (size_t i = 0; i < methods_.size(); ++i) {
    index_[absl::StrCat("/", methods_[i].service, "/", methods_[i].name)] = i;
  }
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
GrpcMetrics::MakeInterceptorFactory() {
  return std::make_unique<Factory>(*this);
}

size_t GrpcMetrics::IndexOf(absl::string_view path) const {
  const auto found = index_.find(path);
  return found == index_.end() ? methods_.size() : found->second;
}

bool GrpcMetrics::HasDurations(size_t method) const {
  return method < methods_.size() && methods_[method].type == Type::UNARY;
}

Labels GrpcMetrics::LabelsOf(size_t method) const {
  if (method >= methods_.size()) {
    return {{"grpc_type", kUnknown}, {"grpc_service", kUnknown}, {"grpc_method", kUnknown}};
  }
  return {{"grpc_type", TypeLabel(methods_[method].type)},
          {"grpc_service", methods_[method].service},
          {"grpc_method", methods_[method].name}};
}

std::vector<MetricFamily> GrpcMetrics::Collect() const {
  std::vector<MetricFamily> families = {
      CounterFamily("grpc_server_started_total", "Calls that began. Adds up over servers."),
      CounterFamily("grpc_server_msg_received_total",
                    "Messages from clients. Adds up over servers."),
      CounterFamily("grpc_server_msg_sent_total", "Messages to clients. Adds up over servers."),
      CounterFamily("grpc_server_handled_total",
                    "Calls that ended, by status code. Adds up over servers."),
      HistogramFamily("grpc_server_handling_seconds",
                      "How long unary calls took, from the decoded request to the status, in "
                      "seconds. Adds up over servers."),
  };
  for (size_t method = 0; method <= methods_.size(); ++method) AddMethod(method, families);
  families.push_back(errors_.Collect());
  return families;
}

uint64_t GrpcMetrics::InFlight() const {
  uint64_t in_flight = 0;
  for (size_t method = 0; method < methods_.size(); ++method) {
    if (methods_[method].service == kHealth && methods_[method].name == "Watch") continue;
    const GrpcMethodTotals totals = counts_.Sum(method);
    const uint64_t ended =
        std::accumulate(totals.handled.begin(), totals.handled.end(), uint64_t{0});
    // The sum is no snapshot: an end may be seen without its beginning.
    in_flight += totals.started - std::min(totals.started, ended);
  }
  return in_flight;
}

void GrpcMetrics::AddMethod(size_t method, std::vector<MetricFamily>& families) const {
  const GrpcMethodTotals totals = counts_.Sum(method);
  const Labels labels = LabelsOf(method);
  AddCounter(families[0], labels, static_cast<double>(totals.started));
  AddCounter(families[1], labels, static_cast<double>(totals.received));
  AddCounter(families[2], labels, static_cast<double>(totals.sent));
  for (size_t code = 0; code < kCodes.size(); ++code) {
    Labels with_code = labels;
    with_code.push_back({"grpc_code", kCodes[code]});
    AddCounter(families[3], std::move(with_code), static_cast<double>(totals.handled[code]));
  }
  if (!HasDurations(method)) return;
  prometheus::ClientMetric& seconds = families[4].metric.emplace_back();
  seconds.label = labels;
  seconds.histogram = HistogramOf(totals);
}

}  // namespace fusebox
