#include "client/cli/resource_text.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/enums.h"
#include "client/cli/resources.h"
#include "proto/convert/convert.h"
#include "proto/yaml/field_text.h"

namespace fusebox::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string RetriesText(int64_t millis) {
  return absl::StrFormat("%.1f", static_cast<double>(millis) / 1000);
}

// Not every answer says how much there could be.
std::string CapacityText(const v1::RetryBudgetStatus& budget) {
  return budget.capacity_millis() > 0 ? RetriesText(budget.capacity_millis()) : "-";
}

std::string OpensAtText(const CircuitBreakerPolicy& breaker) {
  std::vector<std::string> rules;
  if (breaker.consecutive_failures > 0) {
    rules.push_back(absl::StrCat(breaker.consecutive_failures, " in a row"));
  }
  if (breaker.failure_rate_threshold.on()) {
    rules.push_back(
        absl::StrCat(PercentText(breaker.failure_rate_threshold.fraction()), " failed"));
  }
  if (breaker.slow_call_rate_threshold.on()) {
    rules.push_back(
        absl::StrCat(PercentText(breaker.slow_call_rate_threshold.fraction()), " slow"));
  }
  return rules.empty() ? "never" : absl::StrJoin(rules, ", ");
}

void AddInfo(const v1::ResourceInfo& info, bool wide, std::vector<Cell>& row) {
  row.emplace_back(EnumText(info.source()));
  if (!wide) return;
  row.emplace_back(info.has_update_time() ? TimeText(info.update_time()) : "-");
  row.emplace_back(info.updated_by().empty() ? "-" : info.updated_by());
  row.emplace_back(info.etag().empty() ? "-" : info.etag());
}

void AddHead(std::vector<Cell> row, bool wide, Table& table) {
  row.emplace_back("SOURCE");
  if (wide) row.insert(row.end(), {"UPDATED", "BY", "ETAG"});
  table.AddRow(std::move(row));
}

void AddPolicies(const Manifest& manifest, bool wide, Table& table) {
  AddHead({"POLICY", "MATCH", "OPENS-AT", "OPEN-FOR", "RETRY-BUDGET"}, wide, table);
  for (const v1::Policy& policy : manifest.policies()) {
    const Policy numbers = NumbersOf(policy);
    const std::string match = absl::StrJoin(policy.match(), " ");
    std::vector<Cell> row = {
        policy.name(), match.empty() ? "-" : match, OpensAtText(numbers.circuit_breaker),
        absl::FormatDuration(numbers.circuit_breaker.open_duration),
        numbers.shared_retry_budget.empty() ? "its own" : numbers.shared_retry_budget};
    AddInfo(policy.info(), wide, row);
    table.AddRow(std::move(row));
  }
}

void AddBudgets(const Manifest& manifest, bool wide, Table& table) {
  AddHead({"BUDGET", "LEFT", "OF", "SPENT", "REFUSED"}, wide, table);
  for (const v1::RetryBudget& budget : manifest.retry_budgets()) {
    const v1::RetryBudgetStatus& status = budget.status();
    std::vector<Cell> row = {budget.name(), RetriesText(status.balance_millis()),
                             CapacityText(status), absl::StrCat(status.spent()),
                             absl::StrCat(status.refused())};
    AddInfo(budget.info(), wide, row);
    table.AddRow(std::move(row));
  }
}

Table ManifestTable(const Manifest& manifest, bool wide) {
  Table table;
  if (!manifest.policies().empty()) AddPolicies(manifest, wide, table);
  if (!manifest.retry_budgets().empty()) AddBudgets(manifest, wide, table);
  return table;
}

std::vector<std::string> Names(const Manifest& manifest) {
  std::vector<std::string> names;
  for (const auto& policy : manifest.policies()) {
    names.push_back(FullName<v1::Policy>(policy.name()));
  }
  for (const auto& budget : manifest.retry_budgets()) {
    names.push_back(FullName<v1::RetryBudget>(budget.name()));
  }
  return names;
}

std::string ValuesText(const Message& message, const FieldDescriptor* field) {
  if (!field->is_repeated()) return FieldToText(message, field);
  std::vector<std::string> values;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
    values.push_back(FieldToText(message, field, i));
  }
  return absl::StrJoin(values, " ");
}

void AddFields(const Message& message, const std::string& prefix, Table& table);

void AddEntries(const Message& message, const FieldDescriptor* field, const std::string& path,
                Table& table) {
  const auto* reflection = message.GetReflection();
  for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
    const Message& entry = reflection->GetRepeatedMessage(message, field, i);
    table.AddRow({absl::StrCat(path, ".", FieldToText(entry, entry.GetDescriptor()->map_key())),
                  FieldToText(entry, entry.GetDescriptor()->map_value())});
  }
}

void AddFields(const Message& message, const std::string& prefix, Table& table) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string path = absl::StrCat(prefix, field->name());
    if (field->is_map()) {
      AddEntries(message, field, path, table);
    } else if (IsTextField(field)) {
      table.AddRow({path, ValuesText(message, field)});
    } else {
      AddFields(message.GetReflection()->GetMessage(message, field), path + ".", table);
    }
  }
}

}  // namespace

Document ManifestDocument(const Manifest& manifest) {
  return {manifest, [&manifest](bool wide) { return ManifestTable(manifest, wide); },
          Names(manifest)};
}

Table FieldsTable(const Message& message) {
  Table table;
  AddFields(message, "", table);
  return table;
}

Policy NumbersOf(const v1::Policy& policy) {
  std::vector<FieldError> errors;  // A server's policies are in range.
  return FromProto(policy, errors);
}

std::string BudgetText(const v1::RetryBudgetStatus& budget) {
  const std::string whose = budget.name().empty() ? "its own" : "shared " + budget.name();
  const std::string of =
      budget.capacity_millis() > 0 ? absl::StrCat(" of ", CapacityText(budget)) : "";
  return absl::StrCat(whose, ": ", RetriesText(budget.balance_millis()), of, " retries left, ",
                      budget.spent(), " spent, ", budget.refused(), " refused");
}

}  // namespace fusebox::cli
