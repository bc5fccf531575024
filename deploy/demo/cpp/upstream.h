#ifndef FUSEBOX_DEPLOY_DEMO_CPP_UPSTREAM_H_
#define FUSEBOX_DEPLOY_DEMO_CPP_UPSTREAM_H_

#include <curl/curl.h>

#include <memory>
#include <string>
#include <vector>

namespace fusebox::demo {

// What the worker is there to call: one URL, over one connection that is kept.
//
//   Upstream upstream("http://127.0.0.1:8080/orders");
//   const int status = upstream.Get({"X-Worker: cpp-1"});
//
// Not thread-safe.
class Upstream {
 public:
  // Aborts if libcurl has no memory for a handle.
  explicit Upstream(const std::string& url);

  // Calls once and returns the HTTP status; 0 without an answer within ten seconds.
  int Get(const std::vector<std::string>& headers);

 private:
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_;
};

}  // namespace fusebox::demo

#endif  // FUSEBOX_DEPLOY_DEMO_CPP_UPSTREAM_H_
