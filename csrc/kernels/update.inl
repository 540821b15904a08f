// x <- (1 - leak) x + leak f(z), elementwise.

namespace {

using reservoirs::Activation;
using reservoirs::Update;

template <class T, Activation kind>
inline Vec<T> activate(Vec<T> z) {
    if constexpr (kind == Activation::tanh) return vec_tanh<T>(z);
    if constexpr (kind == Activation::logistic) return vec_logistic<T>(z);
    if constexpr (kind == Activation::relu) return maximum<T>(broadcast<T>(0), z);
    return z;
}

template <class T, Activation kind>
inline Vec<T> updated(Vec<T> x, Vec<T> z, Vec<T> leak, Vec<T> keep) {
    // + 0 turns a negative zero into a positive one: padding a row with zero weights may not change a bit.
    return fma<T>(leak, activate<T, kind>(z + broadcast<T>(0)), keep * x);
}

template <class T, Activation kind>
void update(const Update<T>& a) {
    for (std::int64_t i = 0; i < a.n_rows; i += kWidth<T>) {
        store<T>(a.state + i, updated<T, kind>(load<T>(a.state + i), load<T>(a.sums + i), load<T>(a.leak + i),
                                               load<T>(a.keep + i)));
    }
}

template <class T, Activation kind, int kLaneBytes>
void update_lanes(const Update<T>& a) {
    constexpr int kVectors = kLaneBytes / kVectorBytes;
    for (std::int64_t i = 0; i < a.n_rows; ++i) {
        const Vec<T> leak = broadcast<T>(a.leak[i]);
        const Vec<T> keep = broadcast<T>(a.keep[i]);
        for (int v = 0; v < kVectors; ++v) {
            const std::int64_t at = (i * kVectors + v) * kWidth<T>;
            store<T>(a.state + at, updated<T, kind>(load<T>(a.state + at), load<T>(a.sums + at), leak, keep));
        }
    }
}

}  // namespace
