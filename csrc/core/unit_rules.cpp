#include "reservoirs/unit_rules.hpp"

#include <algorithm>

#include "table.hpp"

namespace reservoirs {

namespace {

using Index = std::size_t;

// How a rule is written: receive(i) is what unit i receives given the sums of the parts, answer(i, f) what it makes of
// the activation, learn(i, answer) the change after it.
struct Intrinsic : IntrinsicPlasticity {
    const double* sum = nullptr;
    bool is_tanh = true;
    double inverse = 0;  // 1 / std^2, or 1 / mean
    double eta = 0;

    Intrinsic(const IntrinsicPlasticity& rule, const UnitRun& run, const std::vector<Aligned<double>>& sums)
        : IntrinsicPlasticity(rule), sum(sums[0].data()), is_tanh(run.activation == Activation::tanh) {
        inverse = is_tanh ? 1 / (rule.std * rule.std) : 1 / rule.mean;
    }
    void begin_step(std::int64_t t) { eta = rate.rate - static_cast<double>(t) * rate.fall; }
    double receive(Index i) const { return gain[i] * sum[i] + bias[i]; }
    double answer(Index, double y) const { return y; }
    void learn(Index i, double y) {
        const double change = is_tanh ? eta * ((mean - y * ((2 * std * std + 1) - y * y + mean * y)) * inverse)
                                      : eta * ((1 - (2 + inverse) * y) + (y * y) * inverse);
        bias[i] = bias[i] + change;
        gain[i] = std::max(gain[i] + (eta / gain[i] + change * sum[i]), least_gain);
    }
};

struct Divisive : DivisiveGain {
    const double* sum = nullptr;
    double inverse = 0;
    double eta = 0;

    Divisive(const DivisiveGain& rule, const UnitRun&, const std::vector<Aligned<double>>& sums)
        : DivisiveGain(rule), sum(sums[0].data()), inverse(1 / (rule.std * rule.std)) {}
    void begin_step(std::int64_t t) { eta = rate.rate - static_cast<double>(t) * rate.fall; }
    double receive(Index i) const { return sum[i] / (1 + division[i]) + bias[i]; }
    double answer(Index, double y) const { return y; }
    void learn(Index i, double) {
        const double response = sum[i] / (1 + division[i]);
        division[i] = std::max(division[i] + eta * ((response * response) * inverse - 1), least_division);
    }
};

struct Scales : MultiScale {
    const double* excited = nullptr;
    const double* inhibited = nullptr;
    const double* driven = nullptr;
    Index n = 0;

    Scales(const MultiScale& rule, const UnitRun&, const std::vector<Aligned<double>>& sums)
        : MultiScale(rule),
          excited(sums[0].data()),
          inhibited(sums[1].data()),
          driven(sums[2].data()),
          n(sums[0].size()) {}
    void begin_step(std::int64_t) {}
    double receive(Index i) const {
        return ((excitation[i] * excited[i] + inhibition[i] * inhibited[i]) + driven[i]) + bias[i];
    }
    double answer(Index i, double y) const {
        const double excess = averages[i] - 0.5 * (1 + target_rate[i]);
        return y / (1 + brake * std::max(excess, 0.0));
    }
    void learn(Index i, double x) {
        for (Index k = 0; k < 4; ++k) {
            double& average = averages[k * n + i];
            average = average + smoothing[k] * (x - average);
        }
        const auto above = [&](Index k) { return averages[k * n + i] - target_rate[i]; };
        bias[i] = bias[i] - rate[1] * above(1);
        const double more_inhibition = inhibition[i] + rate[2] * above(2) / inhibition_scale[i];
        inhibition[i] = std::max(more_inhibition, 0.0);
        if (target_variance == nullptr) {
            excitation[i] = excitation[i] * std::max(1 - rate[3] * above(3) / excitation_scale[i], 0.5);
            return;
        }
        const double deviation = x - averages[n + i];
        variance[i] = variance[i] + smoothing[2] * (deviation * deviation - variance[i]);
        const double factor = 1 + rate[3] * std::max(1 - variance[i] / target_variance[i], -1.0);
        excitation[i] = excitation[i] * factor;
        inhibition[i] = inhibition[i] * factor;
    }
};

template <class Rule, class Parameters>
void run_units(const UnitRun& run, const Parameters& parameters) {
    const std::int64_t n_units = run.parts[0]->n_units();
    std::vector<Network<double>::Workspace> workspaces;
    for (const Network<double>* part : run.parts) workspaces.push_back(part->make_workspace());
    std::vector<Aligned<double>> sums(run.parts.size(), Aligned<double>(static_cast<Index>(n_units)));
    Rule rule(parameters, run, sums);
    Aligned<double> received(static_cast<Index>(n_units)), activated(static_cast<Index>(n_units));
    const Kernels<double>& k = kernels<double>();
    const auto activate = k.activate[static_cast<int>(run.activation)];
    for (std::int64_t t = 0; t < run.n_steps; ++t) {
        for (Index p = 0; p < run.parts.size(); ++p) {
            const Network<double>& part = *run.parts[p];
            part.load_state(run.state, workspaces[p]);
            part.step(run.inputs + t * part.n_inputs(), workspaces[p]);
            part.store_state(workspaces[p], sums[p].data());
        }
        rule.begin_step(t);
        for (Index i = 0; i < received.size(); ++i) received[i] = rule.receive(i);
        activate(received.data(), n_units, activated.data());
        for (Index i = 0; i < received.size(); ++i) {
            const double answer = rule.answer(i, activated[i]);
            run.state[i] = (1 - run.leak[i]) * run.state[i] + run.leak[i] * answer;
            rule.learn(i, answer);
        }
    }
}

}  // namespace

void run_rule(const UnitRun& run, const IntrinsicPlasticity& rule) {
    run_units<Intrinsic>(run, rule);
}

void run_rule(const UnitRun& run, const DivisiveGain& rule) {
    run_units<Divisive>(run, rule);
}

void run_rule(const UnitRun& run, const MultiScale& rule) {
    run_units<Scales>(run, rule);
}

}  // namespace reservoirs
