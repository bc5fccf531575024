#include "deploy/demo/cpp/upstream.h"

#include <cstdio>
#include <cstdlib>

namespace fusebox::demo {
namespace {

constexpr long kCallTimeoutMs = 10000;  // NOLINT(google-runtime-int): libcurl's type.

size_t Discard(char* /*data*/, size_t size, size_t count, void* /*user*/) { return size * count; }

}  // namespace

Upstream::Upstream(const std::string& url) : curl_(curl_easy_init(), &curl_easy_cleanup) {
  if (curl_ == nullptr) {
    std::fprintf(stderr, "demo_worker: libcurl gave no handle for \"%s\"; free some memory\n",
                 url.c_str());
    std::abort();
  }
  curl_easy_setopt(curl_.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl_.get(), CURLOPT_TIMEOUT_MS, kCallTimeoutMs);
  curl_easy_setopt(curl_.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl_.get(), CURLOPT_WRITEFUNCTION, &Discard);
}

int Upstream::Get(const std::vector<std::string>& headers) {
  curl_slist* list = nullptr;
  for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owner(list,
                                                                          &curl_slist_free_all);
  curl_easy_setopt(curl_.get(), CURLOPT_HTTPHEADER, list);
  const CURLcode code = curl_easy_perform(curl_.get());
  curl_easy_setopt(curl_.get(), CURLOPT_HTTPHEADER, nullptr);
  if (code != CURLE_OK) return 0;
  long status = 0;  // NOLINT(google-runtime-int): libcurl's type.
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

}  // namespace fusebox::demo
