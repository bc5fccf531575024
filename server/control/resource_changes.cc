#include "server/control/resource_changes.h"

#include <sodium.h>

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "proto/convert/convert.h"

namespace fusebox {
namespace {

absl::string_view SourceName(v1::Source source) {
  return source == v1::SOURCE_FILE ? "the server's file" : "this API";
}

}  // namespace

std::string NewEtag() {
  std::array<char, 8> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return absl::BytesToHexString({bytes.data(), bytes.size()});
}

void Stamp(const Author& author, const v1::ResourceInfo* before, v1::ResourceInfo& info) {
  info.Clear();
  info.set_source(v1::SOURCE_API);
  info.set_etag(NewEtag());
  *info.mutable_update_time() = ToProto(author.now.anchor.wall);
  const bool is_new = before == nullptr || !before->has_create_time();
  *info.mutable_create_time() = is_new ? info.update_time() : before->create_time();
  info.set_updated_by(author.actor);
}

absl::Status NameTaken(const ResourceKind& kind, absl::string_view name, v1::Source source) {
  const std::string owner = source == v1::SOURCE_BUILT_IN
                                ? "it always exists; update it instead"
                                : absl::StrCat("it was defined by ", SourceName(source),
                                               "; update it there or choose another name");
  return MakeError(absl::StatusCode::kAlreadyExists, absl::StrCat(kind.prefix, "_NAME_TAKEN"),
                   absl::StrCat(kind.noun, " \"", name, "\" exists: ", owner), "name");
}

absl::Status NotFound(const ResourceKind& kind, absl::string_view name) {
  return MakeError(absl::StatusCode::kNotFound, absl::StrCat(kind.prefix, "_NOT_FOUND"),
                   absl::StrCat(kind.noun, " ", QuoteForError(name), " does not exist; list the ",
                                kind.plural, " or create it"),
                   "name");
}

absl::Status TooMany(const ResourceKind& kind, size_t limit) {
  return MakeError(
      absl::StatusCode::kResourceExhausted,
      absl::StrCat("TOO_MANY_",
                   absl::AsciiStrToUpper(absl::StrReplaceAll(kind.plural, {{" ", "_"}}))),
      absl::StrCat("all ", limit, " ", kind.plural, " are in use; delete one or raise --max-",
                   absl::StrReplaceAll(kind.plural, {{" ", "-"}})));
}

absl::Status CheckWritable(const ResourceKind& kind, absl::string_view name,
                           const v1::ResourceInfo& info, absl::string_view etag) {
  if (info.source() == v1::SOURCE_FILE) {
    return MakeError(absl::StatusCode::kFailedPrecondition, absl::StrCat(kind.prefix, "_READ_ONLY"),
                     absl::StrCat(kind.noun, " \"", name,
                                  "\" is of the server's file; change it there, the server reads "
                                  "it again by itself"),
                     "name");
  }
  if (etag.empty() || etag == info.etag()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kAborted, "ETAG_STALE",
                   absl::StrCat(kind.noun, " \"", name, "\" has etag \"", info.etag(),
                                "\" and not ", QuoteForError(etag),
                                ": it was changed meanwhile; read it again and repeat the change"),
                   "etag");
}

absl::Status BadMask(const google::protobuf::FieldMask& mask, absl::string_view path) {
  return MakeError(absl::StatusCode::kInvalidArgument, "UPDATE_MASK_INVALID",
                   absl::StrCat("update_mask is ", QuoteForError(absl::StrJoin(mask.paths(), ",")),
                                ", of which ", QuoteForError(path),
                                " is no field that can be changed; name fields like "
                                "circuit_breaker.open_duration, or none for all"),
                   "update_mask");
}

}  // namespace fusebox
