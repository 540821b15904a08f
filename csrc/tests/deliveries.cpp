// Deliveries with gathers and scatters: the same bits as one by one, and only where no place is reached twice.

#include "deliveries.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "check.hpp"
#include "numbers.hpp"
#include "reservoirs/synapses.hpp"
#include "table.hpp"

using namespace reservoirs;
using std::int64_t;

namespace {

constexpr int64_t kUnits = 64;
constexpr int64_t kRing = 256;    // four slots of units
constexpr int64_t kOffsets = 4;   // of targets, by source
constexpr int64_t kRowEnds = 40;  // rows of 0 to 39 synapses

// Rows that reach every place at most once, and units from kOffsets on.
template <class Address>
std::vector<Address> distinct_rows(int64_t n_places, const std::vector<int64_t>& start, Numbers& numbers) {
    std::vector<Address> places, rows;
    for (int64_t place = 0; place < n_places; ++place) {
        if (place % kUnits >= kOffsets) places.push_back(static_cast<Address>(place));
    }
    for (std::size_t j = 0; j + 1 < start.size(); ++j) {
        for (std::size_t i = places.size() - 1; i > 0; --i) {
            std::swap(places[i],
                      places[static_cast<std::size_t>((numbers.next() + 1) / 2 * static_cast<double>(i + 1))]);
        }
        rows.insert(rows.end(), places.begin(), places.begin() + (start[j + 1] - start[j]));
    }
    return rows;
}

template <class T, AddressForm form>
void test_ways() {
    using Address = std::conditional_t<form == AddressForm::word, std::uint16_t, std::uint32_t>;
    constexpr auto a = static_cast<std::size_t>(form);
    Numbers numbers{static_cast<std::uint32_t>(a)};
    std::vector<int64_t> start{0};
    std::vector<std::uint32_t> sources, offsets;
    for (int64_t j = 0; j < kRowEnds; ++j) {
        start.push_back(start.back() + j);
        sources.push_back(static_cast<std::uint32_t>(j * 7 % kRowEnds));
        offsets.push_back(static_cast<std::uint32_t>(j % kOffsets));
    }
    const int64_t n = start.back(), n_places = form == AddressForm::ring ? kRing : kUnits;
    const std::vector<Address> addresses = distinct_rows<Address>(n_places, start, numbers);
    const std::vector<T> weights = numbers.take<T>(n), before = numbers.take<T>(n_places);
    const std::vector<T> scales = numbers.take<T>(kRowEnds), traces = numbers.take<T>(kRowEnds);
    std::vector<std::int8_t> narrow;
    for (int64_t k = 0; k < n; ++k) narrow.push_back(static_cast<std::int8_t>(127 * numbers.next()));
    std::vector<T> target_traces = numbers.take<T>(kUnits);
    target_traces[kOffsets] = T(-0.0);
    const std::vector<T> gains = numbers.take<T>(kUnits), rates = numbers.take<T>(kUnits);
    const Kernels<T>& k = kernels<T>();
    const std::uint32_t base = kUnits, mask = kRing - 1;

    const void* const stored[] = {weights.data(), weights.data(), narrow.data()};
    for (std::size_t form_of_weights = 0; form_of_weights < kWeightForms; ++form_of_weights) {
        std::vector<T> arrived[2] = {before, before};
        for (const std::size_t way : {0u, 1u}) {
            k.deliver[way][a][form_of_weights]({start.data(), addresses.data(), stored[form_of_weights], sources.data(),
                                                kRowEnds, scales.data(), arrived[way].data(), base, mask});
        }
        CHECK(arrived[0] != before);
        CHECK(same_bits(arrived[0], arrived[1]));
    }
    for (const bool scaled : {false, true}) {
        const bool alike = !scaled;
        std::vector<T> arrived[2] = {before, before}, learned[2] = {weights, weights};
        for (const std::size_t way : {0u, 1u}) {
            k.plastic_rows[way][a]({start.data(), addresses.data(), learned[way].data(), sources.data(), kRowEnds,
                                    scaled ? scales.data() : nullptr, scaled ? offsets.data() : nullptr, traces.data(),
                                    target_traces.data(), gains.data(), rates.data(), alike, kUnits - 1, T(-0.5),
                                    T(0.75), arrived[way].data(), base, mask});
        }
        CHECK(learned[0] != weights);
        CHECK(same_bits(arrived[0], arrived[1]));
        CHECK(same_bits(learned[0], learned[1]));
    }
}

// Synapses of two sources, the second of which may reach a unit twice.
template <class T>
Synapses<T> two_sources(const std::vector<std::int32_t>& targets, const std::vector<std::int32_t>& delays) {
    const std::vector<int64_t> start{0, 2, 5};
    const std::vector<T> weights(5, T(1));
    SynapseSpec<T> spec;
    spec.n_sources = 2;
    spec.start = start.data();
    spec.targets = targets.data();
    spec.weights = weights.data();
    spec.delays = delays.empty() ? nullptr : delays.data();
    return Synapses<T>("these", spec, kUnits, {kUnits, kUnits}, false);
}

template <class T>
void test_who_scatters() {
    const bool can = kernels<T>().gathers;
    CHECK(two_sources<T>({3, 1, 5, 3, 1}, {}).scatters() == can);
    CHECK(!two_sources<T>({3, 1, 5, 3, 5}, {}).scatters());
    CHECK(!two_sources<T>({3, 3, 5, 3, 1}, {}).scatters());
    CHECK(two_sources<T>({3, 1, 5, 3, 5}, {1, 1, 1, 1, 2}).scatters() == can);
    CHECK(!two_sources<T>({3, 1, 5, 3, 5}, {1, 1, 2, 1, 2}).scatters());
}

template <class T>
void test_type() {
    test_ways<T, AddressForm::word>();
    test_ways<T, AddressForm::wide>();
    test_ways<T, AddressForm::ring>();
    test_who_scatters<T>();
}

}  // namespace

void test_deliveries() {
    test_type<float>();
    test_type<double>();
}
