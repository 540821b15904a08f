#include "reservoirs/liquid_memory.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace reservoirs {

namespace {

bool has(const LiquidReading& reading, LiquidFeature feature) {
    return std::find(reading.features.begin(), reading.features.end(), feature) != reading.features.end();
}

}  // namespace

template <class T>
LiquidMemory<T>::LiquidMemory(std::shared_ptr<const Liquid<T>> liquid, std::int64_t n_inputs,
                              std::int64_t steps_per_row, LiquidReading reading)
    : liquid_(std::move(liquid)),
      n_inputs_(n_inputs),
      steps_per_row_(steps_per_row),
      reading_(std::move(reading)),
      batch_(liquid_, 1, static_cast<T>(reading_.trace_decay), has(reading_, LiquidFeature::intervals), {}, {}),
      row_(static_cast<std::size_t>(steps_per_row > 0 ? n_inputs : 0)) {
    if (n_inputs < 1 || steps_per_row < 0 || (steps_per_row > 0 && n_inputs != liquid_->n_inputs())) {
        throw std::invalid_argument("the parts of the liquid's stream do not fit together");
    }
    samples_.when.push_back({0, 0});
    const auto n_units = static_cast<std::size_t>(liquid_->n_units());
    const auto buffer = [this, n_units](LiquidFeature feature, std::vector<T>& values) {
        if (has(reading_, feature)) values.resize(n_units);
        return values.empty() ? nullptr : values.data();
    };
    samples_.counts = buffer(LiquidFeature::counts, counts_);
    samples_.traces = buffer(LiquidFeature::traces, traces_);
    samples_.potentials = buffer(LiquidFeature::potentials, potentials_);
    reset();
}

template <class T>
std::unique_ptr<Memory<double>> LiquidMemory<T>::clone() const {
    auto copy = std::make_unique<LiquidMemory>(liquid_, n_inputs_, steps_per_row_, reading_);
    std::vector<double> state(static_cast<std::size_t>(n_state()));
    store(state.data());
    copy->batch_.load(0, state.data());
    return copy;
}

template <class T>
std::int64_t LiquidMemory<T>::n_features() const {
    const auto n_intervals = static_cast<std::int64_t>(has(reading_, LiquidFeature::intervals));
    return liquid_->n_units() * (static_cast<std::int64_t>(reading_.features.size()) + n_intervals);
}

template <class T>
void LiquidMemory<T>::reset() {
    const std::int64_t no_events[2] = {0, 0};
    batch_.begin_events({0}, no_events, nullptr, nullptr);
    n_shown_ = 0;
}

template <class T>
void LiquidMemory<T>::show_events(std::int64_t n_steps, std::int64_t n_events, const std::int32_t* steps,
                                  const std::int32_t* inputs) {
    const std::int64_t offsets[2] = {0, n_events};
    batch_.begin_events({n_steps}, offsets, steps, inputs, true);
    n_shown_ = n_steps;
}

template <class T>
void LiquidMemory<T>::show_rates(std::int64_t n_steps, const double* probabilities, std::uint64_t seed) {
    batch_.begin_rates({n_steps}, probabilities, seed, true);
    n_shown_ = n_steps;
}

template <class T>
void LiquidMemory<T>::step(const double* input, double* features) {
    if (n_shown_ == 0) {
        if (steps_per_row_ == 0) throw std::invalid_argument("nothing is shown");
        std::transform(input, input + n_inputs_, row_.begin(), [](double value) { return static_cast<T>(value); });
        batch_.begin_currents({1}, row_.data(), steps_per_row_, true);
        n_shown_ = steps_per_row_;
    }
    samples_.when[0].step = batch_.view(0).length - 1;
    batch_.advance(std::exchange(n_shown_, 0), samples_, 1);
    read(features);
}

template <class T>
void LiquidMemory<T>::read(double* features) const {
    const std::int64_t n = liquid_->n_units();
    for (const LiquidFeature feature : reading_.features) {
        if (feature == LiquidFeature::latency || feature == LiquidFeature::intervals) {
            const bool latency = feature == LiquidFeature::latency;
            latency ? batch_.store_latency(0, features) : batch_.store_intervals(0, features);
            double* const end = features + (latency ? n : 2 * n);
            features = std::transform(features, end, features, [](double value) { return static_cast<T>(value); });
        } else if (feature == LiquidFeature::counts && reading_.by_row) {
            features = std::copy(counts_.begin(), counts_.end(), features);
        } else if (feature == LiquidFeature::counts) {
            const std::int64_t* const counts = batch_.view(0).counts;
            const std::int64_t sum = std::accumulate(counts, counts + n, std::int64_t{0});
            const T divisor = reading_.shares ? static_cast<T>(std::max<std::int64_t>(sum, 1)) : T(1);
            features = std::transform(counts, counts + n, features,
                                      [divisor](std::int64_t count) { return static_cast<T>(count) / divisor; });
        } else {
            const std::vector<T>& values = feature == LiquidFeature::traces ? traces_ : potentials_;
            features = std::copy(values.begin(), values.end(), features);
        }
    }
}

template class LiquidMemory<float>;
template class LiquidMemory<double>;

}  // namespace reservoirs
