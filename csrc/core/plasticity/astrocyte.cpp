#include "reservoirs/astrocyte.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "table.hpp"

namespace reservoirs {

namespace {

constexpr double kMsPerSecond = 1000;

double clipped(double x, double lowest, double highest) {
    return std::min(std::max(lowest, x), highest);  // NaN becomes the lowest
}

double natural_log(double x) {
    double y;
    kernels<double>().log(&x, 1, &y);
    return y;
}

}  // namespace

std::array<double, 3> LiRinzel::slope(const std::array<double, 3>& state) const {
    const auto [ip3, ca, h] = state;
    const double above = (ca_tot - ca) / ratio_er - ca;  // Ca of the ER over that of the cell
    const double m = ip3 / (ip3 + kd_ip3_1);
    const double n = ca / (ca + kd_act);
    const double open = m * n * h;
    const double channel = ratio_er * rate_ip3r * open * open * open * above;
    const double leak = ratio_er * rate_leak * above;
    const double pump = rate_serca * ca * ca / (km_serca * km_serca + ca * ca);
    const double closed = k_ip3r * kd_inh * (ip3 + kd_ip3_1) / (ip3 + kd_ip3_2);
    return {(ip3_0 - ip3) / tau_ip3, channel - pump + leak, closed * (1 - h) - k_ip3r * ca * h};
}

void LiRinzel::limit(std::array<double, 3>& state) const {
    constexpr double kMostIp3 = 1e6;
    state[0] = clipped(state[0], 0, kMostIp3);
    state[1] = clipped(state[1], 0, ca_tot * (1 + ratio_er));
    state[2] = clipped(state[2], 0, 1);
}

std::array<double, 5> GChI::slope(const std::array<double, 5>& state) const {
    const auto [g, i, c, h, y] = state;
    const auto hill = [](double x, double half) { return x * x / (x * x + half * half); };
    const auto hill4 = [](double x, double half) {
        const double x4 = x * x * x * x;
        return x4 / (x4 + half * half * half * half);
    };
    const double open = i / (i + d_1) * (c / (c + d_5)) * h;
    const double dg = o_n * y * (1 - g) - omega_n * (1 + zeta * c / (c + k_kc)) * g;
    const double di = o_beta * g + o_delta / (1 + i / kappa) * hill(c, k_delta) -
                      o_3k * hill4(c, k_d) * (i / (i + k_3)) - omega_5p * i;
    const double dc = (omega_c * open * open * open + omega_l) * (c_t - (1 + rho) * c) - o_p * hill(c, k_p);
    const double dh = o_2 * (d_2 * (i + d_1) / (i + d_3) * (1 - h) - c * h);
    return {dg / kMsPerSecond, di / kMsPerSecond, dc / kMsPerSecond, dh / kMsPerSecond, -omega_glu * y / kMsPerSecond};
}

void GChI::limit(std::array<double, 5>& state) const {
    constexpr double kMost = 1e6;
    state[0] = clipped(state[0], 0, 1);
    state[1] = clipped(state[1], 0, kMost);
    state[2] = clipped(state[2], 0, c_t);
    state[3] = clipped(state[3], 0, 1);
    state[4] = clipped(state[4], 0, kMost);
}

template <class Equations>
void Cell<Equations>::run(double milliseconds) {
    using State = decltype(Equations::initial);
    const double n = std::ceil(milliseconds / Equations::kLongestStep);
    const double dt = milliseconds / n;
    const auto after = [this](const State& slope, double time) {
        State state = state_;
        for (std::size_t k = 0; k < state.size(); ++k) state[k] += time * slope[k];
        return state;
    };
    for (double step = 0; step < n; ++step) {
        const State a = equations_.slope(state_);
        const State b = equations_.slope(after(a, dt / 2));
        const State c = equations_.slope(after(b, dt / 2));
        const State d = equations_.slope(after(c, dt));
        for (std::size_t k = 0; k < state_.size(); ++k) state_[k] += dt / 6 * (a[k] + 2 * b[k] + 2 * c[k] + d[k]);
        equations_.limit(state_);
    }
}

void Cells::check(const Spec& spec, std::int64_t n_units) {
    const auto fits = [n_units](const auto& values) {
        return values.empty() || static_cast<std::int64_t>(values.size()) == n_units;
    };
    const bool in_regions =
        std::all_of(spec.region.begin(), spec.region.end(), [&spec](std::uint32_t r) { return r < spec.n_regions; });
    if (!spec.model || spec.n_regions < 1 || !fits(spec.senses) || !fits(spec.region) || !in_regions) {
        throw std::invalid_argument("astrocytes need a model, and regions and senses for each unit");
    }
}

void Cells::begin() {
    cells_.clear();
    for (std::size_t cell = 0; cell < size(); ++cell) cells_.push_back(spec_.model->copy());
    history_.clear();
}

void Cells::step(const Step& spikes) {
    std::fill(n_spikes_.begin(), n_spikes_.end(), 0.0);
    for (const std::uint32_t i : spikes.units) {
        if (spec_.senses.empty() || spec_.senses[i]) n_spikes_[of(i)] += 1;
    }
    for (std::size_t cell = 0; cell < size(); ++cell) {
        if (n_spikes_[cell] > 0) cells_[cell]->stimulate(spec_.gain * n_spikes_[cell]);
        cells_[cell]->run(spec_.milliseconds);
        history_.push_back(cells_[cell]->calcium());
    }
}

namespace {

template <class T>
class SlowCurrentLearner : public Learner<T> {
public:
    explicit SlowCurrentLearner(const SlowCurrentRule<T>& rule)
        : rule_(rule), cells_(rule.cells), current_(cells_.size()) {}

    void begin(bool, Plastic<T>&) override { cells_.begin(); }

    void end_step(const Step& step, Plastic<T>& plastic) override {
        cells_.step(step);
        for (std::size_t cell = 0; cell < cells_.size(); ++cell) {
            const double y = kNanomolar * (cells_.calcium(cell) - rule_.threshold);
            current_[cell] = y > 1 ? static_cast<T>(natural_log(y)) : T(0);
        }
        for (std::uint32_t i = 0; i < rule_.scale.size(); ++i) {
            plastic.current[i] += rule_.scale[i] * current_[cells_.of(i)];
        }
    }

    std::vector<std::pair<std::string, std::vector<T>>> record() const override {
        return {{"calcium", {cells_.history().begin(), cells_.history().end()}}};
    }

private:
    static constexpr double kNanomolar = 1000;
    SlowCurrentRule<T> rule_;
    Cells cells_;
    std::vector<T> current_;
};

template <class T>
class SlowUnitsLearner : public Learner<T> {
public:
    explicit SlowUnitsLearner(const SlowUnitsRule<T>& rule) : rule_(rule) {}

    void begin(bool, Plastic<T>&) override {
        y_.assign(rule_.driven_start.size() - 1, T(0));
        z_ = y_;
        n_.resize(y_.size());
    }

    void end_step(const Step& step, Plastic<T>& plastic) override {
        std::fill(n_.begin(), n_.end(), T(0));
        for (const std::uint32_t i : step.units) {
            for (std::int64_t k = rule_.sensed_start[i]; k < rule_.sensed_start[i + 1]; ++k) {
                n_[rule_.sensed_by[static_cast<std::size_t>(k)]] += T(1);
            }
        }
        for (std::size_t m = 0; m < y_.size(); ++m) {
            y_[m] = rule_.rise * y_[m] + (T(1) - rule_.rise) * n_[m];
            z_[m] = rule_.decay * z_[m] + (T(1) - rule_.decay) * y_[m];
            for (std::int64_t k = rule_.driven_start[m]; k < rule_.driven_start[m + 1]; ++k) {
                const auto at = static_cast<std::size_t>(k);
                plastic.current[rule_.driven[at]] += rule_.weights[at] * z_[m];
            }
        }
    }

    std::vector<std::pair<std::string, std::vector<T>>> record() const override { return {{"slow", z_}}; }

private:
    SlowUnitsRule<T> rule_;
    std::vector<T> n_;
    std::vector<T> y_;
    std::vector<T> z_;
};

bool are_starts(const std::vector<std::int64_t>& start, std::size_t n) {
    return !start.empty() && start[0] == 0 && std::is_sorted(start.begin(), start.end()) &&
           start.back() == static_cast<std::int64_t>(n);
}

}  // namespace

template <class T>
std::unique_ptr<Learner<T>> SlowCurrentRule<T>::learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>& plastic,
                                                        bool) const {
    Cells::check(cells, wiring->n_units());
    if (static_cast<std::int64_t>(scale.size()) != wiring->n_units()) {
        throw std::invalid_argument("scale must have an entry for each unit");
    }
    plastic.current.assign(static_cast<std::size_t>(wiring->padded), T(0));
    return std::make_unique<SlowCurrentLearner<T>>(*this);
}

template <class T>
std::unique_ptr<Learner<T>> SlowUnitsRule<T>::learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>& plastic,
                                                      bool) const {
    const auto n_units = static_cast<std::uint32_t>(wiring->n_units());
    const std::size_t n_slow = driven_start.empty() ? 0 : driven_start.size() - 1;
    const bool good = are_starts(sensed_start, sensed_by.size()) && are_starts(driven_start, driven.size()) &&
                      sensed_start.size() == n_units + std::size_t{1} && weights.size() == driven.size() &&
                      std::all_of(sensed_by.begin(), sensed_by.end(), [&](std::uint32_t m) { return m < n_slow; }) &&
                      std::all_of(driven.begin(), driven.end(), [&](std::uint32_t i) { return i < n_units; });
    if (!good) throw std::invalid_argument("slow units must name units, and units slow units");
    plastic.current.assign(static_cast<std::size_t>(wiring->padded), T(0));
    return std::make_unique<SlowUnitsLearner<T>>(*this);
}

template class Cell<LiRinzel>;
template class Cell<GChI>;
template class SlowCurrentRule<float>;
template class SlowCurrentRule<double>;
template class SlowUnitsRule<float>;
template class SlowUnitsRule<double>;

}  // namespace reservoirs
