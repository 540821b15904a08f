// Readouts that learn a row at a time. Vectors of features are padded with zeros to whole stripes; every sum over
// features has the order of readout.inl.

namespace {

using reservoirs::FactorUpdate;

template <class T>
T dot(const T* a, const T* b, std::int64_t n) {
    return striped_dot<T>(a, b, n);
}

// y + a x, to whole stripes.
template <class T>
void add_scaled(T a, const T* x, std::int64_t n, T* y) {
    const Vec<T> factor = broadcast<T>(a);
    for (std::int64_t i = 0; i < n; i += kWidth<T>) store<T>(y + i, fma<T>(factor, load<T>(x + i), load<T>(y + i)));
}

// Bierman's update of P = U D U^T (D diagonal, U with ones on its diagonal) to (P^-1 forgetting + weight x x^T)^-1.
// D stays positive because it is only ever multiplied by positive numbers, whatever rounding does.
template <class T, bool of_unit>
T update_factor(const FactorUpdate<T>& a) {
    T alpha = a.forgetting;
    const T* const x = a.x;
    T* column = a.columns;
    for (std::int64_t j = 0; j < a.first; ++j) column += reservoirs::whole_stripes(j);
    for (std::int64_t j = a.first; j < a.n_features; ++j) {
        const std::int64_t height = reservoirs::whole_stripes(j);
        T f;
        if constexpr (of_unit) {
            f = j == a.first ? T(1) : column[a.first];
        } else {
            f = x[j] + striped_dot<T>(x, column, height);
        }
        const T v = a.diagonal[j] * f;
        const T weighted = a.weight * f;
        const T next = alpha + weighted * v;
        const Vec<T> c = broadcast<T>(-weighted / alpha);
        const Vec<T> of_gain = broadcast<T>(v);
        for (std::int64_t i = 0; i < height; i += kWidth<T>) {
            const Vec<T> u = load<T>(column + i);
            const Vec<T> gain = load<T>(a.gain + i);
            store<T>(column + i, fma<T>(c, gain, u));
            store<T>(a.gain + i, fma<T>(u, of_gain, gain));
        }
        a.gain[j] = v;
        a.diagonal[j] = a.diagonal[j] * (alpha / (next * a.forgetting));
        alpha = next;
        column += height;
    }
    return alpha;
}

}  // namespace
