// Networks whose weights are a transform: against their definition, and on threads that share a step.

#include "transforms.hpp"

#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <vector>

#include "check.hpp"
#include "numbers.hpp"
#include "reservoirs/network.hpp"
#include "table.hpp"

using namespace reservoirs;
using std::int64_t;

namespace {

// What a unit hears of another's state 1 where weights are a transform, by its definition.
template <class T>
double hadamard_weight(const std::vector<T>& factors, int64_t i, int64_t j) {
    int64_t common = i & j;
    double sign = 1;
    for (; common != 0; common &= common - 1) sign = -sign;
    return sign * static_cast<double>(factors[at(j)]);
}

template <class T>
double circulant_weight(const std::vector<T>& spectra, int64_t n_units, int64_t n_points, int64_t i, int64_t j) {
    const int64_t group = 2 * n_points * kBlockRows, n_whole = n_units / group;
    const int64_t heard = i >= group ? i / group - 1 : std::max<int64_t>(n_whole - 1, 0);
    const bool closes = i < group && n_whole > 0;
    if (j / group != heard || j % kBlockRows != (i + (closes ? 1 : 0)) % kBlockRows) return 0;
    const int64_t lag = i % group / (2 * kBlockRows) - j % group / (2 * kBlockRows);
    std::complex<double> weight = 0;
    for (int64_t frequency = 0; frequency < n_points; ++frequency) {
        const int64_t place = i / group * group + frequency * 2 * kBlockRows + i % kBlockRows;
        const double angle = 2 * std::acos(-1.0) * static_cast<double>(lag * frequency) / static_cast<double>(n_points);
        const std::complex<double> eigenvalue(spectra[at(place)], spectra[at(place + kBlockRows)]);
        weight += eigenvalue * std::polar(1 / static_cast<double>(n_points), angle);
    }
    const bool hears_imaginary = i / kBlockRows % 2 != 0;
    if (j / kBlockRows % 2 != 0) return hears_imaginary ? weight.real() : -weight.imag();
    return hears_imaginary ? weight.imag() : weight.real();
}

// Steps of units that only sum; the last long enough, and large enough, for two processors to share them.
template <class T, class Weight>
void test_transform(int64_t n_units, const MatrixSpec<T>& weights, const Weight& weight, Numbers& numbers) {
    const std::vector<T> zeros(at(n_units), T(0)), ones(at(n_units), T(1));
    NetworkSpec<T> spec{{n_units}, 0, weights, {}, nullptr, zeros.data(), ones.data(), zeros.data(), {}};
    spec.activation = Activation::identity;
    const std::vector<T> before = numbers.take<T>(n_units);
    std::vector<T> after = before;
    Harvest<T> job;
    job.stretches = {{0, 1, 1, 0}};
    job.states = after.data();
    Network<T>(spec).harvest(job);
    for (int64_t i = 0; i < n_units; i += 1 + n_units / 50) {
        // A weight is the difference of larger numbers on the way, of about 1.
        double expected = 0, size = 1;
        for (int64_t j = 0; j < n_units; ++j) {
            expected += weight(i, j) * static_cast<double>(before[at(j)]);
            size += std::abs(weight(i, j));
        }
        CHECK(std::abs(static_cast<double>(after[at(i)]) - expected) <=
              64 * static_cast<double>(std::numeric_limits<T>::epsilon()) * size);
    }
    spec.activation = Activation::tanh;
    const Network<T> network(spec);
    std::vector<T> alone = before, together = before;
    job.stretches = {{0, 300, 300, 0}};
    job.states = alone.data();
    network.harvest(job);
    job.states = together.data();
    job.n_threads = 3;
    network.harvest(job);
    CHECK(same_bits(together, alone));
}

template <class T>
void test_type() {
    Numbers numbers{7};
    for (const int64_t n_units : {1, 20, 33, 64, 700, 2100}) {
        const std::vector<T> factors = numbers.take<T>(n_units);
        MatrixSpec<T> weights;
        weights.factors = factors.data();
        test_transform(n_units, weights, [&](int64_t i, int64_t j) { return hadamard_weight(factors, i, j); }, numbers);
        for (const int64_t n_points : {1, 2, 4, 8, 16}) {
            const int64_t group = 2 * n_points * kBlockRows;
            const std::vector<T> spectra = numbers.take<T>((n_units + group - 1) / group * group);
            MatrixSpec<T> circulant;
            circulant.spectra = spectra.data();
            circulant.n_points = n_points;
            test_transform(
                n_units, circulant,
                [&](int64_t i, int64_t j) { return circulant_weight(spectra, n_units, n_points, i, j); }, numbers);
        }
    }
}

}  // namespace

void test_transforms() {
    test_type<float>();
    test_type<double>();
}
