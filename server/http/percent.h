#ifndef FUSEBOX_SERVER_HTTP_PERCENT_H_
#define FUSEBOX_SERVER_HTTP_PERCENT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace fusebox {

// "a%2Fb" -> "a/b" (RFC 3986, section 2.1). A percent sign that no two digits follow stays as it
// is.
std::string PercentDecoded(absl::string_view text);

// The same for a value of a form or a query, where "+" is a space.
std::string FormDecoded(absl::string_view text);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_PERCENT_H_
