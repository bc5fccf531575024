#include "bench/paired.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "absl/strings/numbers.h"

namespace fusebox {
namespace {

double Median(std::vector<double> samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

Pairing PairingFromEnvironment() {
  Pairing pairing;
  const char* pairs = std::getenv("FUSEBOX_BENCH_PAIRS");
  int wanted = 0;
  if (pairs != nullptr && absl::SimpleAtoi(pairs, &wanted) && wanted > 0) pairing.pairs = wanted;
  return pairing;
}

void PrintLine(const std::string& name, const Ratio& ratio, const Ratio* control,
               const Limit& limit) {
  std::printf("%-40s %7.3f", name.c_str(), ratio.median);
  if (control != nullptr) {
    std::printf("  [%.3f, %.3f]  control %.3f [%.3f, %.3f]", ratio.low, ratio.high, control->median,
                control->low, control->high);
  }
  std::printf("  limit %s %g  %s\n", limit.kind == Limit::Kind::kAtLeast ? ">=" : "<=", limit.value,
              limit.IsMissedBy(ratio) ? "MISSED" : "ok");
  std::fflush(stdout);
}

}  // namespace

Ratio MedianWithInterval(std::vector<double> samples) {
  constexpr int kResamples = 2000;
  std::mt19937 random(42);  // Fixed: the same samples give the same interval.
  std::uniform_int_distribution<size_t> pick(0, samples.size() - 1);
  std::vector<double> medians;
  for (int i = 0; i < kResamples; ++i) {
    std::vector<double> resample;
    for (size_t j = 0; j < samples.size(); ++j) resample.push_back(samples[pick(random)]);
    medians.push_back(Median(std::move(resample)));
  }
  std::sort(medians.begin(), medians.end());
  return {.median = Median(std::move(samples)),
          .low = medians[kResamples * 25 / 1000],
          .high = medians[kResamples * 975 / 1000]};
}

Ratio MeasureRatio(const Worker& numerator, const Worker& denominator, const Pairing& pairing) {
  std::vector<double> ratios;
  for (int i = 0; i < pairing.pairs; ++i) {
    double above = 0, below = 0;
    if (i % 2 == 0) {
      above = numerator(pairing.run);
      below = denominator(pairing.run);
    } else {
      below = denominator(pairing.run);
      above = numerator(pairing.run);
    }
    ratios.push_back(above / below);
  }
  return MedianWithInterval(std::move(ratios));
}

bool Compare(const std::string& name, const Worker& numerator, const Worker& denominator,
             const Limit& limit) {
  const Pairing pairing = PairingFromEnvironment();
  const Ratio control = MeasureRatio(denominator, denominator, pairing);
  const Ratio ratio = MeasureRatio(numerator, denominator, pairing);
  PrintLine(name, ratio, &control, limit);
  return !limit.IsMissedBy(ratio);
}

bool Check(const std::string& name, double value, const Limit& limit) {
  const Ratio ratio{.median = value, .low = value, .high = value};
  PrintLine(name, ratio, nullptr, limit);
  return !limit.IsMissedBy(ratio);
}

}  // namespace fusebox
