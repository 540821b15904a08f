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

// What a loop over units reads of their parameters. alike: one value each for all, which stays in a register.
template <class T, bool alike>
class Row {
public:
    explicit Row(const PerUnit<T>& row) : row_(row), shared_(load(row, 0)) {}
    Vec<T> at(std::int64_t i) const { return alike ? shared_ : load(row_, i); }

private:
    PerUnit<T> row_;
    Vec<T> shared_;
};

template <class T, bool alike>
struct LifRows {
    Row<T, alike> thresh, reset, refractory, decay, gain, drift, floor;

    explicit LifRows(const LifUnits<T>& units)
        : thresh(units.thresh),
          reset(units.reset),
          refractory(units.refractory),
          decay(units.decay),
          gain(units.gain),
          drift(units.drift),
          floor(units.floor) {}
};

template <class T, bool alike>
struct ChannelRows {
    Row<T, alike> decay, rise_decay, norm, before;

    explicit ChannelRows(const SynapticCurrents<T>& channel)
        : decay(channel.decay), rise_decay(channel.rise_decay), norm(channel.norm), before(channel.before) {}
};

template <class T>
bool are_alike(const LifUnits<T>& units, const SynapticCurrents<T>& channel) {
    return (units.thresh.stride | units.reset.stride | units.refractory.stride | units.decay.stride |
            units.gain.stride | units.drift.stride | units.floor.stride | channel.decay.stride |
            channel.rise_decay.stride | channel.norm.stride | channel.before.stride) == 0;
}

// Of the units at i: those that reach what their thresholds have been raised to are reset and blocked, and returned.
template <class T, bool soft_reset, bool alike>
RSV_INLINE IVec<T> fire(const LifUnits<T>& units, const LifRows<T, alike>& rows, std::int64_t i, Vec<T> v,
                        Vec<T> raised) {
    const Vec<T> zero = broadcast<T>(T(0));
    const Vec<T> blocked = load(units.blocked + i);
    const IVec<T> spike = at_least<T>(v, raised) & at_least<T>(zero, blocked);
    const Vec<T> one_less = maximum<T>(blocked - broadcast<T>(T(1)), zero);
    store(units.blocked + i, select<T>(spike, rows.refractory.at(i), one_less));
    const Vec<T> reset = rows.reset.at(i);
    store(units.v + i, select<T>(spike, soft_reset ? v - (rows.thresh.at(i) - reset) : reset, v));
    return spike;
}

template <class T, bool soft_reset, bool adaptive>
std::int64_t fire_lif(const LifUnits<T>& job) {
    const LifUnits<T> units = job;
    const LifRows<T, false> rows(units);
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < units.n_units; i += kWidth<T>) {
        const Vec<T> v = load(units.v + i);
        Vec<T> raised = rows.thresh.at(i);
        if constexpr (adaptive) raised = raised + load(units.adaptation + i);
        const IVec<T> spike = fire<T, soft_reset>(units, rows, i, v, raised);
        if constexpr (adaptive) {
            const Vec<T> step = select<T>(spike, load(units.adapt_step, i), broadcast<T>(T(0)));
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
template <class T, SynapseKind kind, bool alike>
RSV_INLINE Vec<T> flow(const SynapticCurrents<T>& channel, const ChannelRows<T, alike>& rows, std::int64_t i) {
    const Vec<T> arrived = load(channel.arrivals + i);
    const Vec<T> before = rows.before.at(i);
    store(channel.arrivals + i, broadcast<T>(T(0)));
    if constexpr (kind == SynapseKind::delta) {
        return before + arrived;
    } else {
        const Vec<T> falling = load(channel.falling + i) + arrived;
        store(channel.falling + i, falling * rows.decay.at(i));
        if constexpr (kind == SynapseKind::exponential) {
            return before + falling;
        } else {
            const Vec<T> rising = load(channel.rising + i) + arrived;
            store(channel.rising + i, rising * rows.rise_decay.at(i));
            return fma<T>(rows.norm.at(i), falling - rising, before);
        }
    }
}

template <class T, SynapseKind kind>
void currents(const SynapticCurrents<T>& job) {
    const SynapticCurrents<T> channel = job;
    const ChannelRows<T, false> rows(channel);
    for (std::int64_t i = 0; i < channel.n_units; i += kWidth<T>) {
        store(channel.current + i, flow<T, kind>(channel, rows, i));
    }
}

// The potentials of the units at i after a step, from what the last channel brings.
template <class T, bool hold, bool alike>
RSV_INLINE Vec<T> integrated(const LifUnits<T>& units, const LifRows<T, alike>& rows, Vec<T> current, std::int64_t i) {
    const Vec<T> v = load(units.v + i);
    Vec<T> next = fma<T>(rows.decay.at(i), v, fma<T>(rows.gain.at(i), current, rows.drift.at(i)));
    if constexpr (hold) next = select<T>(greater<T>(load(units.blocked + i), broadcast<T>(T(0))), v, next);
    return maximum<T>(next, rows.floor.at(i));
}

template <class T, SynapseKind kind, bool hold>
void integrate_lif(const SynapticCurrents<T>& channel, const LifUnits<T>& job) {
    const SynapticCurrents<T> last = channel;
    const LifUnits<T> units = job;
    const ChannelRows<T, false> of_channel(last);
    const LifRows<T, false> of_units(units);
    for (std::int64_t i = 0; i < units.n_units; i += kWidth<T>) {
        const Vec<T> current = flow<T, kind>(last, of_channel, i);
        store(units.v + i, integrated<T, hold>(units, of_units, current, i));
    }
}

template <class T, SynapseKind kind, bool hold, bool soft_reset, bool alike>
RSV_INLINE std::int64_t integrate_and_fire_with(const SynapticCurrents<T>& last, const LifUnits<T>& units) {
    const ChannelRows<T, alike> of_channel(last);
    const LifRows<T, alike> of_units(units);
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < units.n_units; i += kWidth<T>) {
        const Vec<T> current = flow<T, kind>(last, of_channel, i);
        const Vec<T> v = integrated<T, hold>(units, of_units, current, i);
        const IVec<T> spike = fire<T, soft_reset>(units, of_units, i, v, of_units.thresh.at(i));
        n = append_lanes<T>(mask_bits<T>(spike), i, units.spikes, n);
    }
    return n;
}

template <class T, SynapseKind kind, bool hold, bool soft_reset>
std::int64_t integrate_and_fire(const SynapticCurrents<T>& channel, const LifUnits<T>& job) {
    const SynapticCurrents<T> last = channel;
    const LifUnits<T> units = job;
    return are_alike(units, last) ? integrate_and_fire_with<T, kind, hold, soft_reset, true>(last, units)
                                  : integrate_and_fire_with<T, kind, hold, soft_reset, false>(last, units);
}

template <class T, SynapseKind kind>
void integrate_izhikevich(const SynapticCurrents<T>& channel, const IzhikevichUnits<T>& job) {
    const SynapticCurrents<T> last = channel;
    const IzhikevichUnits<T> units = job;
    const ChannelRows<T, false> of_channel(last);
    for (std::int64_t i = 0; i < units.n_units; i += kWidth<T>) {
        Vec<T> v = load(units.v + i);
        const Vec<T> u = load(units.u + i);
        const Vec<T> q2 = load(units.q2, i);
        const Vec<T> q1 = load(units.q1, i);
        const Vec<T> drive = fma<T>(load(units.k, i), flow<T, kind>(last, of_channel, i) - u, load(units.q0, i));
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
