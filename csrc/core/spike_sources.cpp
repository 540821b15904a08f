#include "spike_sources.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "reservoirs/random.hpp"
#include "table.hpp"

namespace reservoirs {

namespace {

constexpr std::int64_t kStepsAhead = 256;

// FNV-1a (Fowler, Noll and Vo).
std::uint64_t hash_of(const double* values, std::int64_t n) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (std::int64_t i = 0; i < n; ++i) {
        unsigned char bytes[sizeof(double)];
        std::memcpy(bytes, values + i, sizeof bytes);
        for (const unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
    }
    return hash;
}

// log(1 - p), accurate for small p as well.
double log_of_complement(double p) {
    if (p >= 1) return -std::numeric_limits<double>::infinity();
    if (p > 0.01) return natural_logarithm(1 - p);
    double series = 0;
    for (int k = 10; k > 1; --k) series = (series + 1.0 / k) * p;
    return -p * (1 + series);
}

}  // namespace

void GivenSpikes::begin(const std::int32_t* steps, const std::int32_t* inputs, std::int64_t n, std::int64_t n_inputs) {
    steps_ = steps;
    inputs_ = inputs;
    n_ = n;
    seen_.assign(static_cast<std::size_t>(n_inputs), -1);
    now_.reserve(static_cast<std::size_t>(n_inputs));
    position_ = 0;
}

InputList GivenSpikes::at(std::int64_t t) {
    now_.clear();
    for (; position_ < n_ && steps_[position_] == t; ++position_) {
        const auto input = static_cast<std::uint32_t>(inputs_[position_]);
        if (seen_[input] == t) continue;
        seen_[input] = t;
        now_.push_back(input);
    }
    return {now_.data(), static_cast<std::int64_t>(now_.size())};
}

void DrawnSpikes::begin(const double* probabilities, std::int64_t n_inputs, std::uint64_t seed, std::int64_t length) {
    inputs_.clear();
    inverse_log_.clear();
    for (std::int64_t c = 0; c < n_inputs; ++c) {
        if (probabilities[c] == 0) continue;
        inputs_.push_back(static_cast<std::uint32_t>(c));
        inverse_log_.push_back(1 / log_of_complement(probabilities[c]));
    }
    const std::size_t n = inputs_.size();
    next_.assign(n, -1.0);
    n_drawn_.assign(n, 0);
    counts_.assign(n, 0);
    steps_.resize(n * kStepsAhead);
    sorted_.resize(n * kStepsAhead);
    start_.assign(kStepsAhead + 1, 0);
    seed_ = seed;
    content_ = hash_of(probabilities, n_inputs);
    length_ = length;
    first_ = -kStepsAhead;
}

InputList DrawnSpikes::at(std::int64_t t) {
    if (t >= first_ + kStepsAhead) draw_from(t);
    const auto row = static_cast<std::size_t>(t - first_);
    return {sorted_.data() + start_[row], std::int64_t{start_[row + 1]} - start_[row]};
}

void DrawnSpikes::draw_from(std::int64_t t) {
    first_ = t;
    const double end = static_cast<double>(std::min(t + kStepsAhead, length_));
    kernels<double>().draw_events({static_cast<std::int64_t>(inputs_.size()), inputs_.data(), inverse_log_.data(),
                                   next_.data(), n_drawn_.data(), seed_, content_, end, kStepsAhead, steps_.data(),
                                   counts_.data()});
    // A stable counting sort: within a step, inputs stay in ascending order. start_[s + 1] counts step s, then is where
    // step s begins, then where it ends.
    const auto each = [this, t](const auto& visit) {
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            const std::uint32_t* steps = steps_.data() + i * kStepsAhead;
            for (std::uint32_t e = 0; e < counts_[i]; ++e) visit(steps[e] - static_cast<std::size_t>(t), inputs_[i]);
        }
    };
    std::fill(start_.begin(), start_.end(), 0);
    each([this](std::size_t s, std::uint32_t) { ++start_[s + 1]; });
    std::uint32_t before = 0;
    for (std::size_t s = 1; s < start_.size(); ++s) {
        const std::uint32_t count = start_[s];
        start_[s] = before;
        before += count;
    }
    each([this](std::size_t s, std::uint32_t input) { sorted_[start_[s + 1]++] = input; });
}

void Relay::begin(std::int64_t n_inputs, int refractory) {
    refractory_ = refractory;
    // Room for all that can be due at once, so that passing on never allocates.
    due_.assign(static_cast<std::size_t>(refractory) + 2, {});
    for (std::vector<std::uint32_t>& due : due_) due.reserve(static_cast<std::size_t>(n_inputs));
    now_.reserve(static_cast<std::size_t>(n_inputs));
    pending_.assign(static_cast<std::size_t>(n_inputs), 0);
    free_from_.assign(static_cast<std::size_t>(n_inputs), 0);
}

InputList Relay::pass(std::int64_t t, InputList events) {
    std::vector<std::uint32_t>& due = due_[static_cast<std::size_t>(t) % due_.size()];
    now_.assign(due.begin(), due.end());
    due.clear();
    for (const std::uint32_t c : now_) {
        pending_[c] = 0;
        free_from_[c] = t + refractory_ + 1;
    }
    for (std::int64_t e = 0; e < events.n; ++e) {
        const std::uint32_t c = events.inputs[e];
        if (pending_[c]) continue;
        pending_[c] = 1;
        due_[static_cast<std::size_t>(std::max(t + 1, free_from_[c])) % due_.size()].push_back(c);
    }
    return {now_.data(), static_cast<std::int64_t>(now_.size())};
}

}  // namespace reservoirs
