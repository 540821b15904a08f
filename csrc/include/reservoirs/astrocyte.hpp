// Astrocytes whose state is the calcium of the cell: models of it, and the current they drive into units. Times are in
// ms, concentrations in uM, all of it in float64: astrocytes are few.
#pragma once

#include <array>
#include <memory>

#include "reservoirs/plasticity.hpp"

namespace reservoirs {

class CalciumModel {
public:
    virtual ~CalciumModel() = default;
    virtual std::unique_ptr<CalciumModel> copy() const = 0;
    // So many spikes at once.
    virtual void stimulate(double n_spikes) = 0;
    virtual void run(double milliseconds) = 0;
    virtual double calcium() const = 0;
    virtual std::vector<double> state() const = 0;
};

// Li and Rinzel 1994, with the input of Nadkarni and Jung 2003, in the form of NEST's astrocyte_lr_1994: of IP3, Ca, h.
struct LiRinzel {
    double ca_tot, ip3_0, kd_ip3_1, kd_ip3_2, kd_act, kd_inh, km_serca;
    double rate_ip3r, rate_leak, rate_serca, k_ip3r, ratio_er, tau_ip3, delta_ip3;
    std::array<double, 3> initial;

    static constexpr double kLongestStep = 25;
    void stimulate(std::array<double, 3>& state, double n_spikes) const { state[0] += delta_ip3 * n_spikes; }
    std::array<double, 3> slope(const std::array<double, 3>& state) const;
    void limit(std::array<double, 3>& state) const;
    static double calcium(const std::array<double, 3>& state) { return state[1]; }
};

// G-ChI, De Pitta et al. 2009, as in Stimberg et al. 2019: of the share of active receptors G, IP3, Ca, h, glutamate.
struct GChI {
    double o_p, k_p, c_t, rho, omega_c, omega_l, d_1, d_2, d_3, d_5, o_2;
    double o_beta, o_n, omega_n, k_kc, zeta, o_delta, kappa, k_delta, omega_5p, k_d, k_3, o_3k, omega_glu, delta_glu;
    std::array<double, 5> initial;

    static constexpr double kLongestStep = 5;
    void stimulate(std::array<double, 5>& state, double n_spikes) const { state[4] += delta_glu * n_spikes; }
    std::array<double, 5> slope(const std::array<double, 5>& state) const;
    void limit(std::array<double, 5>& state) const;
    static double calcium(const std::array<double, 5>& state) { return state[2]; }
};

// A system of equations under way: the method of Runge and Kutta of order 4.
template <class Equations>
class Cell : public CalciumModel {
public:
    explicit Cell(const Equations& equations) : equations_(equations), state_(equations.initial) {}
    std::unique_ptr<CalciumModel> copy() const override { return std::make_unique<Cell>(equations_); }
    void stimulate(double n_spikes) override { equations_.stimulate(state_, n_spikes); }
    void run(double milliseconds) override;
    double calcium() const override { return equations_.calcium(state_); }
    std::vector<double> state() const override { return {state_.begin(), state_.end()}; }

private:
    Equations equations_;
    decltype(Equations::initial) state_;
};

// One cell for each region of units, each living so much faster than the units.
class Cells {
public:
    // region: of each unit; empty: one region. gain: of stimulation, a spike.
    struct Spec {
        std::shared_ptr<const CalciumModel> model;
        double milliseconds = 1;  // of a cell's life, a step
        double gain = 1;
        std::vector<char> senses;           // units; empty: all
        std::vector<std::uint32_t> region;  // of each unit; empty: one
        std::uint32_t n_regions = 1;
    };

    explicit Cells(const Spec& spec) : spec_(spec), n_spikes_(spec.n_regions) {}
    // Throws std::invalid_argument if the specification does not fit so many units.
    static void check(const Spec& spec, std::int64_t n_units);
    void begin();
    void step(const Step& spikes);
    std::size_t size() const { return n_spikes_.size(); }
    std::uint32_t of(std::uint32_t unit) const { return spec_.region.empty() ? 0 : spec_.region[unit]; }
    double calcium(std::size_t cell) const { return cells_[cell]->calcium(); }
    // Of all cells, after every step.
    const std::vector<double>& history() const { return history_; }

private:
    Spec spec_;
    std::vector<double> n_spikes_;
    std::vector<std::unique_ptr<CalciumModel>> cells_;
    std::vector<double> history_;
};

// A slow inward current into units of scale ln(y), y = 1000 (Ca - threshold), where y > 1 (Nadkarni and Jung 2003),
// acting from the next step on.
template <class T>
class SlowCurrentRule : public Rule<T> {
public:
    Cells::Spec cells;
    double threshold;
    std::vector<T> scale;  // by unit

    std::unique_ptr<Learner<T>> learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>& plastic,
                                        bool is_first) const override;
};

// Slow units beside the neurons, which do not spike: y <- rise y + (1 - rise) n, z <- decay z + (1 - decay) y, n being
// the spikes of the units that each senses; from the next step on each drives currents weight z into units.
template <class T>
class SlowUnitsRule : public Rule<T> {
public:
    T rise;
    T decay;
    // Slow units that each unit is sensed by, and units that each slow unit drives.
    std::vector<std::int64_t> sensed_start;
    std::vector<std::uint32_t> sensed_by;
    std::vector<std::int64_t> driven_start;
    std::vector<std::uint32_t> driven;
    std::vector<T> weights;

    std::unique_ptr<Learner<T>> learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>& plastic,
                                        bool is_first) const override;
};

}  // namespace reservoirs
