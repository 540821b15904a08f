#include "reservoirs/triplet.hpp"

#include "visits.hpp"

namespace reservoirs {

namespace {

template <class T>
class TripletLearner : public Learner<T> {
public:
    TripletLearner(const TripletRule<T>& rule, std::shared_ptr<const Wiring<T>> wiring)
        : rule_(rule), wiring_(std::move(wiring)) {
        const auto trace = [&rule](T decay) { return Trace<T>{T(1), decay, rule.nearest, {}}; };
        for (const int of : {0, 1}) {
            r1_[of] = trace(rule.decay_plus);
            r2_[of] = trace(rule.decay_x);
        }
        o1_ = trace(rule.decay_minus);
        o2_ = trace(rule.decay_y);
    }

    void begin(bool go_on, Plastic<T>&) override {
        scale_ = T(1);
        if (go_on && !o1_.values.empty()) return;
        for (Trace<T>* trace : {&o1_, &o2_, &r1_[0], &r2_[0]}) trace->begin(wiring_->n_units());
        for (Trace<T>* trace : {&r1_[1], &r2_[1]}) trace->begin(wiring_->n_inputs());
    }

    void end_step(const Step& step, Plastic<T>& plastic) override {
        visit(*wiring_, rule_.changed, step, plastic, [this](const Pairing& of, T w) {
            const int from = of.kind == kInput;
            T change = 0;
            if (of.target_spiked) {
                change = r1_[from].values[of.source] * (rule_.a2_plus + rule_.a3_plus * o2_.values[of.target]);
            }
            if (of.source_spiked) {
                change -= o1_.values[of.target] * (rule_.a2_minus + rule_.a3_minus * r2_[from].values[of.source]);
            }
            const auto [lowest, highest] = bounds_of(of.kind, rule_.w_max);
            return within(w + scale_ * change, lowest, highest);
        });
        for (Trace<T>* trace : {&o1_, &o2_, &r1_[0], &r2_[0]}) trace->move(step.units);
        for (Trace<T>* trace : {&r1_[1], &r2_[1]}) trace->move(step.inputs);
        scale_ *= rule_.fade;
    }

private:
    TripletRule<T> rule_;
    std::shared_ptr<const Wiring<T>> wiring_;
    Trace<T> r1_[2];  // of units, of inputs
    Trace<T> r2_[2];
    Trace<T> o1_;
    Trace<T> o2_;
    T scale_ = 1;
};

}  // namespace

template <class T>
std::unique_ptr<Learner<T>> TripletRule<T>::learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>&, bool) const {
    return std::make_unique<TripletLearner<T>>(*this, std::move(wiring));
}

template class TripletRule<float>;
template class TripletRule<double>;

}  // namespace reservoirs
