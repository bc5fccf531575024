#ifndef FUSEBOX_CORE_PERMIT_ID_H_
#define FUSEBOX_CORE_PERMIT_ID_H_

#include <cstdint>
#include <utility>

namespace fusebox {

// Which permit it is, of all that the breakers of one name ever granted. Numbers alone do not tell:
// they start again with every epoch, and what a permit holds may outlive its epoch.
struct PermitId {
  uint64_t epoch = 0;
  uint64_t number = 0;  // Within the epoch.

  friend bool operator==(const PermitId&, const PermitId&) = default;

  template <typename H>
  friend H AbslHashValue(H state, const PermitId& id) {
    return H::combine(std::move(state), id.epoch, id.number);
  }
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_PERMIT_ID_H_
