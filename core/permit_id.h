#ifndef FUSEBOX_CORE_PERMIT_ID_H_
#define FUSEBOX_CORE_PERMIT_ID_H_

#include <compare>
#include <cstdint>

namespace fusebox {

// Which permit it is, of all that the breakers of one name ever granted. Numbers alone do not tell:
// they start again with every epoch, and what a permit holds may outlive its epoch. Within one
// life of the server, a later one is greater.
struct PermitId {
  uint64_t epoch = 0;
  uint64_t number = 0;  // Within the epoch.

  friend constexpr auto operator<=>(const PermitId&, const PermitId&) = default;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_PERMIT_ID_H_
