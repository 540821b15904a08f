// Tests of the core without Python, at every SIMD level. Arrays are exactly as long as they have to be, so that the
// sanitizers see every step outside.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <vector>

#include "../core/threads.hpp"
#include "check.hpp"
#include "deliveries.hpp"
#include "liquid.hpp"
#include "networks.hpp"
#include "numbers.hpp"
#include "reservoirs/gram.hpp"
#include "reservoirs/random.hpp"
#include "reservoirs/simd.hpp"
#include "reservoirs/tridiagonal.hpp"
#include "rules.hpp"
#include "streams.hpp"
#include "table.hpp"
#include "transforms.hpp"

using namespace reservoirs;
using std::int64_t;

namespace {

// All of a team part after the same step: soon where they lose time, never where they gain some.
void test_meetings() {
    using namespace std::chrono_literals;
    constexpr int64_t kMost = 1000;
    for (const bool loses : {false, true}) {
        std::array<int64_t, 2> n_steps{};
        Meeting meeting(2, loses ? 0s : 1s);
        in_team(std::min(2, n_processors()), [&](int thread, int n_threads) {
            int64_t& n = n_steps[at(thread)];
            bool together = true;
            while (together && (loses || n < kMost)) {
                together = meeting.wait(thread, n_threads);
                ++n;
            }
            if (!together && thread > 0) meeting.sleep();
            if (thread == 0) meeting.end();
            if (n_threads == 1) n_steps[1] = n_steps[0];
        });
        CHECK(n_steps[0] == n_steps[1]);
        CHECK(loses ? n_steps[0] > 1 : n_steps[0] == kMost);
    }
}

template <class T>
void test_sums_of_products() {
    Numbers numbers{7};
    for (const auto& [n, p, m] :
         {std::array<int64_t, 3>{1, 1, 0}, {3, 23, 2}, {300, 50, 30}, {257, 200, 1}, {520, 480, 5}}) {
        const auto x = numbers.take<T>(n * p);
        const auto shift = numbers.take<double>(p), z = numbers.take<double>(n * m);
        std::vector<double> gram(at(p * p)), products(at(p * m)), naive_gram(gram), naive_products(products);
        add_products<T>({n, p, m, x.data(), shift.data(), z.data()}, gram.data(), products.data(), 2);
        const auto shifted = [&, p = p](int64_t t, int64_t i) {
            return static_cast<double>(x[at(t * p + i)]) - shift[at(i)];
        };
        for (int64_t t = 0; t < n; ++t) {
            for (int64_t j = 0; j < p; ++j) {
                for (int64_t i = j; i < p; ++i) naive_gram[at(j * p + i)] += shifted(t, i) * shifted(t, j);
                for (int64_t o = 0; o < m; ++o) naive_products[at(j * m + o)] += shifted(t, j) * z[at(t * m + o)];
            }
        }
        for (std::size_t i = 0; i < gram.size(); ++i) CHECK(std::abs(gram[i] - naive_gram[i]) < 1e-12 * double(n));
        for (std::size_t i = 0; i < products.size(); ++i) {
            CHECK(std::abs(products[i] - naive_products[i]) < 1e-12 * double(n));
        }
        double squares = 0;
        for (const T value : x) squares += static_cast<double>(value) * static_cast<double>(value);
        CHECK(std::abs(sum_of_squares(x.data(), n * p, 2) - squares) < 1e-12 * squares);
    }
}

// The second difference, whose eigenvalues are known, at scales from end to end of the range.
void test_tridiagonal() {
    const double pi = std::acos(-1.0);
    for (const int64_t n : {1, 2, 7, 40}) {
        for (const double scale : {1.0, 1e-310, 1e305}) {
            std::vector<double> values(at(n), 2 * scale), beside(at(n - 1), -scale), vectors(at(3 * n), 0.0);
            for (int64_t i = 0; i < n; ++i) vectors[at(3 * i + i % 3)] = 1;
            CHECK(tridiagonal_spectrum(n, values.data(), beside.data(), 3, vectors.data()));
            double length = 0;
            for (const double x : vectors) length += x * x;
            CHECK(std::abs(length - static_cast<double>(n)) < 1e-12);
            std::sort(values.begin(), values.end());
            for (int64_t i = 0; i < n; ++i) {
                const double x = 2 - 2 * std::cos(pi * static_cast<double>(i + 1) / static_cast<double>(n + 1));
                CHECK(std::abs(values[at(i)] - x * scale) <= 1e-12 * scale);
            }
        }
    }
    double values[2] = {std::nan(""), 1}, beside[1] = {1};
    CHECK(!tridiagonal_spectrum(2, values, beside, 0, nullptr));
}

template <class T>
void test_functions() {
    const T inf = std::numeric_limits<T>::infinity();
    for (int64_t n = 0; n < 40; ++n) {
        std::vector<T> x, tanh(at(n)), exp(at(n)), logistic(at(n));
        for (int64_t i = 0; i < n; ++i) x.push_back(i == 7 ? inf : i == 8 ? -inf : static_cast<T>(i - 20) / 3);
        kernels<T>().activate[static_cast<int>(Activation::tanh)](x.data(), n, tanh.data());
        kernels<T>().exp(x.data(), n, exp.data());
        kernels<T>().activate[static_cast<int>(Activation::logistic)](x.data(), n, logistic.data());
        const auto near = [](T a, T b) {
            return a == b || std::fabs(a / b - 1) < 8 * std::numeric_limits<T>::epsilon();
        };
        for (std::size_t i = 0; i < x.size(); ++i) {
            CHECK(near(tanh[i], std::tanh(x[i])));
            CHECK(near(exp[i], std::exp(x[i])));
            CHECK(near(logistic[i], 1 / (1 + std::exp(-x[i]))));
        }
    }
}

void test_random() {
    using Words = std::array<std::uint32_t, 4>;
    const std::uint32_t ones = 0xffffffff;
    CHECK(philox({0, 0, 0, 0}, {0, 0}) == (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    CHECK(philox({ones, ones, ones, ones}, {ones, ones}) == (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
    CHECK(normal_quantile(0.5) == 0);
    CHECK(std::fabs(normal_quantile(0.975) - 1.9599639845400542) < 1e-14);
    CHECK(std::fabs(normal_quantile(1e-300) + 37.0471) < 1e-4);
}

template <class T>
void test_type() {
    test_functions<T>();
    test_sums_of_products<T>();
}

}  // namespace

int main() {
    test_random();
    test_tridiagonal();
    test_meetings();
    CHECK_REFUSED(set_simd_level("no such level"));
    for (const SimdLevel level : available_simd_levels()) {
        set_simd_level(simd_level_name(level));
        CHECK(simd_level() == level);
        test_type<float>();
        test_type<double>();
        test_networks();
        test_transforms();
        test_deliveries();
        test_liquids();
        test_rules();
        test_streams();
        std::printf("%s: passed\n", simd_level_name(level));
    }
    test_meetings();  // the last: for a while after it no team shares steps
}
