#ifndef FUSEBOX_SERVER_HTTP_TLS_CONTEXTS_H_
#define FUSEBOX_SERVER_HTTP_TLS_CONTEXTS_H_

#include <boost/asio/ssl/context.hpp>
#include <cstdint>
#include <memory>

#include "server/tls/live_certificate.h"

namespace fusebox {

// What connections speak TLS with, of a certificate that may be replaced at any moment. Clients are
// asked for none. For one thread.
class TlsContexts {
 public:
  // `certificate` must have a version, and outlive this.
  explicit TlsContexts(const LiveCertificate& certificate) : certificate_(certificate) {}

  // For a new connection: of the newest version, or of the one before if OpenSSL does not take it.
  // Null only if it has taken none.
  std::shared_ptr<boost::asio::ssl::context> Newest();

 private:
  const LiveCertificate& certificate_;
  uint64_t number_ = 0;
  std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_TLS_CONTEXTS_H_
