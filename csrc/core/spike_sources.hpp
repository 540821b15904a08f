// Where the spikes of a liquid's inputs come from: lists, or rates from which they are drawn; and the neurons that may
// stand between them and the liquid.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace reservoirs {

// Some inputs, each at most once.
struct InputList {
    const std::uint32_t* inputs;
    std::int64_t n;
};

// Lists in the order of their steps.
class GivenSpikes {
public:
    // The lists must outlive their use.
    void begin(const std::int32_t* steps, const std::int32_t* inputs, std::int64_t n, std::int64_t n_inputs);

    // Steps must be asked for in order, without a gap.
    InputList at(std::int64_t t);

private:
    const std::int32_t* steps_ = nullptr;
    const std::int32_t* inputs_ = nullptr;
    std::int64_t n_ = 0;
    std::int64_t position_ = 0;
    std::vector<std::int64_t> seen_;
    std::vector<std::uint32_t> now_;
};

// Bernoulli spikes of constant probability: a function of the seed, all the probabilities, the input and the step.
class DrawnSpikes {
public:
    void begin(const double* probabilities, std::int64_t n_inputs, std::uint64_t seed, std::int64_t length);

    InputList at(std::int64_t t);

private:
    void draw_from(std::int64_t t);

    std::vector<std::uint32_t> inputs_;  // those that ever spike
    std::vector<double> inverse_log_;
    std::vector<double> next_;
    std::vector<std::uint32_t> n_drawn_;
    std::uint64_t seed_ = 0;
    std::uint64_t content_ = 0;
    std::int64_t length_ = 0;
    // The steps that are drawn ahead: by input, and sorted by step.
    std::int64_t first_ = 0;
    std::vector<std::uint32_t> counts_;
    std::vector<std::uint32_t> steps_;
    std::vector<std::uint32_t> start_;
    std::vector<std::uint32_t> sorted_;
};

// Neurons that one event fires a step later. While one is blocked after a spike it holds an event back; more are lost.
class Relay {
public:
    void begin(std::int64_t n_inputs, int refractory);

    // Takes the events of step t and gives the spikes of step t.
    InputList pass(std::int64_t t, InputList events);

    // Calls visit(values, n, least, most) for arrays of integers that say what is waiting, and takes over what they are
    // then.
    template <class Visit>
    void visit_state(std::int64_t last_step, const Visit& visit) {
        const auto n = static_cast<std::int64_t>(pending_.size());
        std::vector<std::int32_t> due(pending_.size(), 0), rank(pending_.size(), 0);
        for (std::size_t d = 0; d < due_.size(); ++d) {
            for (std::size_t r = 0; r < due_[d].size(); ++r) {
                due[due_[d][r]] = static_cast<std::int32_t>(d + 1);
                rank[due_[d][r]] = static_cast<std::int32_t>(r);
            }
        }
        visit(due.data(), n, 0.0, static_cast<double>(due_.size()));
        visit(rank.data(), n, 0.0, static_cast<double>(n));
        visit(free_from_.data(), n, 0.0, static_cast<double>(last_step + refractory_ + 1));
        std::vector<std::uint32_t> order(pending_.size());
        std::iota(order.begin(), order.end(), 0u);
        std::stable_sort(order.begin(), order.end(),
                         [&rank](std::uint32_t a, std::uint32_t b) { return rank[a] < rank[b]; });
        for (std::vector<std::uint32_t>& inputs : due_) inputs.clear();
        for (const std::uint32_t c : order) {
            pending_[c] = due[c] > 0;
            if (pending_[c]) due_[static_cast<std::size_t>(due[c] - 1)].push_back(c);
        }
    }

private:
    int refractory_ = 0;
    std::vector<std::uint32_t> now_;
    std::vector<std::vector<std::uint32_t>> due_;  // by step, modulo its size
    std::vector<char> pending_;
    std::vector<std::int64_t> free_from_;
};

}  // namespace reservoirs
