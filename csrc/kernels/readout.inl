// y = W_out features + intercept. Each sum is kept in kReadoutStripes partial sums (feature i goes to stripe i modulo
// their number) that are added pairwise, halves first: the same order at every vector width.

namespace {

using reservoirs::kReadoutStripes;
using reservoirs::Readout;

template <class T>
inline T striped_dot(const T* row, const T* coef, std::int64_t n) {
    constexpr int n_vectors = kReadoutStripes / kWidth<T>;
    Vec<T> sum[n_vectors];
    for (int h = 0; h < n_vectors; ++h) sum[h] = broadcast<T>(0);
    std::int64_t i = 0;
    for (; i + kReadoutStripes <= n; i += kReadoutStripes) {
        for (int h = 0; h < n_vectors; ++h) {
            sum[h] = fma<T>(load<T>(row + i + h * kWidth<T>), load<T>(coef + i + h * kWidth<T>), sum[h]);
        }
    }
    if (i < n) {
        T rest[kReadoutStripes] = {};
        std::memcpy(rest, row + i, static_cast<std::size_t>(n - i) * sizeof(T));
        for (int h = 0; h < n_vectors; ++h) {
            sum[h] = fma<T>(load<T>(rest + h * kWidth<T>), load<T>(coef + i + h * kWidth<T>), sum[h]);
        }
    }
    T stripe[kReadoutStripes];
    for (int h = 0; h < n_vectors; ++h) store<T>(stripe + h * kWidth<T>, sum[h]);
    for (int half = kReadoutStripes / 2; half > 0; half /= 2) {
        for (int s = 0; s < half; ++s) stripe[s] = stripe[s] + stripe[s + half];
    }
    return stripe[0];
}

template <class T>
void readout(const Readout<T>& a) {
    for (std::int64_t t = 0; t < a.n_rows; ++t) {
        for (std::int64_t o = 0; o < a.n_outputs; ++o) {
            const T dot = striped_dot<T>(a.rows + t * a.row_stride, a.coef + o * a.coef_stride, a.n_features);
            a.outputs[t * a.output_stride + o] = a.intercept[o] + dot;
        }
    }
}

}  // namespace
