// Reads what `apply`, `diff` and `edit` are given: policies and retry budgets in the schema of the
// server's file.
//
//   policies:
//     - name: payments
//       match: ["payments.v1.*/**"]
//       circuit_breaker: {failure_rate_threshold: 0.3}
//       shared_retry_budget: checkout
//       info: {etag: 5ad0}          # If it is there, only that version is changed.
//   retry_budgets:
//     - name: checkout
//       settings: {retry_ratio: 0.1}
#ifndef FUSEBOX_CLIENT_CLI_MANIFEST_H_
#define FUSEBOX_CLIENT_CLI_MANIFEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cli/documents.pb.h"
#include "client/cli/errors.h"
#include "client/cli/resources.h"
#include "client/cli/talk.h"
#include "proto/yaml/source_map.h"
#include "proto/yaml/yaml.h"

namespace fusebox::cli {

struct ManifestFile {
  Manifest manifest;
  SourceMap sources;
};

// Reads the file, or stdin for "-". INVALID_ARGUMENT: it cannot be read, is not in this schema,
// holds two of one name or one without a name, or nothing at all; a line for each, which begins
// with file and line.
absl::StatusOr<ManifestFile> ReadManifest(const std::string& path);

// Says what is wrong with a file, and returns the exit code.
int ReportBadFile(Talk& err, const absl::Status& status);

// For errors about the `index`-th resource of its kind: names it and where it stands.
template <typename M>
About AboutResource(const ManifestFile& file, int index, const std::string& name) {
  const std::string path = absl::StrCat(Resource<M>::kField, "[", index, "]");
  return {absl::StrCat(file.sources.Locate(path), ": ", FullName<M>(name), ": "),
          [&file, path](absl::string_view field) {
            absl::ConsumePrefix(&field, Resource<M>::kRequestField);
            return file.sources.Locate(absl::StrCat(path, ".", field));
          }};
}

// The resource as YAML, as a file would have it.
template <typename M>
std::string BareYaml(M resource) {
  Resource<M>::Strip(resource);
  return WriteYaml(resource);
}

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_MANIFEST_H_
