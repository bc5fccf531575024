#ifndef FUSEBOX_SERVER_PROCESS_FILE_LIMIT_H_
#define FUSEBOX_SERVER_PROCESS_FILE_LIMIT_H_

#include <cstdint>

namespace fusebox {

// Lets this process open as many files, and so hold as many connections, as the system permits it
// at most: the usual first limit of 1,024 is less than a fleet. Returns how many that are.
uint64_t RaiseFileLimit();

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_PROCESS_FILE_LIMIT_H_
