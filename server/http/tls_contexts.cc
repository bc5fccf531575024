#include "server/http/tls_contexts.h"

#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/system/system_error.hpp>

namespace fusebox {
namespace {

using boost::asio::ssl::context;

// Null if OpenSSL does not take it, which was checked before.
std::shared_ptr<context> MakeContext(const Certificate& certificate) try {
  auto made = std::make_shared<context>(context::tls_server);
  made->use_certificate_chain(boost::asio::buffer(certificate.chain));
  made->use_private_key(boost::asio::buffer(certificate.key), context::pem);
  SSL_CTX_set_min_proto_version(made->native_handle(), TLS1_2_VERSION);
  return made;
} catch (const boost::system::system_error&) {
  return nullptr;
}

}  // namespace

std::shared_ptr<context> TlsContexts::Newest() {
  const LiveCertificate::Version version = certificate_.Get();
  if (version.number == number_) return context_;
  number_ = version.number;
  if (std::shared_ptr<context> made = MakeContext(*version.certificate)) context_.swap(made);
  return context_;
}

}  // namespace fusebox
