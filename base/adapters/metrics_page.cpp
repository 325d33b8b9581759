#include "base/adapters/metrics_page.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <sstream>

namespace hasync {

std::vector<std::string> names_of(std::span<const MetricDefinition> all) {
  std::vector<std::string> out;
  for (const MetricDefinition& metric : all) out.emplace_back(metric.name);
  return out;
}

prometheus::ClientMetric& MetricsPage::add(const std::string& name, Labels labels) {
  const auto definition = std::ranges::find(all_, name, &MetricDefinition::name);
  auto family = std::ranges::find(families_, name, &prometheus::MetricFamily::name);
  if (family == families_.end())
    family = families_.insert(family, {name, definition->help, definition->type, {}});
  prometheus::ClientMetric& out = family->metric.emplace_back();
  out.label = std::move(labels);
  return out;
}

void MetricsPage::set(const std::string& name, double value, Labels labels) {
  prometheus::ClientMetric& metric = add(name, std::move(labels));
  metric.counter.value = metric.gauge.value = value;  // which of them is taken, the type says
}

std::string MetricsPage::text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_);
  return out.str();
}

}  // namespace hasync
