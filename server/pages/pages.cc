#include "server/pages/pages.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "core/error.h"
#include "proto/convert/convert.h"
#include "proto/yaml/nearest.h"
#include "server/gateway/codec.h"
#include "server/gateway/connect_error.h"
#include "server/identity/credentials.h"
#include "server/pages/assets.h"
#include "server/rpc/show.h"

namespace fusebox {
namespace {

constexpr int kMaxTransitions = 500;
constexpr absl::Duration kHistoryTime = absl::Seconds(2);

HttpResponse Json(const google::protobuf::Message& message) {
  return {.content_type = std::string(ContentType(Codec::kJson)),
          .body = Encode(Codec::kJson, message)};
}

absl::Status BadQuery(absl::string_view name, absl::string_view value, absl::string_view remedy) {
  return MakeError(absl::StatusCode::kInvalidArgument, "QUERY_INVALID",
                   absl::StrCat(name, " is ", QuoteForError(value), "; ", remedy));
}

absl::Status ReadNumber(const HttpRequest& request, const char* name, size_t& number) {
  const std::string text = request.Query(name);
  uint32_t value = 0;
  if (text.empty()) return absl::OkStatus();
  if (!absl::SimpleAtoi(text, &value)) return BadQuery(name, text, "write a whole number");
  number = value;
  return absl::OkStatus();
}

// A filter that is misspelt would show what nobody asked for.
absl::Status CheckNames(const HttpRequest& request, const std::vector<std::string>& known) {
  for (const std::string& name : request.QueryNames()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return MakeError(absl::StatusCode::kInvalidArgument, "QUERY_INVALID",
                     absl::StrCat("there is no ", QuoteForError(name), " to ask for; there are ",
                                  absl::StrJoin(known, ", "), DidYouMean(name, known)));
  }
  return absl::OkStatus();
}

absl::StatusOr<BoardQuery> QueryOf(const HttpRequest& request) {
  absl::Status known = CheckNames(request, {"filter", "state", "overridden", "offset", "limit"});
  if (!known.ok()) return known;
  BoardQuery query;
  query.filter = request.Query("filter");
  size_t overridden = 0;
  absl::Status status = ReadNumber(request, "overridden", overridden);
  query.overridden = overridden != 0;
  status.Update(ReadNumber(request, "offset", query.offset));
  status.Update(ReadNumber(request, "limit", query.limit));
  if (!status.ok()) return status;
  if (const std::string text = request.Query("state"); !text.empty()) {
    v1::State state = v1::STATE_UNSPECIFIED;
    if (!v1::State_Parse(absl::StrCat("STATE_", text), &state) || state == v1::STATE_UNSPECIFIED) {
      return BadQuery("state", text, "write CLOSED, OPEN or HALF_OPEN");
    }
    query.state = FromProto(state);
  }
  return query;
}

// The page runs what comes from here, and nothing else.
HttpResponse Serve(const Asset& asset) {
  return {.content_type = std::string(asset.content_type),
          .body = std::string(asset.body),
          .headers = {{"Content-Security-Policy",
                       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                       "connect-src 'self'; base-uri 'none'; form-action 'none'; "
                       "frame-ancestors 'none'"},
                      {"Referrer-Policy", "no-referrer"}}};
}

HttpRoute AssetRoute(std::string path, std::string summary, const Asset& asset) {
  return {.path = std::move(path),
          .summary = std::move(summary),
          .handler = [&asset](const HttpRequest&) { return Serve(asset); }};
}

}  // namespace

std::vector<HttpRoute> Pages::Routes() {
  const Asset& index = *FindAsset("index.html");
  std::vector<HttpRoute> routes = {
      AssetRoute("/", "the status page", index),
      AssetRoute("/breaker", "the status page of one breaker: ?name=NAME", index),
      {.path = "/json/breakers",
       .summary = "what the status page shows: filter, state, overridden, offset, limit",
       .handler = [this](const HttpRequest& request) { return ShowBoard(request); }},
      {.path = "/json/breaker",
       .summary = "what the page of one breaker shows: ?name=NAME&history=500",
       .handler = [this](const HttpRequest& request) { return ShowBreaker(request); }}};
  for (const Asset& asset : Assets()) {
    if (asset.name == index.name) continue;
    routes.push_back(AssetRoute(absl::StrCat("/ui/", asset.name), "of the status page", asset));
  }
  return routes;
}

absl::StatusOr<Caller> Pages::Check(const HttpRequest& request, const Scope& scope) const {
  Credentials credentials;
  credentials.authorization = request.Headers("authorization");
  return authorizer_.Check(credentials, Role::kReader, scope, "The status page");
}

HttpResponse Pages::ShowBoard(const HttpRequest& request) {
  const absl::StatusOr<Caller> caller = Check(request, Scope::Some());
  if (!caller.ok()) return ConnectError(caller.status());
  absl::StatusOr<BoardQuery> query = QueryOf(request);
  if (!query.ok()) return ConnectError(query.status());
  query->may_see = [&caller](absl::string_view name) { return caller->May(Role::kReader, name); };
  http::v1::Board board = board_.Read(*query);
  describe_(*board.mutable_server());
  return Json(board);
}

HttpResponse Pages::ShowBreaker(const HttpRequest& request) {
  const std::string name = request.Query("name");
  const absl::StatusOr<Caller> caller = Check(request, Scope::Name(name));
  if (!caller.ok()) return ConnectError(caller.status());
  size_t history = kMaxTransitions;
  absl::Status bad = CheckNames(request, {"name", "history"});
  bad.Update(ReadNumber(request, "history", history));
  if (!bad.ok()) return ConnectError(bad);
  const absl::StatusOr<BreakerView> view = engine_.Get(name);
  if (!view.ok()) return ConnectError(view.status());
  http::v1::BreakerPage page;
  describe_(*page.mutable_server());
  *page.mutable_breaker() = fusebox::ShowBreaker(engine_, *view);
  *page.mutable_policy() = ToProto(view->ruling->policy);
  const int limit = static_cast<int>(std::min<size_t>(history, kMaxTransitions));
  const grpc::Status added = AddHistory(request, limit, page);
  if (!added.ok()) return ConnectError(added);
  return Json(page);
}

// A page of the list may be empty although there is more: each looks at a part of the history.
grpc::Status Pages::AddHistory(const HttpRequest& request, int limit, http::v1::BreakerPage& page) {
  if (limit == 0) return grpc::Status::OK;
  const Tick end = engine_.Now() + kHistoryTime;
  v1::ListTransitionsRequest ask;
  ask.set_match(page.breaker().name());
  ask.set_page_size(limit);
  do {
    v1::ListTransitionsResponse answer;
    const grpc::Status called =
        gateway_.Call(request, "/fusebox.v1.AdminService/ListTransitions", ask, answer);
    if (!called.ok()) return called;
    for (v1::Transition& one : *answer.mutable_transitions()) {
      if (page.transitions_size() < limit) *page.add_transitions() = std::move(one);
    }
    ask.set_page_token(answer.next_page_token());
  } while (!ask.page_token().empty() && page.transitions_size() < limit && engine_.Now() < end);
  return grpc::Status::OK;
}

}  // namespace fusebox
