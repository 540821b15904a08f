#include "reservoirs/homeostasis.hpp"

#include <algorithm>
#include <stdexcept>

#include "visits.hpp"

namespace reservoirs {

namespace {

template <class T>
void check_units(const std::vector<T>& values, std::int64_t n) {
    if (static_cast<std::int64_t>(values.size()) != n)
        throw std::invalid_argument("a rule needs a target for each unit");
}

template <class T>
class InhibitoryLearner : public Learner<T> {
public:
    InhibitoryLearner(const InhibitoryRule<T>& rule, std::shared_ptr<const Wiring<T>> wiring)
        : rule_(rule), wiring_(std::move(wiring)), trace_{T(1), rule.trace_decay, false, {}} {}

    void begin(bool go_on, Plastic<T>&) override {
        rate_ = rule_.learning_rate;
        if (!go_on || trace_.values.empty()) trace_.begin(wiring_->n_units());
    }

    void end_step(const Step& step, Plastic<T>& plastic) override {
        visit(*wiring_, rule_.changed, step, plastic, [this](const Pairing& of, T w) {
            T change = 0;
            if (of.source_spiked) change = trace_.values[of.target] - rule_.alpha[of.target];
            if (of.target_spiked) change += trace_.values[of.source];
            return within(w - rate_ * change, -rule_.w_max, T(0));
        });
        trace_.move(step.units);
        rate_ *= rule_.fade;
    }

private:
    InhibitoryRule<T> rule_;
    std::shared_ptr<const Wiring<T>> wiring_;
    Trace<T> trace_;
    T rate_ = 0;
};

template <class T>
class ThresholdLearner : public Learner<T> {
public:
    explicit ThresholdLearner(const ThresholdRule<T>& rule) : rule_(rule) {}

    void begin(bool, Plastic<T>&) override { rate_ = rule_.learning_rate; }

    void end_step(const Step& step, Plastic<T>& plastic) override {
        for (std::size_t i = 0; i < rule_.target.size(); ++i) {
            const T spiked = step.unit_spiked[i] ? T(1) : T(0);
            plastic.raised[i] = within(plastic.raised[i] + rate_ * (spiked - rule_.target[i]), -rule_.most, rule_.most);
        }
        rate_ *= rule_.fade;
    }

private:
    ThresholdRule<T> rule_;
    T rate_ = 0;
};

template <class T>
class ScalingLearner : public Learner<T> {
public:
    ScalingLearner(const ScalingRule<T>& rule, std::shared_ptr<const Wiring<T>> wiring)
        : rule_(rule), wiring_(std::move(wiring)) {}

    void begin(bool go_on, Plastic<T>&) override {
        learning_rate_ = rule_.learning_rate;
        if (go_on && !rate_.empty()) return;
        rate_ = rule_.target;
        clock_ = 0;
    }

    void end_step(const Step& step, Plastic<T>& plastic) override {
        for (std::size_t i = 0; i < rate_.size(); ++i) {
            const T spiked = step.unit_spiked[i] ? T(1) : T(0);
            rate_[i] = rule_.rate_decay * rate_[i] + (T(1) - rule_.rate_decay) * spiked;
        }
        if (++clock_ % rule_.interval == 0) scale(plastic);
        learning_rate_ *= rule_.fade;
    }

private:
    void scale(Plastic<T>& plastic) {
        factors_.resize(rate_.size());
        for (std::size_t i = 0; i < rate_.size(); ++i) {
            factors_[i] = std::max(T(1) + learning_rate_ * (rule_.target[i] - rate_[i]), T(0));
        }
        for (int kind = 0; kind < kSourceKinds; ++kind) {
            if (!rule_.changed.any(kind)) continue;
            const Synapses<T>& synapses = wiring_->synapses(kind);
            const auto [lowest, highest] = bounds_of(kind, rule_.w_max);
            T* weights = plastic.weights(kind).data();
            for (std::uint32_t j = 0; j < synapses.n_sources(); ++j) {
                if (kind != kInput && (wiring_->excitatory[j] != 0) != (kind == kExcitatory)) continue;
                plastic.touched_of(kind)[j] = 1;
                for (std::int64_t k = synapses.begin(j); k < synapses.begin(j + 1); ++k) {
                    const std::uint32_t i = synapses.unit(j, k, wiring_->shape);
                    if (!rule_.changed.onto[kind][wiring_->excitatory[i] == 0]) continue;
                    weights[k] = within(weights[k] * factors_[i], lowest, highest);
                }
            }
        }
    }

    ScalingRule<T> rule_;
    std::shared_ptr<const Wiring<T>> wiring_;
    std::vector<T> rate_;
    std::vector<T> factors_;
    std::int64_t clock_ = 0;
    T learning_rate_ = 0;
};

}  // namespace

template <class T>
std::unique_ptr<Learner<T>> InhibitoryRule<T>::learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>&,
                                                       bool) const {
    check_units(alpha, wiring->n_units());
    return std::make_unique<InhibitoryLearner<T>>(*this, std::move(wiring));
}

template <class T>
std::unique_ptr<Learner<T>> ThresholdRule<T>::learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>& plastic,
                                                      bool) const {
    check_units(target, wiring->n_units());
    plastic.raised.assign(static_cast<std::size_t>(wiring->padded), T(0));
    return std::make_unique<ThresholdLearner<T>>(*this);
}

template <class T>
std::unique_ptr<Learner<T>> ScalingRule<T>::learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>&, bool) const {
    check_units(target, wiring->n_units());
    if (interval < 1) throw std::invalid_argument("interval must be at least 1");
    return std::make_unique<ScalingLearner<T>>(*this, std::move(wiring));
}

template class InhibitoryRule<float>;
template class InhibitoryRule<double>;
template class ThresholdRule<float>;
template class ThresholdRule<double>;
template class ScalingRule<float>;
template class ScalingRule<double>;

}  // namespace reservoirs
