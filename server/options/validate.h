// Finds what is wrong with a merged configuration: values out of range and settings that contradict
// each other. What a policy's numbers may be is not known here but in core.
//
// Thread-safe.
#ifndef FUSEBOX_SERVER_OPTIONS_VALIDATE_H_
#define FUSEBOX_SERVER_OPTIONS_VALIDATE_H_

#include <string>
#include <vector>

#include "proto/yaml/source_map.h"
#include "server/options/options.pb.h"

namespace fusebox {

// One sentence for each problem: where the value came from, what it is, what to do. Requires that
// every field of `config.server()` is set.
std::vector<std::string> FindProblems(const config::v1::ConfigFile& config,
                                      const SourceMap& sources);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_OPTIONS_VALIDATE_H_
