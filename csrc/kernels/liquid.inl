// The step of a liquid: which units fire, how currents and potentials move on.
// (What spikes deliver: delivery.inl.)

namespace {

using reservoirs::BernoulliEvents;
using reservoirs::IzhikevichUnits;
using reservoirs::LifUnits;
using reservoirs::PerUnit;
using reservoirs::SynapseKind;
using reservoirs::SynapticCurrents;

// Writes the numbers of the lanes whose bit is set, up to a whole vector of numbers too many.
template <class T>
inline std::int64_t append_lanes(std::uint32_t bits, std::int64_t first, std::uint32_t* spikes, std::int64_t n) {
#if defined(RSV_LEVEL_V4) && defined(__GNUC__)
    // No branch: which vectors have spikes cannot be predicted.
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i unit = _mm512_add_epi32(lane, _mm512_set1_epi32(static_cast<int>(first)));
    _mm512_storeu_si512(spikes + n, _mm512_maskz_compress_epi32(static_cast<__mmask16>(bits), unit));
    return n + __builtin_popcount(bits);
#else
    for (; bits != 0; bits &= bits - 1) spikes[n++] = static_cast<std::uint32_t>(first + lowest_bit(bits));
    return n;
#endif
}

template <class T, bool soft_reset, bool adaptive>
std::int64_t fire_lif(const LifUnits<T>& job) {
    const LifUnits<T> units = job;
    const Vec<T> zero = broadcast<T>(T(0));
    const Vec<T> one = broadcast<T>(T(1));
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < units.n_units; i += kWidth<T>) {
        const Vec<T> v = load(units.v + i);
        const Vec<T> blocked = load(units.blocked + i);
        const Vec<T> thresh = load(units.thresh, i);
        Vec<T> raised = thresh;
        if constexpr (adaptive) raised = thresh + load(units.adaptation + i);
        const IVec<T> spike = at_least<T>(v, raised) & at_least<T>(zero, blocked);
        const Vec<T> one_less = maximum<T>(blocked - one, zero);
        store(units.blocked + i, select<T>(spike, load(units.refractory, i), one_less));
        const Vec<T> reset = load(units.reset, i);
        store(units.v + i, select<T>(spike, soft_reset ? v - (thresh - reset) : reset, v));
        if constexpr (adaptive) {
            const Vec<T> step = select<T>(spike, load(units.adapt_step, i), zero);
            store(units.adaptation + i, fma<T>(load(units.adapt_decay, i), load(units.adaptation + i), step));
        }
        n = append_lanes<T>(mask_bits<T>(spike), i, units.spikes, n);
    }
    return n;
}

template <class T>
std::int64_t fire_izhikevich(const IzhikevichUnits<T>& job) {
    const IzhikevichUnits<T> units = job;
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < units.n_units; i += kWidth<T>) {
        const Vec<T> v = load(units.v + i);
        const IVec<T> spike = at_least<T>(v, load(units.peak, i));
        const Vec<T> u = load(units.u + i);
        store(units.v + i, select<T>(spike, load(units.c, i), v));
        store(units.u + i, select<T>(spike, u + load(units.d, i), u));
        n = append_lanes<T>(mask_bits<T>(spike), i, units.spikes, n);
    }
    return n;
}

// What the units at i get from one channel, added to what they had; the channel moves on by a step.
template <class T, SynapseKind kind>
inline Vec<T> flow(const SynapticCurrents<T>& channel, std::int64_t i) {
    const Vec<T> arrived = load(channel.arrivals + i);
    const Vec<T> before = load(channel.before, i);
    store(channel.arrivals + i, broadcast<T>(T(0)));
    if constexpr (kind == SynapseKind::delta) {
        return before + arrived;
    } else {
        const Vec<T> falling = load(channel.falling + i) + arrived;
        store(channel.falling + i, falling * load(channel.decay, i));
        if constexpr (kind == SynapseKind::exponential) {
            return before + falling;
        } else {
            const Vec<T> rising = load(channel.rising + i) + arrived;
            store(channel.rising + i, rising * load(channel.rise_decay, i));
            return fma<T>(load(channel.norm, i), falling - rising, before);
        }
    }
}

template <class T, SynapseKind kind>
void currents(const SynapticCurrents<T>& job) {
    const SynapticCurrents<T> channel = job;
    for (std::int64_t i = 0; i < channel.n_units; i += kWidth<T>) store(channel.current + i, flow<T, kind>(channel, i));
}

// The last channel's currents and the potentials in one pass.
template <class T, SynapseKind kind, bool hold>
void integrate_lif(const SynapticCurrents<T>& channel, const LifUnits<T>& job) {
    const SynapticCurrents<T> last = channel;
    const LifUnits<T> units = job;
    for (std::int64_t i = 0; i < units.n_units; i += kWidth<T>) {
        const Vec<T> v = load(units.v + i);
        const Vec<T> drive = fma<T>(load(units.gain, i), flow<T, kind>(last, i), load(units.drift, i));
        Vec<T> next = fma<T>(load(units.decay, i), v, drive);
        if constexpr (hold) next = select<T>(greater<T>(load(units.blocked + i), broadcast<T>(T(0))), v, next);
        store(units.v + i, maximum<T>(next, load(units.floor, i)));
    }
}

template <class T, SynapseKind kind>
void integrate_izhikevich(const SynapticCurrents<T>& channel, const IzhikevichUnits<T>& job) {
    const SynapticCurrents<T> last = channel;
    const IzhikevichUnits<T> units = job;
    for (std::int64_t i = 0; i < units.n_units; i += kWidth<T>) {
        Vec<T> v = load(units.v + i);
        const Vec<T> u = load(units.u + i);
        const Vec<T> q2 = load(units.q2, i);
        const Vec<T> q1 = load(units.q1, i);
        const Vec<T> drive = fma<T>(load(units.k, i), flow<T, kind>(last, i) - u, load(units.q0, i));
        for (int half = 0; half < 2; ++half) v = v + fma<T>(fma<T>(q2, v, q1), v, drive);
        const Vec<T> rest = fma<T>(broadcast<T>(T(0)) - load(units.ua, i), u, load(units.uc, i));
        store(units.v + i, v);
        store(units.u + i, u + fma<T>(load(units.uab, i), v, rest));
    }
}

template <class T>
void multiply(T* x, std::int64_t n, T factor) {
    const Vec<T> all = broadcast<T>(factor);
    for (std::int64_t i = 0; i < n; i += kWidth<T>) store(x + i, load(x + i) * all);
}

// Philox4x32-10 of one counter a lane, in lanes of 64 bits.
struct PhiloxLanes {
    static constexpr int n = kWidth<double>;
    std::uint64_t word[4][n];

    void mix(std::uint32_t key0, std::uint32_t key1) {
        for (int round = 0; round < 10; ++round) {
            for (int i = 0; i < n; ++i) {
                const std::uint64_t a = std::uint64_t{0xD2511F53} * word[0][i];
                const std::uint64_t b = std::uint64_t{0xCD9E8D57} * word[2][i];
                word[0][i] = (b >> 32) ^ word[1][i] ^ key0;
                word[1][i] = b & 0xFFFFFFFF;
                word[2][i] = (a >> 32) ^ word[3][i] ^ key1;
                word[3][i] = a & 0xFFFFFFFF;
            }
            key0 += 0x9E3779B9;
            key1 += 0xBB67AE85;
        }
    }
};

// Inputs side by side: each lane draws for its own until it is past the end.
inline void draw_events(const BernoulliEvents& job) {
    constexpr int W = kWidth<double>;
    const Vec<double> round = broadcast<double>(MathConstants<double>::kRound);
    const Vec<double> one = broadcast<double>(1.0);
    const Vec<double> far = broadcast<double>(0x1.0p40);
    for (std::int64_t first = 0; first < job.n_inputs; first += W) {
        const int n = static_cast<int>(job.n_inputs - first < W ? job.n_inputs - first : W);
        double next[W];
        double inverse[W];
        std::uint32_t drawn[W];
        for (int i = 0; i < W; ++i) {
            const bool used = i < n;
            next[i] = used ? job.next[first + i] : job.end;
            inverse[i] = used ? job.inverse_log[first + i] : 0.0;
            drawn[i] = used ? job.n_drawn[first + i] : 0;
            if (used) job.counts[first + i] = 0;
        }
        for (;;) {
            bool done = true;
            for (int i = 0; i < W; ++i) done = done && next[i] >= job.end;
            if (done) break;
            PhiloxLanes philox;
            for (int i = 0; i < W; ++i) {
                philox.word[0][i] = drawn[i] / 4;
                philox.word[1][i] = i < n ? job.inputs[first + i] : 0;
                philox.word[2][i] = job.content & 0xFFFFFFFF;
                philox.word[3][i] = job.content >> 32;
            }
            philox.mix(static_cast<std::uint32_t>(job.seed), static_cast<std::uint32_t>(job.seed >> 32));
            double gaps[4][W];
            for (int k = 0; k < 4; ++k) {
                double uniform[W];
                for (int i = 0; i < W; ++i) {
                    uniform[i] = (static_cast<double>(philox.word[k][i]) + 0.5) * 0x1.0p-32;
                }
                const Vec<double> gap = minimum<double>(vec_log<double>(load(uniform)) * load(inverse), far);
                // The floor of what is not negative, from the nearest integer.
                const Vec<double> nearest = (gap + round) - round;
                store(gaps[k], select<double>(greater<double>(nearest, gap), nearest - one, nearest));
            }
            // next is an event, or -1 before the first; each draw says how long after it the one behind it comes.
            for (int i = 0; i < n; ++i) {
                if (next[i] >= job.end) continue;
                std::uint32_t* steps = job.steps + (first + i) * job.stride;
                do {
                    if (next[i] >= 0) steps[job.counts[first + i]++] = static_cast<std::uint32_t>(next[i]);
                    next[i] += 1.0 + gaps[drawn[i] % 4][i];
                    ++drawn[i];
                } while (drawn[i] % 4 != 0 && next[i] < job.end);
            }
        }
        for (int i = 0; i < n; ++i) {
            job.next[first + i] = next[i];
            job.n_drawn[first + i] = drawn[i];
        }
    }
}

}  // namespace
