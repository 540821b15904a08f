// Inhibitory weights learn: a pass over the blocks' slots from the first on that holds a link w < 0. A link's sign says
// what it is, so weights stop short of 0: excitatory links and unused slots, which are 0, are left as they are.

namespace {

using reservoirs::InhibitionStep;
using reservoirs::kLeastInhibition;

template <class T>
void learn_inhibition(const InhibitionStep<T>& step) {
    const InhibitionStep<T> a = step;  // a copy no store can alias: its fields stay in registers
    const Vec<T> zero = broadcast<T>(0), rate = broadcast<T>(a.rate), most = broadcast<T>(T(-kLeastInhibition));
    for (std::int64_t block = 0; block < a.n_blocks; ++block) {
        Vec<T> change[kBlockVectors<T>];
        for (int h = 0; h < kBlockVectors<T>; ++h) {
            const std::int64_t at = block * kBlockRows + h * kWidth<T>;
            const Vec<T> shown = load<T>(a.shown + at);
            change[h] = rate * (load<T>(a.targets + at) - shown);
            store<T>(a.sums + at, load<T>(a.sums + at) + shown);
        }
        for (std::int64_t slot = a.first_slot[block]; slot < a.block_start[block + 1]; ++slot) {
            for (int h = 0; h < kBlockVectors<T>; ++h) {
                T* at = a.weights + slot * kBlockRows + h * kWidth<T>;
                const Vec<T> w = load<T>(at);
                store<T>(at, select<T>(greater<T>(zero, w), minimum<T>(w + change[h], most), w));
            }
        }
    }
}

}  // namespace
