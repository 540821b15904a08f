// What the spikes of a step deliver to the units they reach, and how the synapses they pass learn.
//
// A source's synapses lie side by side; the units they reach are scattered, so that each arrival is read and written on
// its own. What binds is the number of loads and stores: synapses go four at a time, whose addresses and weights are
// one load each, taken apart in registers. Products and sums are rounded one by one. (With gathers: scattered.inl.)

namespace {

using reservoirs::AddressForm;
using reservoirs::Delivery;
using reservoirs::DynamicDelivery;
using reservoirs::PlasticRows;
using reservoirs::WeightForm;

constexpr std::size_t kCacheLine = 64;

// Rows are asked for so many ahead, and as far as they are short: what is longer the processor foresees. Always as many
// lines, whatever the row's length, because a loop whose end cannot be foreseen costs more than a line too many.
constexpr std::int64_t kRowsAhead = 3;
constexpr std::int64_t kSynapsesAhead = 128;

template <class E>
RSV_INLINE void prefetch_row(const E* begin) {
    constexpr std::int64_t line = kCacheLine / sizeof(E);
    for (std::int64_t k = 0; k < kSynapsesAhead; k += line) prefetch(begin + k);
}

template <class Job, class Address, class Weight>
RSV_INLINE void prefetch_rows_ahead(const Job& job, const Address* addresses, const Weight* weights, std::int64_t s) {
    if (s + kRowsAhead >= job.n_sources) return;
    const std::int64_t ahead = job.start[job.sources[s + kRowsAhead]];
    prefetch_row(addresses + ahead);
    prefetch_row(weights + ahead);
}

constexpr int kGroup = 4;

// The numbers of a group of synapses.
template <class T>
struct Group {
    T value[kGroup];

    static Group from(const T* values) {
        Group group;
        std::memcpy(group.value, values, sizeof group.value);
        return group;
    }
    static Group from(const std::int8_t* values) {
        return each([values](int i) { return static_cast<T>(values[i]); });
    }
    static Group of(T x) {
        return each([x](int) { return x; });
    }
    void store_to(T* to) const { std::memcpy(to, value, sizeof value); }
    template <int i>
    T get() const {
        return value[i];
    }
    template <class Lane>
    static Group each(const Lane& lane) {
        return {{lane(0), lane(1), lane(2), lane(3)}};
    }
};
template <class T>
inline Group<T> operator*(Group<T> a, Group<T> b) {
    return Group<T>::each([&](int i) { return a.value[i] * b.value[i]; });
}
template <class T>
inline Group<T> operator+(Group<T> a, Group<T> b) {
    return Group<T>::each([&](int i) { return a.value[i] + b.value[i]; });
}
template <class T>
inline Group<T> operator-(Group<T> a, Group<T> b) {
    return Group<T>::each([&](int i) { return a.value[i] - b.value[i]; });
}

template <class T>
inline T within(T x, T lowest, T highest) {
    x = x > lowest ? x : lowest;
    return x < highest ? x : highest;
}
template <class T>
inline Group<T> within(Group<T> x, Group<T> lowest, Group<T> highest) {
    return Group<T>::each([&](int i) { return within(x.value[i], lowest.value[i], highest.value[i]); });
}

// x where t is negative, or minus zero; 0 elsewhere.
template <class T>
inline T if_negative(T t, T x) {
    return std::signbit(t) ? x : T(0);
}
template <class T>
inline Group<T> if_negative(Group<T> t, Group<T> x) {
    return Group<T>::each([&](int i) { return if_negative(t.value[i], x.value[i]); });
}
template <class T>
inline Group<T> magnitude(Group<T> t) {
    return Group<T>::each([&](int i) { return std::abs(t.value[i]); });
}

#if (defined(RSV_LEVEL_V3) || defined(RSV_LEVEL_V4)) && defined(__GNUC__)
template <>
struct Group<float> {
    __m128 value;

    static Group from(const float* values) { return {_mm_loadu_ps(values)}; }
    static Group from(const std::int8_t* values) {
        std::int32_t four;
        std::memcpy(&four, values, sizeof four);
        return {_mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(four)))};
    }
    static Group of(float x) { return {_mm_set1_ps(x)}; }
    template <class Lane>
    static Group each(const Lane& lane) {
        return {_mm_setr_ps(lane(0), lane(1), lane(2), lane(3))};
    }
    void store_to(float* to) const { _mm_storeu_ps(to, value); }
    // Not value[i]: of that GCC makes loads again.
    template <int i>
    float get() const {
        if constexpr (i == 1) return _mm_cvtss_f32(_mm_movehdup_ps(value));
        if constexpr (i == 2) return _mm_cvtss_f32(_mm_unpackhi_ps(value, value));
        if constexpr (i == 3) return _mm_cvtss_f32(_mm_permute_ps(value, 0xFF));
        return _mm_cvtss_f32(value);
    }
};
inline Group<float> operator*(Group<float> a, Group<float> b) {
    return {_mm_mul_ps(a.value, b.value)};
}
inline Group<float> operator+(Group<float> a, Group<float> b) {
    return {_mm_add_ps(a.value, b.value)};
}
inline Group<float> operator-(Group<float> a, Group<float> b) {
    return {_mm_sub_ps(a.value, b.value)};
}
inline Group<float> within(Group<float> x, Group<float> lowest, Group<float> highest) {
    return {_mm_min_ps(_mm_max_ps(x.value, lowest.value), highest.value)};
}
inline Group<float> if_negative(Group<float> t, Group<float> x) {
    const __m128i signs = _mm_srai_epi32(_mm_castps_si128(t.value), 31);
    return {_mm_and_ps(_mm_castsi128_ps(signs), x.value)};
}
inline Group<float> magnitude(Group<float> t) {
    return {_mm_andnot_ps(_mm_set1_ps(-0.0f), t.value)};
}
#endif

template <AddressForm form>
using AddressOf = std::conditional_t<form == AddressForm::word, std::uint16_t, std::uint32_t>;

// The addresses of a group of synapses, in words of 64 bits.
template <class Address>
struct Addresses {
    static constexpr int kInWord = static_cast<int>(sizeof(std::uint64_t) / sizeof(Address));
    std::uint64_t words[kGroup / kInWord];

    explicit Addresses(const Address* from) { std::memcpy(words, from, sizeof words); }
    template <int i>
    std::uint32_t get() const {
        return static_cast<Address>(words[i / kInWord] >> (i % kInWord * 8 * static_cast<int>(sizeof(Address))));
    }
};

template <AddressForm form>
inline std::uint32_t place(std::uint32_t address, std::uint32_t base, std::uint32_t mask) {
    if constexpr (form == AddressForm::ring) return (base + address) & mask;
    return address;
}

// Where a job's spikes arrive.
template <class T, AddressForm form>
struct Places {
    T* arrivals;
    std::uint32_t base;
    std::uint32_t mask;

    template <class Job>
    explicit Places(const Job& job) : arrivals(job.arrivals), base(job.base), mask(job.mask) {}

    void add(std::uint32_t address, T amplitude) const { arrivals[place<form>(address, base, mask)] += amplitude; }
    RSV_INLINE void add(const Addresses<AddressOf<form>>& addresses, Group<T> amplitudes) const {
        add(addresses.template get<0>(), amplitudes.template get<0>());
        add(addresses.template get<1>(), amplitudes.template get<1>());
        add(addresses.template get<2>(), amplitudes.template get<2>());
        add(addresses.template get<3>(), amplitudes.template get<3>());
    }
};

template <class T, AddressForm address_form, WeightForm weight_form>
void deliver(const Delivery<T>& job) {
    using Address = AddressOf<address_form>;
    using Weight = std::conditional_t<weight_form == WeightForm::narrow, std::int8_t, T>;
    constexpr bool scaled = weight_form != WeightForm::plain;
    const auto* addresses = static_cast<const Address*>(job.addresses);
    const auto* weights = static_cast<const Weight*>(job.weights);
    const std::int64_t* start = job.start;
    const std::uint32_t* sources = job.sources;
    const std::int64_t n_sources = job.n_sources;
    const Places<T, address_form> places(job);
    for (std::int64_t s = 0; s < n_sources; ++s) {
        prefetch_rows_ahead(job, addresses, weights, s);
        std::int64_t k = start[sources[s]];
        const std::int64_t end = start[sources[s] + 1];
        const T scale = scaled ? job.scales[s] : T(1);
        const auto four = [&](std::int64_t at) {
            Group<T> amplitudes = Group<T>::from(weights + at);
            if constexpr (scaled) amplitudes = Group<T>::of(scale) * amplitudes;
            places.add(Addresses<Address>(addresses + at), amplitudes);
        };
        for (; k + 2 * kGroup <= end; k += 2 * kGroup) {
            four(k);
            four(k + kGroup);
        }
        if (k + kGroup <= end) {
            four(k);
            k += kGroup;
        }
        for (; k < end; ++k) {
            const T weight = static_cast<T>(weights[k]);
            places.add(addresses[k], scaled ? scale * weight : weight);
        }
    }
}

// Tsodyks and Markram 1997, Markram, Wang and Tsodyks 1998: r recovers towards 1, u falls back to U, and a spike of
// amplitude w u r takes the share u of r.
template <class T, AddressForm address_form>
void deliver_dynamic(const DynamicDelivery<T>& job) {
    const auto* addresses = static_cast<const AddressOf<address_form>*>(job.addresses);
    const Vec<T> one = broadcast<T>(T(1));
    const Vec<T> back = broadcast<T>(-job.interval);
    for (std::int64_t k = job.begin; k < job.end; k += kWidth<T>) {
        const std::int64_t left = job.end - k;
        const int n = static_cast<int>(left < kWidth<T> ? left : kWidth<T>);
        const std::size_t size = static_cast<std::size_t>(n) * sizeof(T);
        const auto part = [size](const T* from) {
            T lanes[kWidth<T>] = {};
            std::memcpy(lanes, from, size);
            return load<T>(lanes);
        };
        Vec<T> u = part(job.u + k);
        Vec<T> r = part(job.r + k);
        if (job.interval > 0) {
            const Vec<T> base = part(job.utilisation + k);
            const Vec<T> recovered = vec_exp<T>(back * part(job.depression + k));
            const Vec<T> forgotten = vec_exp<T>(back * part(job.facilitation + k));
            r = fma<T>(r * (one - u) - one, recovered, one);
            u = fma<T>(u * (one - base), forgotten, base);
            T lanes[kWidth<T>];
            store(lanes, r);
            std::memcpy(job.r + k, lanes, size);
            store(lanes, u);
            std::memcpy(job.u + k, lanes, size);
        }
        T amplitude[kWidth<T>];
        store(amplitude, part(job.weights + k) * u * r);
        for (int i = 0; i < n; ++i) {
            job.arrivals[place<address_form>(addresses[k + i], job.base, job.mask)] += amplitude[i];
        }
    }
}

// kAlike: gains and rates are the same for all targets.
template <class T, AddressForm form, bool kAlike>
void plastic_rows_of(const PlasticRows<T>& job) {
    using Address = AddressOf<form>;
    const auto* addresses = static_cast<const Address*>(job.addresses);
    T* weights = job.weights;
    const std::int64_t* start = job.start;
    const std::uint32_t* sources = job.sources;
    const std::int64_t n_sources = job.n_sources;
    const std::uint32_t unit_mask = job.unit_mask;
    const T* target_traces = job.target_traces;
    const T* gains = job.gains;
    const T* rates = job.rates;
    const T lowest = job.lowest;
    const T highest = job.highest;
    const Places<T, form> places(job);
    for (std::int64_t s = 0; s < n_sources; ++s) {
        prefetch_rows_ahead(job, addresses, weights, s);
        const std::uint32_t j = sources[s];
        const std::uint32_t offset = job.offsets == nullptr ? 0 : job.offsets[j];
        const auto target = [=](std::uint32_t address) { return (address & unit_mask) - offset; };
        const T scale = job.scales == nullptr ? T(1) : job.scales[s];
        const T trace = std::abs(job.traces[j]);
        std::int64_t k = start[j];
        const std::int64_t end = start[j + 1];
        for (; k + kGroup <= end; k += kGroup) {
            const Addresses<Address> at(addresses + k);
            const std::uint32_t to[] = {target(at.template get<0>()), target(at.template get<1>()),
                                        target(at.template get<2>()), target(at.template get<3>())};
            const auto of = [&](const T* values) {
                return kAlike ? Group<T>::of(*values) : Group<T>::each([&](int i) { return values[to[i]]; });
            };
            const Group<T> its = Group<T>::each([&](int i) { return target_traces[to[i]]; });
            const Group<T> w = Group<T>::from(weights + k);
            const Group<T> change = if_negative(its, of(gains)) * Group<T>::of(trace) - of(rates) * magnitude(its);
            within(w + change, Group<T>::of(lowest), Group<T>::of(highest)).store_to(weights + k);
            places.add(at, Group<T>::of(scale) * w);
        }
        for (; k < end; ++k) {
            const std::uint32_t i = target(addresses[k]);
            const T w = weights[k], its = target_traces[i];
            places.add(addresses[k], scale * w);
            const T gain = if_negative(its, gains[kAlike ? 0 : i]), rate = rates[kAlike ? 0 : i];
            weights[k] = within(w + (gain * trace - rate * std::abs(its)), lowest, highest);
        }
    }
}

template <class T, AddressForm form>
void plastic_rows(const PlasticRows<T>& job) {
    (job.alike ? plastic_rows_of<T, form, true> : plastic_rows_of<T, form, false>)(job);
}

}  // namespace
