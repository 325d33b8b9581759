// A page of figures in Prometheus' text format, by its own library.
#pragma once

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <span>
#include <string>
#include <vector>

namespace hasync {

inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

inline constexpr auto kGauge = prometheus::MetricType::Gauge;
inline constexpr auto kCounter = prometheus::MetricType::Counter;
inline constexpr auto kHistogram = prometheus::MetricType::Histogram;

struct MetricDefinition {
  const char* name;
  prometheus::MetricType type;
  const char* help;
};

std::vector<std::string> names_of(std::span<const MetricDefinition> all);

class MetricsPage {
 public:
  using Labels = std::vector<prometheus::ClientMetric::Label>;

  explicit MetricsPage(std::span<const MetricDefinition> all) : all_(all) {}
  // `name` is one of the definitions; they must outlive the page.
  prometheus::ClientMetric& add(const std::string& name, Labels labels);
  void set(const std::string& name, double value, Labels labels = {});  // a gauge or a counter
  std::string text() const;

 private:
  std::span<const MetricDefinition> all_;
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace hasync
