// Links whose columns follow one another. Blocks hear them turned, so that one load reads a whole strip of states.

#include <algorithm>

#include "reservoirs/network.hpp"
#include "table.hpp"

namespace reservoirs {

namespace {

// Value i of a block becomes value i + turn.
template <class U>
void turn_block(U* block, int turn) {
    std::rotate(block, block + (kBlockRows - turn) % kBlockRows, block + kBlockRows);
}

}  // namespace

// Where the rows of every block read columns that follow one another, or would if they were turned, they are.
template <class T>
void Network<T>::turn_to_strips(Packed& packed) const {
    std::vector<std::uint8_t> turns;
    for (const Stage& stage : stages_) {
        for (std::int64_t block = stage.first_block; block < stage.last_block; ++block) {
            const int turn = turn_of_strips(packed, block, stage.n_units - (block - stage.first_block) * kBlockRows);
            if (turn < 0) return;
            turns.push_back(static_cast<std::uint8_t>(turn));
        }
    }
    turn_slots(packed, turns);
    packed.first_columns32.resize(static_cast<std::size_t>(packed.block_start.back()));
    for (std::size_t block = 0; block < turns.size(); ++block) {
        for (std::int64_t slot = packed.block_start[block]; slot < packed.block_start[block + 1]; ++slot) {
            // Value `turn` is that of the first row, which there is.
            packed.first_columns32[static_cast<std::size_t>(slot)] =
                packed.columns32[static_cast<std::size_t>(slot * kBlockRows + turns[block])] - turns[block];
        }
    }
}

// By how much the slots of a block of so many rows must be turned; -1: nothing makes strips of them.
template <class T>
int Network<T>::turn_of_strips(const Packed& packed, std::int64_t block, std::int64_t n_rows_left) const {
    const auto n = static_cast<std::uint32_t>(std::min<std::int64_t>(kBlockRows, n_rows_left));
    const auto is_turned_by = [&](std::uint32_t turn) {
        for (auto slot = packed.block_start[static_cast<std::size_t>(block)];
             slot < packed.block_start[static_cast<std::size_t>(block) + 1]; ++slot) {
            const std::uint32_t* column = packed.columns32.data() + slot * kBlockRows;
            const std::int64_t first = static_cast<std::int64_t>(column[0]) - turn;
            // Rows beyond the last unit read too: with weights of zero, but within the state.
            if (first < 0 || first + kBlockRows > n_rows()) return false;
            for (std::uint32_t r = 1; r < n; ++r) {
                if (column[r] != first + (r + turn) % kBlockRows) return false;
            }
        }
        return true;
    };
    for (std::uint32_t turn = 0; turn < kBlockRows; ++turn) {
        if (is_turned_by(turn)) return static_cast<int>(turn);
    }
    return -1;
}

// Turns the slots of every block by so much more.
template <class T>
void Network<T>::turn_slots(Packed& packed, const std::vector<std::uint8_t>& turns) {
    for (std::size_t block = 0; block < turns.size(); ++block) {
        for (std::int64_t slot = packed.block_start[block]; slot < packed.block_start[block + 1]; ++slot) {
            const std::int64_t at = slot * kBlockRows;
            turn_block(packed.weights.data() + at, turns[block]);
            if (!packed.columns16.empty()) turn_block(packed.columns16.data() + at, turns[block]);
            if (!packed.columns32.empty()) turn_block(packed.columns32.data() + at, turns[block]);
        }
        packed.turns[block] = static_cast<std::uint8_t>((packed.turns[block] + turns[block]) % kBlockRows);
    }
}

// Turns what the sums of every block begin with.
template <class T>
void Network<T>::turn_sums(const std::vector<std::uint8_t>& turns) {
    for (std::size_t block = 0; block < turns.size(); ++block) {
        const auto row = static_cast<std::int64_t>(block) * kBlockRows;
        turn_block(bias_.data() + row, turns[block]);
        for (std::int64_t j = 0; j < n_inputs_ && row < input_stride_; ++j) {
            turn_block(input_weights_.data() + j * input_stride_ + row, turns[block]);
        }
    }
}

template <class T>
void Network<T>::turn_back() {
    std::vector<std::uint8_t> turns(weights_.turns);
    for (std::uint8_t& turn : turns) turn = static_cast<std::uint8_t>((kBlockRows - turn) % kBlockRows);
    turn_slots(weights_, turns);
    turn_sums(turns);
    weights_.first_columns16 = {};
    weights_.first_columns32 = {};
}

template void Network<float>::turn_to_strips(Packed&) const;
template void Network<double>::turn_to_strips(Packed&) const;
template void Network<float>::turn_sums(const std::vector<std::uint8_t>&);
template void Network<double>::turn_sums(const std::vector<std::uint8_t>&);
template void Network<float>::turn_back();
template void Network<double>::turn_back();

}  // namespace reservoirs
