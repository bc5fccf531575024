#include "server/gateway/gateway.h"

#include <google/protobuf/descriptor.h>
#include <grpc/support/time.h>
#include <grpcpp/support/byte_buffer.h>

#include <algorithm>
#include <future>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/errors/errors.h"
#include "server/gateway/codec.h"
#include "server/gateway/connect_error.h"

namespace fusebox {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::MethodDescriptor;

constexpr absl::Duration kUsualTime = absl::Seconds(5), kMaxTime = absl::Seconds(10);
constexpr size_t kCallsAtOnce = 64;

std::unique_ptr<Message> New(const google::protobuf::Descriptor& type) {
  return std::unique_ptr<Message>(MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

// "/fusebox.v1.BreakerService/Allow" -> the method, if it is one and its calls are unary.
absl::StatusOr<const MethodDescriptor*> FindMethod(absl::string_view path) {
  std::string name(path.substr(1));
  std::replace(name.begin(), name.end(), '/', '.');
  const MethodDescriptor* method = DescriptorPool::generated_pool()->FindMethodByName(name);
  if (method == nullptr) {
    return MakeError(absl::StatusCode::kUnimplemented, "METHOD_UNKNOWN",
                     absl::StrCat("there is no method ", QuoteForError(path),
                                  "; proto/fusebox/v1 has those that there are"));
  }
  if (method->client_streaming() || method->server_streaming()) {
    return MakeError(absl::StatusCode::kUnimplemented, "METHOD_STREAMS",
                     absl::StrCat(path, " is a stream; call it by gRPC"));
  }
  return method;
}

absl::StatusOr<absl::Duration> TimeFor(const HttpRequest& request) {
  const absl::string_view text = request.Header("Connect-Timeout-Ms");
  if (text.empty()) return kUsualTime;
  uint64_t millis = 0;
  if (!absl::SimpleAtoi(text, &millis)) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "TIMEOUT_INVALID",
        absl::StrCat("Connect-Timeout-Ms is ", QuoteForError(text), "; write whole milliseconds"));
  }
  const auto most = static_cast<uint64_t>(absl::ToInt64Milliseconds(kMaxTime));
  return absl::Milliseconds(std::min(millis, most));
}

// Who calls by gRPC is by default their address, which ends here.
void NameClient(const std::string& peer, Message& message) {
  const FieldDescriptor* client = message.GetDescriptor()->FindFieldByName("client");
  if (client == nullptr || client->is_repeated() ||
      client->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
    return;
  }
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (reflection.GetString(message, client).empty()) reflection.SetString(&message, client, peer);
}

// gRPC ends the process of who sends other bytes.
bool IsMetadata(absl::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](unsigned char each) { return absl::ascii_isprint(each); });
}

absl::Status AddTokens(const HttpRequest& from, grpc::ClientContext& context) {
  for (const std::string& value : from.Headers("authorization")) {
    if (!IsMetadata(value)) {
      return MakeError(absl::StatusCode::kUnauthenticated, "TOKEN_INVALID",
                       "Authorization has bytes that no token has; send \"Bearer TOKEN\"");
    }
    context.AddMetadata("authorization", value);
  }
  return absl::OkStatus();
}

// A broken one is as none.
void AddTrace(const HttpRequest& from, grpc::ClientContext& context) {
  for (const std::string& value : from.Headers("traceparent")) {
    if (IsMetadata(value)) context.AddMetadata("traceparent", value);
  }
}

grpc::ByteBuffer Pack(const Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

grpc::Status Unpack(const grpc::ByteBuffer& buffer, Message& message) {
  grpc::Slice slice;
  const grpc::Status status = buffer.DumpToSingleSlice(&slice);
  if (!status.ok()) return status;
  if (message.ParseFromArray(slice.begin(), static_cast<int>(slice.size()))) return status;
  return {grpc::StatusCode::INTERNAL, "the answer cannot be read"};
}

HttpResponse Answer(const google::protobuf::Descriptor& type, Codec codec, grpc::Status called,
                    const grpc::ByteBuffer& bytes) {
  const std::unique_ptr<Message> response = New(type);
  if (called.ok()) called = Unpack(bytes, *response);
  if (!called.ok()) return ConnectError(called);
  return {.content_type = std::string(ContentType(codec)), .body = Encode(codec, *response)};
}

void AnswerError(const absl::Status& status, HttpAnswer& answer) {
  answer([status] { return ConnectError(status); });
}

// Lives from before a call until it has ended.
struct Flight {
  Flight(const std::shared_ptr<grpc::Channel>& channel, Gateway::Ended then)
      : stub(channel), ended(std::move(then)) {}

  grpc::GenericStub stub;
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
  Gateway::Ended ended;
};

}  // namespace

std::shared_ptr<grpc::Channel> Gateway::SetChannel(std::shared_ptr<grpc::Channel> channel) {
  MutexLock lock(&mutex_);
  channel_.swap(channel);
  return channel;
}

std::shared_ptr<grpc::Channel> Gateway::channel() const {
  MutexLock lock(&mutex_);
  return channel_;
}

std::vector<HttpRoute> Gateway::Routes() {
  std::vector<HttpRoute> routes;
  for (const std::string& service : options_.services) {
    routes.push_back({.path = absl::StrCat("/", service, "/"),
                      .summary = "its unary methods, by Connect's protocol: POST",
                      .handler = nullptr,
                      .method = HttpRoute::Method::kPost,
                      .begin = [this](const HttpRequest& request,
                                      HttpAnswer answer) { Begin(request, std::move(answer)); },
                      .most = kCallsAtOnce});
  }
  return routes;
}

void Gateway::Begin(const HttpRequest& request, HttpAnswer answer) {
  const absl::StatusOr<const MethodDescriptor*> method = FindMethod(request.path);
  if (!method.ok()) return AnswerError(method.status(), answer);
  const absl::StatusOr<Codec> codec = CodecOf(request.Header("Content-Type"));
  if (!codec.ok()) {
    return answer([status = codec.status()] {
      HttpResponse response = ConnectError(status);
      response.status = 415;
      return response;
    });
  }
  absl::Status status = CheckToken(request, (*method)->service()->full_name(), (*method)->name());
  if (status.ok()) status = CheckEncoding(request.Header("Content-Encoding"));
  const std::unique_ptr<Message> question = New(*(*method)->input_type());
  if (status.ok()) status = Decode(*codec, request.body, *question);
  if (!status.ok()) return AnswerError(status, answer);
  NameClient(request.peer, *question);
  const std::string path =
      absl::StrCat("/", (*method)->service()->full_name(), "/", (*method)->name());
  BeginCall(request, path, *question,
            [type = (*method)->output_type(), codec = *codec, answer = std::move(answer)](
                const grpc::Status& called, const grpc::ByteBuffer& bytes) mutable {
              answer([=] { return Answer(*type, codec, called, bytes); });
            });
}

absl::Status Gateway::CheckToken(const HttpRequest& request, const std::string& service,
                                 absl::string_view method) const {
  if (!absl::EndsWith(service, ".AdminService") || absl::StartsWith(method, "Get") ||
      absl::StartsWith(method, "List")) {
    return absl::OkStatus();
  }
  if (!options_.knows_tokens) {
    return MakeError(absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED",
                     absl::StrCat(method,
                                  " takes a token over HTTP, and this server knows none; "
                                  "start it with --identities, or call it by gRPC"));
  }
  if (request.HasHeader("Authorization")) return absl::OkStatus();  // For the service to check.
  return MakeError(absl::StatusCode::kUnauthenticated, "CREDENTIALS_MISSING",
                   absl::StrCat(method,
                                " takes a token over HTTP; send it as \"Authorization: "
                                "Bearer TOKEN\""));
}

grpc::Status Gateway::Call(const HttpRequest& from, const std::string& method,
                           const Message& request, Message& response) {
  std::promise<grpc::Status> done;
  BeginCall(from, method, request,
            [&done, &response](const grpc::Status& called, const grpc::ByteBuffer& bytes) {
              done.set_value(called.ok() ? Unpack(bytes, response) : called);
            });
  return done.get_future().get();
}

void Gateway::BeginCall(const HttpRequest& from, const std::string& method, const Message& request,
                        Ended ended) {
  const absl::StatusOr<absl::Duration> time = TimeFor(from);
  if (!time.ok()) return ended(ToGrpcStatus(time.status()), {});
  const std::shared_ptr<grpc::Channel> way = channel();
  if (way == nullptr) return ended(ToGrpcStatus(DrainingError()), {});
  auto flight = std::make_shared<Flight>(way, std::move(ended));
  flight->context.set_deadline(
      gpr_time_from_millis(absl::ToInt64Milliseconds(*time), GPR_TIMESPAN));
  const absl::Status sent = AddTokens(from, flight->context);
  if (!sent.ok()) return flight->ended(ToGrpcStatus(sent), {});
  AddTrace(from, flight->context);
  flight->request = Pack(request);
  Flight& flying = *flight;
  flying.stub.UnaryCall(&flying.context, method, {}, &flying.request, &flying.response,
                        [flight = std::move(flight)](const grpc::Status& status) mutable {
                          Ended then = std::move(flight->ended);
                          const grpc::ByteBuffer response = flight->response;
                          // Before anybody knows that the call is over: it holds the channel.
                          flight.reset();
                          then(status, response);
                        });
}

}  // namespace fusebox
