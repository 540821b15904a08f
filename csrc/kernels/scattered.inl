// Deliveries with gathers and scatters (delivery.inl has them one by one), for rows that reach no place twice. The same
// bits: a place still gets its sources' amplitudes one after another.
//
// What is left of a row is a vector some of whose lanes are not used, so that how long it is costs nothing: rows of 10
// synapses take two thirds of the time (measured on a Xeon with AMX; processors that are slow at gathers do without).

#if defined(RSV_LEVEL_V4) && defined(__GNUC__)
#define RSV_SCATTERS

namespace {

// A vector of synapses, or what is left of a row; of what is not used nothing is read or written.
template <class T>
struct Scattered;

template <>
struct Scattered<float> {
    using Numbers = __m512;
    using Numbers32 = __m512i;
    static constexpr int kLanes = 16;
    __mmask16 used;

    explicit Scattered(std::int64_t left) : used(static_cast<__mmask16>(left < kLanes ? (1u << left) - 1 : 0xFFFF)) {}

    Numbers32 addresses(const std::uint16_t* from) const {
        return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(used, from));
    }
    Numbers32 addresses(const std::uint32_t* from) const { return _mm512_maskz_loadu_epi32(used, from); }
    static Numbers32 of(std::uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
    static Numbers32 sum(Numbers32 a, Numbers32 b) { return _mm512_add_epi32(a, b); }
    static Numbers32 difference(Numbers32 a, Numbers32 b) { return _mm512_sub_epi32(a, b); }
    static Numbers of(float x) { return _mm512_set1_ps(x); }
    static Numbers within(Numbers x, Numbers lowest, Numbers highest) {
        return _mm512_min_ps(_mm512_max_ps(x, lowest), highest);
    }
    Numbers load(const float* from) const { return _mm512_maskz_loadu_ps(used, from); }
    Numbers load(const std::int8_t* from) const {
        return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(used, from)));
    }
    void store(float* to, Numbers x) const { _mm512_mask_storeu_ps(to, used, x); }
    Numbers gather(const float* from, Numbers32 at) const {
        return _mm512_mask_i32gather_ps(Numbers{}, used, at, from, 4);
    }
    static Numbers if_negative(Numbers t, Numbers x) {
        return _mm512_maskz_mov_ps(_mm512_movepi32_mask(_mm512_castps_si512(t)), x);
    }
    static Numbers magnitude(Numbers t) { return _mm512_abs_ps(t); }
    void add(float* to, Numbers32 at, Numbers x) const {
        _mm512_mask_i32scatter_ps(to, used, at, gather(to, at) + x, 4);
    }
};

template <>
struct Scattered<double> {
    using Numbers = __m512d;
    using Numbers32 = __m256i;
    static constexpr int kLanes = 8;
    __mmask8 used;

    explicit Scattered(std::int64_t left) : used(static_cast<__mmask8>(left < kLanes ? (1u << left) - 1 : 0xFF)) {}

    Numbers32 addresses(const std::uint16_t* from) const {
        return _mm256_cvtepu16_epi32(_mm_maskz_loadu_epi16(used, from));
    }
    Numbers32 addresses(const std::uint32_t* from) const { return _mm256_maskz_loadu_epi32(used, from); }
    static Numbers32 of(std::uint32_t x) { return _mm256_set1_epi32(static_cast<int>(x)); }
    static Numbers32 sum(Numbers32 a, Numbers32 b) { return _mm256_add_epi32(a, b); }
    static Numbers32 difference(Numbers32 a, Numbers32 b) { return _mm256_sub_epi32(a, b); }
    static Numbers of(double x) { return _mm512_set1_pd(x); }
    static Numbers within(Numbers x, Numbers lowest, Numbers highest) {
        return _mm512_min_pd(_mm512_max_pd(x, lowest), highest);
    }
    Numbers load(const double* from) const { return _mm512_maskz_loadu_pd(used, from); }
    Numbers load(const std::int8_t* from) const {
        return _mm512_cvtepi32_pd(_mm256_cvtepi8_epi32(_mm_maskz_loadu_epi8(used, from)));
    }
    void store(double* to, Numbers x) const { _mm512_mask_storeu_pd(to, used, x); }
    Numbers gather(const double* from, Numbers32 at) const {
        return _mm512_mask_i32gather_pd(Numbers{}, used, at, from, 8);
    }
    static Numbers if_negative(Numbers t, Numbers x) {
        return _mm512_maskz_mov_pd(_mm512_movepi64_mask(_mm512_castpd_si512(t)), x);
    }
    static Numbers magnitude(Numbers t) { return _mm512_abs_pd(t); }
    void add(double* to, Numbers32 at, Numbers x) const {
        _mm512_mask_i32scatter_pd(to, used, at, gather(to, at) + x, 8);
    }
};

template <AddressForm form, class Lanes, class Numbers32>
RSV_INLINE Numbers32 scattered_place(Numbers32 addresses, Numbers32 base, Numbers32 mask) {
    return form == AddressForm::ring ? Lanes::sum(base, addresses) & mask : addresses;
}

template <class T, AddressForm form, WeightForm weight_form>
void scattered_deliver(const Delivery<T>& job) {
    using Lanes = Scattered<T>;
    using Weight = std::conditional_t<weight_form == WeightForm::narrow, std::int8_t, T>;
    constexpr bool scaled = weight_form != WeightForm::plain;
    const auto* addresses = static_cast<const AddressOf<form>*>(job.addresses);
    const auto* weights = static_cast<const Weight*>(job.weights);
    const std::int64_t* start = job.start;
    const std::uint32_t* sources = job.sources;
    const std::int64_t n_sources = job.n_sources;
    T* arrivals = job.arrivals;
    const auto base = Lanes::of(job.base);
    const auto mask = Lanes::of(job.mask);
    for (std::int64_t s = 0; s < n_sources; ++s) {
        prefetch_rows_ahead(job, addresses, weights, s);
        const auto scale = Lanes::of(scaled ? job.scales[s] : T(1));
        const std::int64_t end = start[sources[s] + 1];
        for (std::int64_t k = start[sources[s]]; k < end; k += Lanes::kLanes) {
            const Lanes some(end - k);
            auto amplitudes = some.load(weights + k);
            if constexpr (scaled) amplitudes = scale * amplitudes;
            some.add(arrivals, scattered_place<form, Lanes>(some.addresses(addresses + k), base, mask), amplitudes);
        }
    }
}

template <class T, AddressForm form, bool kAlike>
void scattered_plastic_rows_of(const PlasticRows<T>& job) {
    using Lanes = Scattered<T>;
    const auto* addresses = static_cast<const AddressOf<form>*>(job.addresses);
    T* weights = job.weights;
    const std::int64_t* start = job.start;
    const std::uint32_t* sources = job.sources;
    const std::int64_t n_sources = job.n_sources;
    const T* target_traces = job.target_traces;
    const T* gains = job.gains;
    const T* rates = job.rates;
    T* arrivals = job.arrivals;
    const auto gain = Lanes::of(*gains);
    const auto rate = Lanes::of(*rates);
    const auto lowest = Lanes::of(job.lowest);
    const auto highest = Lanes::of(job.highest);
    const auto unit_mask = Lanes::of(job.unit_mask);
    const auto base = Lanes::of(job.base);
    const auto mask = Lanes::of(job.mask);
    for (std::int64_t s = 0; s < n_sources; ++s) {
        prefetch_rows_ahead(job, addresses, weights, s);
        const std::uint32_t j = sources[s];
        const auto offset = Lanes::of(job.offsets == nullptr ? 0u : job.offsets[j]);
        const auto scale = Lanes::of(job.scales == nullptr ? T(1) : job.scales[s]);
        const auto trace = Lanes::of(std::abs(job.traces[j]));
        const std::int64_t end = start[j + 1];
        for (std::int64_t k = start[j]; k < end; k += Lanes::kLanes) {
            const Lanes some(end - k);
            const auto at = some.addresses(addresses + k);
            const auto to = Lanes::difference(at & unit_mask, offset);
            const auto its = some.gather(target_traces, to);
            const auto gained = Lanes::if_negative(its, kAlike ? gain : some.gather(gains, to)) * trace;
            const auto lost = (kAlike ? rate : some.gather(rates, to)) * Lanes::magnitude(its);
            const auto w = some.load(weights + k);
            some.store(weights + k, Lanes::within(w + (gained - lost), lowest, highest));
            some.add(arrivals, scattered_place<form, Lanes>(at, base, mask), scale * w);
        }
    }
}

template <class T, AddressForm form>
void scattered_plastic_rows(const PlasticRows<T>& job) {
    (job.alike ? scattered_plastic_rows_of<T, form, true> : scattered_plastic_rows_of<T, form, false>)(job);
}

}  // namespace

#endif
