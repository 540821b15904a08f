// Triplet spike-timing-dependent plasticity (Pfister and Gerstner 2006).
#pragma once

#include "reservoirs/plasticity.hpp"

namespace reservoirs {

// With traces r1, r2 of the source and o1, o2 of the target, all of the time
// before this step's update:
//     dw = s_i r1_j (a2_plus + a3_plus o2_i) - s_j o1_i (a2_minus + a3_minus
//     r2_j)
template <class T>
class TripletRule : public Rule<T> {
public:
    T a2_plus;
    T a3_plus;
    T a2_minus;
    T a3_minus;
    T decay_plus;   // of r1
    T decay_minus;  // of o1
    T decay_x;      // of r2
    T decay_y;      // of o2
    T w_max;
    T fade;
    bool nearest = false;
    Blocks changed;

    bool needs_columns(int kind, bool) const override { return changed.any(kind); }
    std::unique_ptr<Learner<T>> learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>& plastic,
                                        bool is_first) const override;
};

}  // namespace reservoirs
