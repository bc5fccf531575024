#include "client/cli/trace.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/error.h"
#include "core/name.h"
#include "proto/convert/enum_name.h"
#include "proto/yaml/nearest.h"

namespace fusebox::cli {
namespace {

constexpr absl::Duration kMaxTime = absl::Seconds(4'000'000'000);
constexpr absl::Duration kMaxLatency = absl::Hours(24);

// What is wrong with a value; the caller puts the column's name before it.
absl::Status Bad(absl::string_view value, absl::string_view remedy) {
  return absl::InvalidArgumentError(absl::StrCat("is ", QuoteForError(value), "; ", remedy));
}

// Seconds without a unit. Digits are read exactly: as a double, a time since 1970 would lose its
// microseconds.
bool ParseSeconds(absl::string_view text, absl::Duration* seconds) {
  const auto is_plain = [](char c) { return absl::ascii_isdigit(c) || c == '.'; };
  if (std::all_of(text.begin(), text.end(), is_plain)) {
    return absl::ParseDuration(absl::StrCat(text, "s"), seconds);
  }
  double number = 0;
  if (!absl::SimpleAtod(text, &number) || !std::isfinite(number)) return false;
  *seconds = absl::Seconds(number);
  return true;
}

// A latency or a wait; empty: none.
absl::Status ParseSpan(absl::string_view text, std::optional<absl::Duration>& span) {
  if (text.empty()) return absl::OkStatus();
  absl::Duration parsed;
  const bool is_read = ParseSeconds(text, &parsed) || absl::ParseDuration(text, &parsed);
  if (!is_read || parsed < absl::ZeroDuration() || parsed > kMaxLatency) {
    return Bad(text, "write seconds, like 0.02, or a number with a unit, like 20ms; 24h at most");
  }
  span = parsed;
  return absl::OkStatus();
}

// All that can be written for how a call ended, but for numbers.
absl::flat_hash_map<std::string, Result> ResultNames() {
  absl::flat_hash_map<std::string, Result> names;
  for (int code = 0; code <= Classification::kMaxGrpcCode; ++code) {
    names[absl::StatusCodeToString(static_cast<absl::StatusCode>(code))] = Result::Grpc(code);
  }
  for (const Outcome outcome : {Outcome::kSuccess, Outcome::kFailure, Outcome::kTimeout,
                                Outcome::kRateLimited, Outcome::kCallerError, Outcome::kIgnored}) {
    names[EnumName(outcome)] = Result::Of(outcome);
  }
  return names;
}

std::optional<Result> ParseResult(absl::string_view text) {
  int code = 0;
  if (absl::SimpleAtoi(text, &code)) {
    const Result result =
        code <= Classification::kMaxGrpcCode ? Result::Grpc(code) : Result::Http(code);
    return Classification::IsValid(result) ? std::optional<Result>(result) : std::nullopt;
  }
  static const auto& names = *new absl::flat_hash_map<std::string, Result>(ResultNames());
  const auto found = names.find(absl::StrReplaceAll(absl::AsciiStrToUpper(text), {{"-", "_"}}));
  return found == names.end() ? std::nullopt : std::optional<Result>(found->second);
}

absl::Status ParseTime(absl::string_view text, TracedCall& call) {
  absl::Duration time;
  if (!ParseSeconds(text, &time) || time < absl::ZeroDuration() || time > kMaxTime) {
    return Bad(text, "write seconds, like 12.345, from 0 to 4000000000");
  }
  call.time = Tick() + time;
  return absl::OkStatus();
}

absl::Status ParseClient(absl::string_view text, TracedCall& call) {
  if (absl::Status bad = CheckClientName(text); !bad.ok()) return Bad(text, bad.message());
  call.client = text;
  return absl::OkStatus();
}

absl::Status ParseOutcome(absl::string_view text, TracedCall& call) {
  const std::optional<Result> result = ParseResult(text);
  if (!result.has_value()) {
    return Bad(
        text,
        "write SUCCESS, FAILURE, TIMEOUT, RATE_LIMITED, CALLER_ERROR or IGNORED, a gRPC code "
        "by name or number (0 to 16), or an HTTP status (100 to 599)");
  }
  call.result = *result;
  return absl::OkStatus();
}

absl::Status ParseLatency(absl::string_view text, TracedCall& call) {
  return ParseSpan(text, call.latency);
}

absl::Status ParseAttempt(absl::string_view text, TracedCall& call) {
  if (text.empty()) return absl::OkStatus();
  if (!absl::SimpleAtoi(text, &call.attempt) || call.attempt == 0) {
    return Bad(text, "write 1 for a first attempt, 2 for its first retry, and so on");
  }
  return absl::OkStatus();
}

absl::Status ParseRetryAfter(absl::string_view text, TracedCall& call) {
  return ParseSpan(text, call.retry_after);
}

absl::Status ParseBreaker(absl::string_view text, TracedCall& call) {
  if (absl::Status bad = CheckBreakerName(text); !text.empty() && !bad.ok()) {
    return Bad(text, bad.message());
  }
  call.breaker = text;
  return absl::OkStatus();
}

// What a column does to a call; the error is what is wrong, for behind the column's name.
struct Column {
  absl::string_view name;
  bool required;
  absl::Status (*parse)(absl::string_view text, TracedCall& call);
};

constexpr std::array<Column, 7> kColumns = {{
    {"time", true, ParseTime},
    {"client", true, ParseClient},
    {"outcome", true, ParseOutcome},
    {"latency", true, ParseLatency},
    {"attempt", false, ParseAttempt},
    {"retry_after", false, ParseRetryAfter},
    {"breaker", false, ParseBreaker},
}};

std::optional<size_t> FindColumn(absl::string_view name) {
  for (size_t i = 0; i < kColumns.size(); ++i) {
    if (kColumns[i].name == name) return i;
  }
  return std::nullopt;
}

}  // namespace

TraceReader::TraceReader(std::istream& in, std::string file, bool one_breaker)
    : in_(in), file_(std::move(file)), one_breaker_(one_breaker), buffer_(kMaxTraceLine + 2) {}

absl::StatusOr<std::optional<TracedCall>> TraceReader::Next() {
  if (!failure_.ok()) return failure_;
  absl::StatusOr<std::optional<TracedCall>> call = ReadCall();
  failure_ = call.status();
  return call;
}

absl::StatusOr<std::optional<TracedCall>> TraceReader::ReadCall() {
  if (columns_.empty()) {
    if (absl::Status bad = ReadHeader(); !bad.ok()) return bad;
  }
  const absl::StatusOr<bool> more = ReadLine();
  if (!more.ok()) return more.status();
  if (!*more) return std::nullopt;
  if (absl::Status bad = Split(); !bad.ok()) return bad;
  if (values_.size() != columns_.size()) {
    return Complaint(absl::StrCat("the line has ", values_.size(), " values, and the header names ",
                                  columns_.size(),
                                  " columns; give each column a value, or an "
                                  "empty one, between commas"));
  }
  TracedCall call;
  for (size_t i = 0; i < values_.size(); ++i) {
    if (!columns_[i].has_value()) continue;
    const Column& column = kColumns[*columns_[i]];
    if (absl::Status bad = column.parse(values_[i], call); !bad.ok()) {
      return Complaint(absl::StrCat("column \"", column.name, "\" ", bad.message()));
    }
  }
  if (absl::Status bad = CheckOrder(call); !bad.ok()) return bad;
  if (absl::Status bad = CheckBreaker(call); !bad.ok()) return bad;
  return call;
}

absl::StatusOr<bool> TraceReader::ReadLine() {
  while (true) {
    in_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    if (in_.bad()) {
      return absl::InvalidArgumentError(
          absl::StrCat(file_, " cannot be read; is it a file, and its disk sound?"));
    }
    const auto read = static_cast<size_t>(in_.gcount());
    if (in_.eof() && read == 0) return false;
    ++line_number_;
    if (in_.fail()) {
      return Complaint(absl::StrCat("the line has more than ", kMaxTraceLine,
                                    " bytes; is this a CSV file of calls?"));
    }
    // What was read counts the end of the line, where there was one.
    const absl::string_view line(buffer_.data(), in_.eof() ? read : read - 1);
    line_ = absl::StripAsciiWhitespace(line);
    if (!line_.empty()) return true;
  }
}

absl::Status TraceReader::Split() {
  values_ = absl::StrSplit(line_, ',');
  for (absl::string_view& value : values_) {
    value = absl::StripAsciiWhitespace(value);
    if (absl::StrContains(value, '"')) {
      return Complaint(absl::StrCat("the value ", QuoteForError(value),
                                    " has a quote; write values without quotes and commas"));
    }
  }
  return absl::OkStatus();
}

absl::Status TraceReader::ReadHeader() {
  const absl::StatusOr<bool> more = ReadLine();
  if (!more.ok()) return more.status();
  if (!*more) {
    line_number_ = 1;
    return Complaint("there is no header; begin with a line like time,client,outcome,latency");
  }
  absl::ConsumePrefix(&line_, "\xEF\xBB\xBF");  // How spreadsheets mark UTF-8.
  if (absl::Status bad = Split(); !bad.ok()) return bad;
  return NameColumns();
}

absl::Status TraceReader::NameColumns() {
  std::vector<std::optional<size_t>> columns;
  std::vector<std::string> names;
  const auto holds = [&columns](size_t column) {
    return std::find(columns.begin(), columns.end(), column) != columns.end();
  };
  for (const absl::string_view value : values_) {
    names.push_back(absl::AsciiStrToLower(value));
    const std::optional<size_t> column = FindColumn(names.back());
    if (column.has_value() && holds(*column)) {
      return Complaint(absl::StrCat("the header names the column \"", kColumns[*column].name,
                                    "\" twice; remove one"));
    }
    if (names.back() == "time") time_column_ = columns.size();
    columns.push_back(column);
  }
  for (size_t i = 0; i < kColumns.size(); ++i) {
    if (holds(i) || !kColumns[i].required) continue;
    const std::string near = Nearest(kColumns[i].name, names);
    return Complaint(absl::StrCat("the header ", QuoteForError(line_), " names no column \"",
                                  kColumns[i].name,
                                  "\"; it needs time, client, outcome and latency",
                                  near.empty() ? "" : absl::StrCat("; is it \"", near, "\"?")));
  }
  columns_ = std::move(columns);
  return absl::OkStatus();
}

absl::Status TraceReader::CheckOrder(const TracedCall& call) {
  // As text: a double has no room for the digits of a time since 1970.
  const absl::string_view text = values_[time_column_];
  if (latest_.has_value() && call.time < *latest_) {
    return Complaint(absl::StrCat("column \"time\" is ", QuoteForError(text),
                                  ", and a line before it has ", QuoteForError(latest_text_),
                                  "; sort the lines by time"));
  }
  latest_ = call.time;
  latest_text_ = std::string(text);
  return absl::OkStatus();
}

absl::Status TraceReader::CheckBreaker(const TracedCall& call) {
  if (!breaker_.has_value()) breaker_ = std::string(call.breaker);
  if (!one_breaker_ || call.breaker == *breaker_) return absl::OkStatus();
  return Complaint(
      absl::StrCat("column \"breaker\" is ", QuoteForError(call.breaker),
                   ", and the trace began with ", QuoteForError(*breaker_),
                   "; give the calls of one, or --breaker to take all as those of one"));
}

absl::Status TraceReader::Complaint(absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat(file_, ":", line_number_, ": ", what));
}

}  // namespace fusebox::cli
