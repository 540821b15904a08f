#include "reservoirs/synapses.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "table.hpp"

namespace reservoirs {

namespace {

constexpr std::int32_t kLongestDelay = 65536;
constexpr int kNarrowSteps = 127;
// Longer rows, on average, deliver faster one by one: the end of a row is what costs them.
constexpr std::int64_t kShortRow = 64;

template <class T>
void check(const std::string& name, const SynapseSpec<T>& spec, std::int64_t n_units) {
    if (spec.start[0] != 0) throw std::invalid_argument(name + " start must begin with 0");
    for (std::int64_t j = 0; j < spec.n_sources; ++j) {
        if (spec.start[j + 1] < spec.start[j]) throw std::invalid_argument(name + " start must not decrease");
    }
    for (std::int64_t k = 0; k < spec.start[spec.n_sources]; ++k) {
        if (spec.targets[k] < 0 || spec.targets[k] >= n_units) {
            throw std::invalid_argument(name + " targets must be units");
        }
        if (spec.delays != nullptr && (spec.delays[k] < 1 || spec.delays[k] > kLongestDelay)) {
            throw std::invalid_argument(name + " delays must be from 1 to 65536 steps");
        }
    }
}

template <class T>
Aligned<T> copied(const T* from, std::int64_t n) {
    return from == nullptr ? Aligned<T>() : Aligned<T>(from, from + n);
}

}  // namespace

template <class T>
std::int64_t longest_delay(const SynapseSpec<T>& spec) {
    if (spec.delays == nullptr || spec.start[spec.n_sources] == 0) return 1;
    return *std::max_element(spec.delays, spec.delays + spec.start[spec.n_sources]);
}

template <class T>
Synapses<T>::Synapses(const char* name, const SynapseSpec<T>& spec, std::int64_t n_units, RingShape shape, bool narrow)
    : ring_(longest_delay(spec) > 1), start_(spec.start, spec.start + spec.n_sources + 1) {
    check<T>(name, spec, n_units);
    const auto n = static_cast<std::size_t>(size());
    const bool word = !ring_ && shape.slot_stride <= (std::int64_t{1} << 16);
    (word ? addresses16_.resize(n) : addresses32_.resize(n));
    for (std::int64_t j = 0; j < spec.n_sources; ++j) {
        const std::int64_t channel = spec.source_channel == nullptr ? 0 : spec.source_channel[j];
        if (spec.source_channel != nullptr) {
            channel_offset_.push_back(static_cast<std::uint32_t>(channel * shape.channel_stride));
        }
        for (std::int64_t k = start_[static_cast<std::size_t>(j)]; k < start_[static_cast<std::size_t>(j) + 1]; ++k) {
            const std::int64_t later = spec.delays == nullptr ? 0 : spec.delays[k] - 1;
            const std::int64_t address = later * shape.slot_stride + channel * shape.channel_stride + spec.targets[k];
            if (word) {
                addresses16_[static_cast<std::size_t>(k)] = static_cast<std::uint16_t>(address);
            } else {
                addresses32_[static_cast<std::size_t>(k)] = static_cast<std::uint32_t>(address);
            }
        }
    }
    if (narrow) {
        narrow_down(spec);
    } else {
        weights_ = copied(spec.weights, size());
    }
    utilisation_ = copied(spec.utilisation, size());
    depression_ = copied(spec.depression, size());
    facilitation_ = copied(spec.facilitation, size());
    distinct_ = is_distinct();
}

template <class T>
void Synapses<T>::narrow_down(const SynapseSpec<T>& spec) {
    narrow_.resize(static_cast<std::size_t>(size()));
    for (std::int64_t j = 0; j < n_sources(); ++j) {
        const T* begin = spec.weights + start_[static_cast<std::size_t>(j)];
        const T* end = spec.weights + start_[static_cast<std::size_t>(j) + 1];
        T largest = 0;
        for (const T* w = begin; w != end; ++w) largest = std::max(largest, std::fabs(*w));
        const T scale = largest > 0 ? largest / T(kNarrowSteps) : T(1);
        row_scale_.push_back(scale);
        std::transform(begin, end, narrow_.begin() + start_[static_cast<std::size_t>(j)], [scale](T w) {
            const T steps = std::min(std::max(std::rint(w / scale), T(-kNarrowSteps)), T(kNarrowSteps));
            return static_cast<std::int8_t>(steps);
        });
    }
}

template <class T>
int Synapses<T>::address_form() const {
    return static_cast<int>(ring_ ? AddressForm::ring : addresses32_.empty() ? AddressForm::word : AddressForm::wide);
}

template <class T>
const void* Synapses<T>::addresses() const {
    return addresses32_.empty() ? static_cast<const void*>(addresses16_.data()) : addresses32_.data();
}

template <class T>
bool Synapses<T>::is_distinct() const {
    bool distinct = true;
    with_addresses([&](const auto* addresses) {
        std::vector<std::remove_const_t<std::remove_pointer_t<decltype(addresses)>>> row;
        for (std::size_t j = 0; j + 1 < start_.size() && distinct; ++j) {
            row.assign(addresses + start_[j], addresses + start_[j + 1]);
            if (!std::is_sorted(row.begin(), row.end())) std::sort(row.begin(), row.end());
            distinct = std::adjacent_find(row.begin(), row.end()) == row.end();
        }
    });
    return distinct;
}

template <class T>
bool Synapses<T>::scatters() const {
    return distinct_ && kernels<T>().gathers;
}

template <class T>
bool Synapses<T>::scatters_deliveries() const {
    return scatters() && size() <= kShortRow * n_sources();
}

// Around the ring every address is taken modulo its size; without delays they all lie in one slot.
template <class T>
T* Synapses<T>::first_arrival(const Arrivals<T>& to) const {
    return ring_ ? to.ring : to.ring + to.base;
}

template <class T>
std::int64_t Synapses<T>::nbytes() const {
    return static_cast<std::int64_t>(start_.size() * sizeof(std::int64_t) + addresses16_.size() * 2 +
                                     addresses32_.size() * 4 + narrow_.size() + row_scale_.size() * sizeof(T) +
                                     (weights_.size() + 3 * utilisation_.size()) * sizeof(T));
}

template <class T>
void Synapses<T>::deliver(const std::uint32_t* sources, std::int64_t n, T* factors, bool scaled,
                          const Arrivals<T>& to) const {
    WeightForm weights = scaled ? WeightForm::scaled : WeightForm::plain;
    const void* values = weights_.data();
    if (!narrow_.empty()) {
        weights = WeightForm::narrow;
        values = narrow_.data();
        for (std::int64_t s = 0; s < n; ++s)
            factors[s] = scaled ? factors[s] * row_scale_[sources[s]] : row_scale_[sources[s]];
    }
    kernels<T>().deliver[scatters_deliveries()][address_form()][static_cast<int>(weights)](
        {start_.data(), addresses(), values, sources, n, factors, first_arrival(to), to.base, to.mask});
}

template <class T>
void Synapses<T>::deliver(const Spiking<T>& spikes, const T* weights, const Arrivals<T>& to) const {
    const WeightForm form = spikes.factors == nullptr ? WeightForm::plain : WeightForm::scaled;
    kernels<T>().deliver[scatters_deliveries()][address_form()][static_cast<int>(form)](
        {start_.data(), addresses(), weights, spikes.sources, spikes.n, spikes.factors, first_arrival(to), to.base,
         to.mask});
}

template <class T>
void Synapses<T>::deliver_dynamic(std::uint32_t source, std::int64_t interval, T* u, T* r,
                                  const Arrivals<T>& to) const {
    kernels<T>().deliver_dynamic[address_form()]({start_[source], start_[source + 1], addresses(), weights_.data(),
                                                  utilisation_.data(), depression_.data(), facilitation_.data(), u, r,
                                                  static_cast<T>(interval), first_arrival(to), to.base, to.mask});
}

template std::int64_t longest_delay(const SynapseSpec<float>&);
template std::int64_t longest_delay(const SynapseSpec<double>&);
template class Synapses<float>;
template class Synapses<double>;

}  // namespace reservoirs
