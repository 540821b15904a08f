#include "reservoirs/aligned.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace reservoirs {

void ask_for_large_pages([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t n_bytes) {
#if defined(__linux__)
    madvise(begin, n_bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
}

}  // namespace reservoirs
