#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "proto/yaml/field_text.h"
#include "proto/yaml/yaml.h"
#include "yaml-cpp/emitter.h"

namespace fusebox {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

void WriteMessage(const Message& message, YAML::Emitter* out);

void WriteElement(const Message& message, const FieldDescriptor* field, int index,
                  YAML::Emitter* out) {
  if (IsTextField(field)) {
    *out << FieldToText(message, field, index);
  } else {
    WriteMessage(message.GetReflection()->GetRepeatedMessage(message, field, index), out);
  }
}

void WriteList(const Message& message, const FieldDescriptor* field, YAML::Emitter* out) {
  *out << YAML::BeginSeq;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
    WriteElement(message, field, i, out);
  }
  *out << YAML::EndSeq;
}

// Entries of a protobuf map come in no order; sorted ones make equal messages equal texts.
void WriteMap(const Message& message, const FieldDescriptor* field, YAML::Emitter* out) {
  const Reflection* reflection = message.GetReflection();
  const FieldDescriptor* key = field->message_type()->map_key();
  const FieldDescriptor* value = field->message_type()->map_value();
  std::map<std::string, const Message*> entries;
  for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
    const Message& entry = reflection->GetRepeatedMessage(message, field, i);
    entries.emplace(FieldToText(entry, key), &entry);
  }
  *out << YAML::BeginMap;
  for (const auto& [name, entry] : entries) {
    *out << YAML::Key << name << YAML::Value;
    if (IsTextField(value)) {
      *out << FieldToText(*entry, value);
    } else {
      WriteMessage(entry->GetReflection()->GetMessage(*entry, value), out);
    }
  }
  *out << YAML::EndMap;
}

void WriteMessage(const Message& message, YAML::Emitter* out) {
  const Reflection* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  *out << YAML::BeginMap;
  for (const FieldDescriptor* field : fields) {
    *out << YAML::Key << field->name() << YAML::Value;
    if (field->is_map()) {
      WriteMap(message, field, out);
    } else if (field->is_repeated()) {
      WriteList(message, field, out);
    } else if (IsTextField(field)) {
      *out << FieldToText(message, field);
    } else {
      WriteMessage(reflection->GetMessage(message, field), out);
    }
  }
  *out << YAML::EndMap;
}

}  // namespace

std::string WriteYaml(const Message& message) {
  YAML::Emitter out;
  WriteMessage(message, &out);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace fusebox
