// What creating, updating and deleting have in common for policies and retry budgets.
#ifndef FUSEBOX_SERVER_CONTROL_RESOURCE_CHANGES_H_
#define FUSEBOX_SERVER_CONTROL_RESOURCE_CHANGES_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/error.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/util/field_mask_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/control/book.h"

namespace fusebox {

// How a kind of resource is called in errors.
struct ResourceKind {
  absl::string_view noun;    // "policy"
  absl::string_view prefix;  // "POLICY", of its errors' reasons.
  absl::string_view plural;  // "policies", of the flag that bounds it.
};

inline constexpr ResourceKind kPolicyKind = {"policy", "POLICY", "policies"};
inline constexpr ResourceKind kRetryBudgetKind = {"retry budget", "RETRY_BUDGET", "retry budgets"};

// One of 2^64, at random: nobody sees the same one twice.
std::string NewEtag();

// Says who made it, and when; of a new one `before` is null. Gives it a new etag.
void Stamp(const Author& author, const v1::ResourceInfo* before, v1::ResourceInfo& info);

absl::Status NameTaken(const ResourceKind& kind, absl::string_view name, v1::Source source);
absl::Status NotFound(const ResourceKind& kind, absl::string_view name);
absl::Status TooMany(const ResourceKind& kind, size_t limit);
absl::Status CheckWritable(const ResourceKind& kind, absl::string_view name,
                           const v1::ResourceInfo& info, absl::string_view etag);
absl::Status BadMask(const google::protobuf::FieldMask& mask, absl::string_view path);

// What an update makes of `before`: all of `wanted`, or the fields of the mask, with `info` as
// before. The error is INVALID_ARGUMENT with reason UPDATE_MASK_INVALID.
template <typename Message>
absl::StatusOr<Message> Merge(const Message& before, const Message& wanted,
                              const google::protobuf::FieldMask& mask) {
  using google::protobuf::util::FieldMaskUtil;
  Message merged = before;
  if (mask.paths().empty()) merged = wanted;
  for (const std::string& path : mask.paths()) {
    const absl::string_view head = absl::string_view(path).substr(0, path.find('.'));
    const bool is_ours = head == "name" || head == "info" || head == "status";
    if (is_ours || !FieldMaskUtil::IsValidPath<Message>(path)) return BadMask(mask, path);
  }
  FieldMaskUtil::MergeOptions replace;
  replace.set_replace_message_fields(true);
  replace.set_replace_repeated_fields(true);
  FieldMaskUtil::MergeMessageTo(wanted, mask, replace, &merged);
  *merged.mutable_info() = before.info();
  return merged;
}

template <typename Message>
bool AreEqual(const Message& a, const Message& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_CONTROL_RESOURCE_CHANGES_H_
