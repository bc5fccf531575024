#include <sstream>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/error.h"
#include "google/protobuf/stubs/common.h"
#include "proto/yaml/field_text.h"
#include "proto/yaml/nearest.h"
#include "proto/yaml/yaml.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/yaml.h"

namespace fusebox {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::OneofDescriptor;

constexpr absl::string_view kWriteAMap = "; write a map, with lines like \"key: value\"";

// A place in the document.
struct Place {
  std::string path;
  int line;
  int depth;

  Place Below(absl::string_view suffix, int below_line) const {
    return {absl::StrCat(path, suffix), below_line > 0 ? below_line : line, depth + 1};
  }
  Place Key(absl::string_view key, int key_line) const {
    return path.empty() ? Below(key, key_line) : Below(absl::StrCat(".", key), key_line);
  }
};

// YAML counts lines from 0; a value that is not there has line -1.
int LineOf(const YAML::Node& node) { return node.Mark().line + 1; }

// What the node is, as an error says it.
std::string Describe(const YAML::Node& node) {
  if (node.IsMap()) return "is a map";
  if (node.IsSequence()) return "is a list";
  if (node.IsScalar()) return absl::StrCat("is ", QuoteForError(node.Scalar()));
  return "has no value";
}

// The keys that a message takes.
std::vector<std::string> KeysOf(const Descriptor* type) {
  std::vector<std::string> keys;
  for (int i = 0; i < type->field_count(); ++i) keys.push_back(type->field(i)->name());
  return keys;
}

// Which lines the keys of one YAML map are in.
using KeyLines = absl::flat_hash_map<std::string, int>;

class Reader {
 public:
  Reader(absl::string_view file, SourceMap* sources) : file_(file), sources_(sources) {}

  void ReadMessage(const YAML::Node& node, const Place& place, Message* message);

  absl::Status Result() const;

 private:
  void ReadKey(const YAML::Node& value, const Place& parent, const Place& place,
               const std::string& key, const KeyLines& lines, Message* message);
  void ReadField(const YAML::Node& node, const Place& place, const FieldDescriptor* field,
                 Message* message);
  void ReadList(const YAML::Node& node, const Place& place, const FieldDescriptor* field,
                Message* message);
  void ReadMap(const YAML::Node& node, const Place& place, const FieldDescriptor* field,
               Message* message);
  void ReadText(const YAML::Node& node, const Place& place, const FieldDescriptor* field,
                Message* message);

  // Notes a key of a map; false, with an error, for one that cannot be read.
  bool TakeKey(const YAML::Node& key, const Place& parent, KeyLines* lines);

  // Whether another field of the key's oneof was set before; an error if so.
  bool Excluded(const FieldDescriptor* field, const Place& parent, const Place& place,
                const KeyLines& lines);

  // Counts a value; false, with one error, once the document has grown too large or too deep.
  bool Enter(const Place& place);

  void Fail(const Place& place, absl::string_view problem);

  const std::string file_;
  SourceMap* const sources_;
  std::vector<std::string> errors_;
  int more_errors_ = 0;
  int values_ = 0;
  bool stopped_ = false;
};

void Reader::Fail(const Place& place, absl::string_view problem) {
  if (errors_.size() >= kMaxYamlErrors) {
    ++more_errors_;
    return;
  }
  const std::string name = place.path.empty() ? "the document" : absl::CHexEscape(place.path);
  errors_.push_back(absl::StrCat(file_, ":", place.line, ": ", name, " ", problem));
}

absl::Status Reader::Result() const {
  if (errors_.empty()) return absl::OkStatus();
  std::string message = absl::StrJoin(errors_, "\n");
  if (more_errors_ > 0) {
    absl::StrAppend(&message, "\n", file_, ": and ", more_errors_, " more errors; fix these first");
  }
  return absl::InvalidArgumentError(message);
}

bool Reader::Enter(const Place& place) {
  if (stopped_) return false;
  if (++values_ > kMaxYamlValues) {
    Fail(place, absl::StrCat("is one value too many; write at most ", kMaxYamlValues,
                             ", counting each use of an alias"));
    stopped_ = true;
  } else if (place.depth > kMaxYamlDepth) {
    Fail(place, absl::StrCat("is nested too deep; nest at most ", kMaxYamlDepth,
                             " levels and let no alias hold itself"));
    stopped_ = true;
  }
  return !stopped_;
}

bool Reader::TakeKey(const YAML::Node& key, const Place& parent, KeyLines* lines) {
  const int line = LineOf(key);
  if (!key.IsScalar()) {
    Fail(parent.Below("", line), absl::StrCat("has a key that ", Describe(key), "; write a name"));
    return false;
  }
  const auto [first, is_new] = lines->try_emplace(key.Scalar(), line);
  if (is_new) return true;
  Fail(parent.Key(key.Scalar(), line),
       absl::StrCat("is set twice, first on line ", first->second, "; keep one of the two"));
  return false;
}

bool Reader::Excluded(const FieldDescriptor* field, const Place& parent, const Place& place,
                      const KeyLines& lines) {
  const OneofDescriptor* oneof = field->real_containing_oneof();
  if (oneof == nullptr) return false;
  for (int i = 0; i < oneof->field_count(); ++i) {
    const auto other = lines.find(oneof->field(i)->name());
    if (oneof->field(i) == field || other == lines.end()) continue;
    Fail({parent.path, place.line, place.depth},
         absl::StrCat("sets both ", other->first, " (line ", other->second, ") and ", field->name(),
                      " (line ", place.line, "); keep one of the two"));
    return true;
  }
  return false;
}

void Reader::ReadMessage(const YAML::Node& node, const Place& place, Message* message) {
  if (!Enter(place)) return;
  if (!node.IsMap()) {
    Fail(place, absl::StrCat(Describe(node), kWriteAMap));
    return;
  }
  KeyLines lines;
  for (const auto& entry : node) {
    if (stopped_) return;
    if (!TakeKey(entry.first, place, &lines)) continue;
    const std::string& key = entry.first.Scalar();
    ReadKey(entry.second, place, place.Key(key, LineOf(entry.first)), key, lines, message);
  }
}

void Reader::ReadKey(const YAML::Node& value, const Place& parent, const Place& place,
                     const std::string& key, const KeyLines& lines, Message* message) {
  const Descriptor* type = message->GetDescriptor();
  const FieldDescriptor* field = type->FindFieldByName(key);
  if (field == nullptr) {
    const std::vector<std::string> keys = KeysOf(type);
    const std::string guess = DidYouMean(key, keys);
    Fail(place,
         absl::StrCat("is not known here",
                      guess.empty() ? "; the keys are " + absl::StrJoin(keys, ", ") : guess));
    return;
  }
  if (Excluded(field, parent, place, lines)) return;
  ReadField(value, place, field, message);
}

void Reader::ReadField(const YAML::Node& node, const Place& place, const FieldDescriptor* field,
                       Message* message) {
  sources_->SetLine(place.path, place.line);
  if (field->is_map()) {
    ReadMap(node, place, field, message);
  } else if (field->is_repeated()) {
    ReadList(node, place, field, message);
  } else if (IsTextField(field)) {
    ReadText(node, place, field, message);
  } else if (!node.IsNull()) {
    ReadMessage(node, place, message->GetReflection()->MutableMessage(message, field));
  }
}

void Reader::ReadText(const YAML::Node& node, const Place& place, const FieldDescriptor* field,
                      Message* message) {
  if (!Enter(place)) return;
  if (node.IsNull()) {
    Fail(place, "has no value; write one or remove the key");
  } else if (!node.IsScalar()) {
    Fail(place, absl::StrCat(Describe(node), "; write a single value"));
  } else if (const absl::Status status = SetFieldFromText(message, field, node.Scalar());
             !status.ok()) {
    Fail(place, status.message());
  }
}

void Reader::ReadList(const YAML::Node& node, const Place& place, const FieldDescriptor* field,
                      Message* message) {
  if (!Enter(place)) return;
  if (node.IsNull()) {
    // A file that breaks off here would say "none".
    Fail(place, "has no value; write a list, [] for none, or remove the key");
    return;
  }
  if (!node.IsSequence()) {
    Fail(place,
         absl::StrCat(Describe(node), "; write a list, like [...] or lines that begin with -"));
    return;
  }
  int index = 0;
  for (const YAML::Node& element : node) {
    const Place at = place.Below(absl::StrCat("[", index++, "]"), LineOf(element));
    if (stopped_) return;
    sources_->SetLine(at.path, at.line);
    if (element.IsNull()) {
      Fail(at, "has no value; write one or remove the -");
    } else if (IsTextField(field)) {
      ReadText(element, at, field, message);
    } else {
      ReadMessage(element, at, message->GetReflection()->AddMessage(message, field));
    }
  }
}

void Reader::ReadMap(const YAML::Node& node, const Place& place, const FieldDescriptor* field,
                     Message* message) {
  if (!Enter(place) || node.IsNull()) return;
  if (!node.IsMap()) {
    Fail(place, absl::StrCat(Describe(node), kWriteAMap));
    return;
  }
  KeyLines lines;
  for (const auto& pair : node) {
    if (stopped_) return;
    if (!TakeKey(pair.first, place, &lines)) continue;
    const Place at = place.Key(pair.first.Scalar(), LineOf(pair.first));
    Message* entry = message->GetReflection()->AddMessage(message, field);
    const absl::Status status =
        SetFieldFromText(entry, field->message_type()->map_key(), pair.first.Scalar());
    if (!status.ok()) Fail(at, absl::StrCat("has a key that ", status.message()));
    ReadField(pair.second, at, field->message_type()->map_value(), entry);
  }
}

absl::Status Refuse(absl::string_view file, int line, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(file, ":", line, ": ", problem));
}

// yaml-cpp takes U+0004 for the end of the text, guesses other encodings and passes bad bytes on.
absl::Status CheckCharacters(absl::string_view file, absl::string_view text) {
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (!google::protobuf::internal::IsStructurallyValidUTF8(line.data(),
                                                             static_cast<int>(line.size()))) {
      return Refuse(file, number, "this line is not in UTF-8; save the file as UTF-8");
    }
    for (const char c : line) {
      if (!absl::ascii_iscntrl(c) || c == '\t' || c == '\r') continue;
      return Refuse(file, number,
                    absl::StrCat("this line holds the control character ",
                                 QuoteForError(std::string(1, c)), "; remove it"));
    }
  }
  return absl::OkStatus();
}

// Notes where documents begin and nothing else.
class DocumentStarts : public YAML::EventHandler {
 public:
  const std::vector<int>& lines() const { return lines_; }

  void OnDocumentStart(const YAML::Mark& mark) override { lines_.push_back(mark.line + 1); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  std::vector<int> lines_;
};

// Where a second document begins; 0 if none does. YAML::Load would ignore it, and YAML::LoadAll
// never returns for some texts, such as one that begins with a comma: that is an empty document to
// yaml-cpp, after which the same comma begins the next.
int SecondDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStarts starts;
  if (parser.HandleNextDocument(starts)) parser.HandleNextDocument(starts);
  return starts.lines().size() < 2 ? 0 : starts.lines()[1];
}

// The one document of the text. yaml-cpp throws, and only here.
absl::StatusOr<YAML::Node> Load(absl::string_view file, const std::string& text) {
  try {
    if (const int line = SecondDocument(text); line > 0) {
      return Refuse(file, line,
                    "the document is over before this line; remove the --- or the stray character");
    }
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    return Refuse(file, error.mark.line + 1,
                  absl::StrCat("this is no YAML: ", error.msg, " at column ", error.mark.column + 1,
                               "; check indents, colons and quotes there"));
  }
}

}  // namespace

absl::Status ReadYaml(absl::string_view file, absl::string_view text, Message* message,
                      SourceMap* sources) {
  message->Clear();
  *sources = SourceMap(file);
  if (text.size() > kMaxYamlBytes) {
    return Refuse(
        file, 1,
        absl::StrCat("the document has more than ", kMaxYamlBytes, " bytes; make it smaller"));
  }
  if (absl::Status status = CheckCharacters(file, text); !status.ok()) return status;
  const absl::StatusOr<YAML::Node> document = Load(file, std::string(text));
  if (!document.ok()) return document.status();
  if (document->IsNull()) return absl::OkStatus();
  Reader reader(file, sources);
  reader.ReadMessage(*document, {"", LineOf(*document), 0}, message);
  return reader.Result();
}

}  // namespace fusebox
