#include "proto/yaml/field_text.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "core/error.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/stubs/common.h"
#include "google/protobuf/timestamp.pb.h"
#include "proto/yaml/nearest.h"

namespace fusebox {
namespace {

using ::google::protobuf::EnumDescriptor;
using ::google::protobuf::EnumValueDescriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ProtoDuration = ::google::protobuf::Duration;
using ProtoTimestamp = ::google::protobuf::Timestamp;

// What google.protobuf.Duration can hold: about 10,000 years.
constexpr absl::Duration kLongestDuration = absl::Seconds(315'576'000'000);

absl::Status Refuse(absl::string_view text, absl::string_view remedy) {
  return absl::InvalidArgumentError(absl::StrCat("is ", QuoteForError(text), "; ", remedy));
}

// A field that is about to get a value.
struct Target {
  Message* message;
  const FieldDescriptor* field;

  template <typename T>
  using Put = void (Reflection::*)(Message*, const FieldDescriptor*, T) const;

  template <typename T>
  absl::Status Set(Put<T> set, Put<T> add, T value) const {
    const Reflection* reflection = message->GetReflection();
    (reflection->*(field->is_repeated() ? add : set))(message, field, std::move(value));
    return absl::OkStatus();
  }
};

template <typename T>
absl::Status SetInteger(const Target& target, absl::string_view text, Target::Put<T> set,
                        Target::Put<T> add) {
  T value;
  // absl reads "" and " 7 " in its own way; a number has no blanks.
  if (text.empty() || absl::StripAsciiWhitespace(text) != text || !absl::SimpleAtoi(text, &value)) {
    return Refuse(text, absl::StrCat("write a whole number from ", std::numeric_limits<T>::min(),
                                     " to ", std::numeric_limits<T>::max()));
  }
  return target.Set(set, add, value);
}

// T is double or float: what is finite as one may not be as the other.
template <typename T>
absl::Status SetReal(const Target& target, absl::string_view text, Target::Put<T> set,
                     Target::Put<T> add) {
  double value;
  const absl::string_view number = absl::StripSuffix(text, "%");
  const bool is_number = absl::StripAsciiWhitespace(number) == number &&
                         absl::SimpleAtod(number, &value) && std::isfinite(static_cast<T>(value));
  if (!is_number) return Refuse(text, "write a number, like 0.5");
  if (number != text) {
    return Refuse(text, absl::StrCat("write it as a fraction: ", value / 100));
  }
  return target.Set(set, add, static_cast<T>(value));
}

absl::Status SetBool(const Target& target, absl::string_view text) {
  if (text != "true" && text != "false") return Refuse(text, "write true or false");
  return target.Set<bool>(&Reflection::SetBool, &Reflection::AddBool, text == "true");
}

absl::Status SetString(const Target& target, absl::string_view text) {
  if (!google::protobuf::internal::IsStructurallyValidUTF8(text.data(),
                                                           static_cast<int>(text.size()))) {
    return Refuse(text, "write it in UTF-8");
  }
  return target.Set<std::string>(&Reflection::SetString, &Reflection::AddString, std::string(text));
}

absl::Status SetBytes(const Target& target, absl::string_view text) {
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes)) return Refuse(text, "write it in base64");
  return target.Set<std::string>(&Reflection::SetString, &Reflection::AddString, std::move(bytes));
}

// "OUTCOME_" for an enum whose first value is OUTCOME_UNSPECIFIED; else empty.
absl::string_view EnumPrefix(const EnumDescriptor* type) {
  absl::string_view prefix = type->value(0)->name();
  return absl::ConsumeSuffix(&prefix, "UNSPECIFIED") ? prefix : absl::string_view();
}

std::string ShortName(const EnumValueDescriptor* value) {
  return std::string(absl::StripPrefix(value->name(), EnumPrefix(value->type())));
}

absl::Status SetEnum(const Target& target, absl::string_view text) {
  const EnumDescriptor* type = target.field->enum_type();
  const std::vector<std::string> choices = EnumChoices(type);
  const std::string upper = absl::AsciiStrToUpper(text);
  for (const std::string& choice : choices) {
    const std::string full = absl::StrCat(EnumPrefix(type), choice);
    if (upper != choice && upper != full) continue;
    return target.Set<const EnumValueDescriptor*>(&Reflection::SetEnum, &Reflection::AddEnum,
                                                  type->FindValueByName(full));
  }
  return Refuse(
      text, absl::StrCat("write one of ", absl::StrJoin(choices, ", "), DidYouMean(text, choices)));
}

// The message that is the field's value, or a new element's.
Message* MutableValue(const Target& target) {
  const Reflection* reflection = target.message->GetReflection();
  return target.field->is_repeated() ? reflection->AddMessage(target.message, target.field)
                                     : reflection->MutableMessage(target.message, target.field);
}

absl::Status SetDuration(const Target& target, absl::string_view text) {
  absl::Duration value;
  if (!absl::ParseDuration(text, &value)) {
    return Refuse(text, "write a duration with a unit, like 30s or 500ms");
  }
  if (absl::AbsDuration(value) > kLongestDuration) {
    return Refuse(text, "write a duration of less than 10,000 years");
  }
  auto* duration = google::protobuf::DynamicCastToGenerated<ProtoDuration>(MutableValue(target));
  absl::Duration rest;
  duration->set_seconds(absl::IDivDuration(value, absl::Seconds(1), &rest));
  duration->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  return absl::OkStatus();
}

absl::Status SetTimestamp(const Target& target, absl::string_view text) {
  absl::Time value;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &value, &error) ||
      value == absl::InfiniteFuture() || value == absl::InfinitePast()) {
    return Refuse(text, "write a time with its zone, like 2026-02-03T04:05:06Z");
  }
  auto* time = google::protobuf::DynamicCastToGenerated<ProtoTimestamp>(MutableValue(target));
  time->set_seconds(absl::ToUnixSeconds(value));
  const absl::Duration rest = value - absl::FromUnixSeconds(time->seconds());
  time->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  return absl::OkStatus();
}

std::string TimestampToText(const Message& message) {
  const auto& time = *google::protobuf::DynamicCastToGenerated<ProtoTimestamp>(&message);
  return absl::FormatTime("%E4Y-%m-%d%ET%H:%M:%E*SZ",
                          absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos()),
                          absl::UTCTimeZone());
}

std::string DurationToText(const Message& message) {
  const auto& duration = *google::protobuf::DynamicCastToGenerated<ProtoDuration>(&message);
  const absl::Duration value =
      absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
  return value == absl::ZeroDuration() ? "0s" : absl::FormatDuration(value);
}

template <typename T>
std::string NumberToText(T value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value);
  return std::string(digits, end.ptr);
}

// One value of a field, whether it is the only one or an element.
struct Value {
  const Message& message;
  const FieldDescriptor* field;
  int index;

  template <typename T>
  T Get(T (Reflection::*get)(const Message&, const FieldDescriptor*) const,
        T (Reflection::*get_repeated)(const Message&, const FieldDescriptor*, int) const) const {
    const Reflection* reflection = message.GetReflection();
    return field->is_repeated() ? (reflection->*get_repeated)(message, field, index)
                                : (reflection->*get)(message, field);
  }

  const Message& GetMessage() const {
    const Reflection* reflection = message.GetReflection();
    return field->is_repeated() ? reflection->GetRepeatedMessage(message, field, index)
                                : reflection->GetMessage(message, field);
  }
};

}  // namespace

bool IsDurationField(const FieldDescriptor* field) {
  return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field->message_type() == ProtoDuration::descriptor();
}

bool IsTextField(const FieldDescriptor* field) {
  return field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || IsDurationField(field) ||
         field->message_type() == ProtoTimestamp::descriptor();
}

absl::Status SetFieldFromText(Message* message, const FieldDescriptor* field,
                              absl::string_view text) {
  using R = Reflection;
  const Target target{message, field};
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return SetInteger<int32_t>(target, text, &R::SetInt32, &R::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return SetInteger<int64_t>(target, text, &R::SetInt64, &R::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return SetInteger<uint32_t>(target, text, &R::SetUInt32, &R::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return SetInteger<uint64_t>(target, text, &R::SetUInt64, &R::AddUInt64);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return SetReal<float>(target, text, &R::SetFloat, &R::AddFloat);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return SetReal<double>(target, text, &R::SetDouble, &R::AddDouble);
    case FieldDescriptor::CPPTYPE_BOOL:
      return SetBool(target, text);
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(target, text);
    case FieldDescriptor::CPPTYPE_STRING:
      return field->type() == FieldDescriptor::TYPE_BYTES ? SetBytes(target, text)
                                                          : SetString(target, text);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return IsDurationField(field) ? SetDuration(target, text) : SetTimestamp(target, text);
  }
  return Refuse(text, "no value of this kind can be written");
}

std::string FieldToText(const Message& message, const FieldDescriptor* field, int index) {
  using R = Reflection;
  const Value value{message, field, index};
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return NumberToText(value.Get(&R::GetInt32, &R::GetRepeatedInt32));
    case FieldDescriptor::CPPTYPE_INT64:
      return NumberToText(value.Get(&R::GetInt64, &R::GetRepeatedInt64));
    case FieldDescriptor::CPPTYPE_UINT32:
      return NumberToText(value.Get(&R::GetUInt32, &R::GetRepeatedUInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return NumberToText(value.Get(&R::GetUInt64, &R::GetRepeatedUInt64));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return NumberToText(value.Get(&R::GetFloat, &R::GetRepeatedFloat));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return NumberToText(value.Get(&R::GetDouble, &R::GetRepeatedDouble));
    case FieldDescriptor::CPPTYPE_BOOL:
      return value.Get(&R::GetBool, &R::GetRepeatedBool) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return ShortName(value.Get(&R::GetEnum, &R::GetRepeatedEnum));
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = value.Get(&R::GetString, &R::GetRepeatedString);
      return field->type() == FieldDescriptor::TYPE_BYTES ? absl::Base64Escape(text) : text;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return IsDurationField(field) ? DurationToText(value.GetMessage())
                                    : TimestampToText(value.GetMessage());
  }
  return "";
}

std::vector<std::string> EnumChoices(const EnumDescriptor* type) {
  std::vector<std::string> choices;
  for (int i = 0; i < type->value_count(); ++i) {
    if (absl::EndsWith(type->value(i)->name(), "UNSPECIFIED")) continue;
    choices.push_back(ShortName(type->value(i)));
  }
  return choices;
}

}  // namespace fusebox
