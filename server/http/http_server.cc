#include "server/http/http_server.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <future>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/address/listen_address.h"

namespace fusebox {
namespace {

// The options of the library that bound it or are not as it would have them.
constexpr const char* kThreads = "16";
constexpr const char* kWaitingConnections = "64";
constexpr const char* kTimeoutMs = "5000";
constexpr const char* kRequestHeaderBytes = "16384";
constexpr int64_t kMaxBodyBytes = 1 << 20;
constexpr int kPostsAtOnce = 8;  // So that some threads are left for health.
constexpr auto kStopPatience = std::chrono::seconds(1);

bool HasIpv6() { return mg_check_feature(MG_FEATURES_IPV6) != 0; }

absl::Status AddressError(absl::StatusCode code, absl::string_view address,
                          absl::string_view what) {
  return absl::Status(code, absl::StrCat("--http-listen is ", QuoteForError(address), ": ", what));
}

// The address as the library writes it, which has meanings beyond ours: lists, and letters after
// the port that ask for TLS.
absl::StatusOr<std::string> LibraryAddress(const ListenAddress& address, absl::string_view text) {
  if (absl::StartsWith(address.host, "[") && !HasIpv6()) {
    return AddressError(absl::StatusCode::kInvalidArgument, text,
                        "the HTTP library of this build has no IPv6; use an IPv4 address, like "
                        "127.0.0.1:7401 or 0.0.0.0:7401");
  }
  return absl::StrCat(address.host, ":", address.port);
}

bool IsFor(const HttpRoute& route, absl::string_view method) {
  if (route.method == HttpRoute::Method::kPost) return method == "POST";
  return method == "GET" || method == "HEAD";
}

HttpResponse WrongMethod(absl::string_view method, const HttpRoute& route) {
  const bool is_post = route.method == HttpRoute::Method::kPost;
  return {.status = 405,
          .body = absl::StrCat(QuoteForError(method), " is not for this page; use ",
                               is_post ? "POST" : "GET or HEAD", "\n"),
          .headers = {{"Allow", is_post ? "POST" : "GET, HEAD"}}};
}

HttpResponse TooLong() {
  return {.status = 413,
          .body = absl::StrCat("The body is longer than ", kMaxBodyBytes,
                               " bytes; send less at a time\n")};
}

HttpResponse TooSlow() {
  return {.status = 408, .body = "The body did not come whole within 5 s\n"};
}

HttpRequest RequestOf(const mg_request_info& info) {
  HttpRequest request{.method = info.request_method,
                      .path = info.local_uri,
                      .query = info.query_string == nullptr ? "" : info.query_string,
                      .headers = {},
                      .body = {},
                      .peer = info.remote_addr};
  for (int i = 0; i < info.num_headers; ++i) {
    request.headers.emplace_back(info.http_headers[i].name, info.http_headers[i].value);
  }
  return request;
}

HttpResponse NoLength() {
  return {.status = 411, .body = "A body needs a Content-Length; do not send it in chunks\n"};
}

HttpResponse TooManyPosts() {
  return {.status = 429,
          .body = absl::StrCat("There are ", kPostsAtOnce,
                               " calls over HTTP already; try again, or call by gRPC\n"),
          .headers = {{"Retry-After", "1"}}};
}

// Reads a body of that many bytes. The library waits for all that it is asked for, and anew after
// each byte: so it is asked for one at a time, which only costs something where a body does not
// come with its header. False if it does not come whole in time.
bool ReadBody(mg_connection& connection, int64_t bytes, std::string& body) {
  constexpr auto kPatience = std::chrono::seconds(5);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (static_cast<int64_t>(body.size()) < bytes) {
    char byte = 0;
    if (mg_read(&connection, &byte, 1) != 1 || std::chrono::steady_clock::now() > end) return false;
    body.push_back(byte);
  }
  return true;
}

// Writes it in pieces, and leaves who takes them too slowly.
void WriteAll(mg_connection* connection, absl::string_view text) {
  constexpr auto kPatience = std::chrono::seconds(30);
  constexpr size_t kPiece = 16'384;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!text.empty() && std::chrono::steady_clock::now() < end) {
    const absl::string_view piece = text.substr(0, kPiece);
    if (mg_write(connection, piece.data(), piece.size()) <= 0) return;
    text.remove_prefix(piece.size());
  }
}

// Writes a whole response. Each connection carries one, so that an idle one holds no thread.
void Send(mg_connection* connection, const HttpResponse& response, bool with_body) {
  std::string header = absl::StrCat(
      "HTTP/1.1 ", response.status, " ", mg_get_response_code_text(connection, response.status),
      "\r\nContent-Type: ", response.content_type, "\r\nContent-Length: ", response.body.size(),
      "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n");
  for (const auto& [name, value] : response.headers) {
    absl::StrAppend(&header, name, ": ", value, "\r\n");
  }
  absl::StrAppend(&header, "\r\n");
  // A client that went away is none of our business.
  if (mg_write(connection, header.data(), header.size()) <= 0) return;
  if (with_body) WriteAll(connection, response.body);
}

// Where this machine reaches a listener on `host`, if that is an IPv4 address or localhost.
in_addr ReachableAt(absl::string_view host) {
  in_addr address{};
  if (inet_pton(AF_INET, std::string(host).c_str(), &address) != 1 ||
      address.s_addr == htonl(INADDR_ANY)) {
    address.s_addr = htonl(INADDR_LOOPBACK);
  }
  return address;
}

// Comes to the door, and is gone.
void Knock(in_addr host, uint16_t port) {
  const int knocker = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (knocker < 0) return;
  const sockaddr_in address{
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = host, .sin_zero = {}};
  static_cast<void>(connect(knocker, reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
  close(knocker);
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(absl::string_view address,
                                                              std::vector<HttpRoute> routes) {
  const absl::StatusOr<ListenAddress> parsed = ParseTcpAddress(address);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--http-listen ", parsed.status().message()));
  }
  const absl::StatusOr<std::string> library_address = LibraryAddress(*parsed, address);
  if (!library_address.ok()) return library_address.status();
  std::unique_ptr<HttpServer> server(new HttpServer(parsed->host, std::move(routes)));
  const absl::Status listening = server->Listen(*library_address, address);
  if (!listening.ok()) return listening;
  return server;
}

// The library notices that it is to stop when somebody comes, and else only every 2 s. From then on
// it writes nothing any more.
HttpServer::~HttpServer() {
  if (context_ == nullptr) return;
  WaitForEnds();
  const in_addr door = ReachableAt(host_);
  const std::future<void> stopped = std::async(std::launch::async, [this] { mg_stop(context_); });
  do {
    Knock(door, port_);
  } while (stopped.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready);
}

absl::Status HttpServer::Listen(const std::string& library_address, absl::string_view address) {
  [[maybe_unused]] static const unsigned kFeatures = mg_init_library(MG_FEATURES_DEFAULT);
  std::array options{"listening_ports",
                     library_address.c_str(),
                     "num_threads",
                     kThreads,
                     "connection_queue",
                     kWaitingConnections,
                     "request_timeout_ms",
                     kTimeoutMs,
                     "max_request_size",
                     kRequestHeaderBytes,
                     "enable_keep_alive",
                     "no",
                     "enable_auth_domain_check",
                     "no",
                     static_cast<const char*>(nullptr)};
  const mg_callbacks callbacks = Callbacks();
  mg_init_data init{
      .callbacks = &callbacks, .user_data = this, .configuration_options = options.data()};
  context_ = mg_start2(&init, nullptr);
  if (context_ == nullptr) {
    MutexLock lock(&mutex_);
    return AddressError(
        absl::StatusCode::kUnavailable, address,
        absl::StrCat(first_complaint_, "; choose another address, or port 0 for a free one"));
  }
  mg_server_port listening{};
  if (mg_get_server_ports(context_, 1, &listening) == 1) {
    port_ = static_cast<uint16_t>(listening.port);
  }
  return absl::OkStatus();
}

mg_callbacks HttpServer::Callbacks() {
  mg_callbacks callbacks{};
  callbacks.begin_request = OnRequest;
  callbacks.http_error = OnError;
  callbacks.log_message = OnLog;
  return callbacks;
}

HttpResponse HttpServer::NoSuchPage(absl::string_view path) const {
  HttpResponse response{.status = 404};
  response.body = absl::StrCat("There is no page ", QuoteForError(path), ". There are:\n");
  for (const HttpRoute& route : routes_) {
    absl::StrAppend(&response.body, "  ", route.path, "  ", route.summary, "\n");
  }
  return response;
}

// A body is only read once nothing else is wrong: its sender may make that take long.
HttpResponse HttpServer::Answer(const mg_request_info& info, mg_connection& connection) {
  const absl::string_view path = info.local_uri;
  const absl::string_view method = info.request_method;
  const HttpRoute* found = nullptr;
  for (const HttpRoute& route : routes_) {
    if (!route.Matches(path)) continue;
    found = &route;
    if (IsFor(route, method)) break;
  }
  if (found == nullptr) return NoSuchPage(path);
  if (!IsFor(*found, method)) return WrongMethod(method, *found);
  HttpRequest request = RequestOf(info);
  if (found->refuse != nullptr) {
    if (std::optional<HttpResponse> refusal = found->refuse(request)) return *std::move(refusal);
  }
  if (found->method == HttpRoute::Method::kGet) return found->handler(request);
  if (posts_.fetch_add(1) >= kPostsAtOnce) {
    posts_.fetch_sub(1);
    return TooManyPosts();
  }
  HttpResponse response = AnswerPost(*found, request, connection);
  posts_.fetch_sub(1);
  return response;
}

HttpResponse HttpServer::AnswerPost(const HttpRoute& route, HttpRequest& request,
                                    mg_connection& connection) {
  const int64_t bytes = mg_get_request_info(&connection)->content_length;
  if (bytes < 0) return NoLength();
  if (bytes > kMaxBodyBytes) return TooLong();
  if (!ReadBody(connection, bytes, request.body)) return TooSlow();
  return route.handler(request);
}

void HttpServer::Begin() {
  const std::lock_guard<std::mutex> lock(under_way_mutex_);
  ++under_way_;
}

void HttpServer::End() {
  const std::lock_guard<std::mutex> lock(under_way_mutex_);
  if (--under_way_ == 0) none_under_way_.notify_all();
}

void HttpServer::WaitForEnds() {
  std::unique_lock<std::mutex> lock(under_way_mutex_);
  none_under_way_.wait_for(lock, kStopPatience, [this] { return under_way_ == 0; });
}

// Sees every request before the library does, so none of what it could do with files, scripts or
// sockets is within reach.
int HttpServer::OnRequest(mg_connection* connection) {
  const mg_request_info& request = *mg_get_request_info(connection);
  auto& server = *static_cast<HttpServer*>(request.user_data);
  mg_disable_keep_alive(connection);
  server.Begin();
  const HttpResponse response = server.Answer(request, *connection);
  Send(connection, response,
       /*with_body=*/absl::string_view(request.request_method) != "HEAD");
  server.End();
  return response.status;
}

// For requests that the library cannot make sense of.
int HttpServer::OnError(mg_connection* connection, int status, const char* /*message*/) {
  const HttpResponse response{
      .status = status,
      .body = absl::StrCat(status, " ", mg_get_response_code_text(connection, status), "\n")};
  Send(connection, response, /*with_body=*/true);
  return 0;
}

int HttpServer::OnLog(const mg_connection* connection, const char* message) {
  auto& server = *static_cast<HttpServer*>(mg_get_user_data(mg_get_context(connection)));
  MutexLock lock(&server.mutex_);
  if (server.first_complaint_.empty()) server.first_complaint_ = message;
  return 1;  // Said.
}

}  // namespace fusebox
