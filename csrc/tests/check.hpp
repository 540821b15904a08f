// The little that these tests need of a test library.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

// Stops at the first failure: a sanitizer's report, if any, then stands right above.
#define CHECK(condition)                                                                 \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                                \
        }                                                                                \
    } while (false)

#define CHECK_REFUSED(expression)                  \
    do {                                           \
        bool refused = false;                      \
        try {                                      \
            static_cast<void>(expression);         \
        } catch (const std::invalid_argument&) {   \
            refused = true;                        \
        }                                          \
        CHECK(refused && "invalid: " #expression); \
    } while (false)

// Bit for bit, so that a NaN equals itself and -0 differs from 0.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}
