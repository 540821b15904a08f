// Numbers that tests are made of, and what they come to.
#pragma once

#include <cstdint>
#include <vector>

// Numbers in [-1, 1), as arbitrary as the tests need.
struct Numbers {
    std::uint32_t state;
    double next() {
        state = state * 1664525u + 1013904223u;
        return (state >> 8) / 8388608.0 - 1;
    }
    template <class T>
    std::vector<T> take(std::int64_t n) {
        std::vector<T> values(static_cast<std::size_t>(n));
        for (T& value : values) value = static_cast<T>(next());
        return values;
    }
};

inline std::size_t at(std::int64_t i) {
    return static_cast<std::size_t>(i);
}

template <class T>
std::uint64_t hash_of(const std::vector<T>& values) {
    std::uint64_t hash = 14695981039346656037u;  // FNV-1a
    const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
    for (std::size_t i = 0; i < values.size() * sizeof(T); ++i) hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}
