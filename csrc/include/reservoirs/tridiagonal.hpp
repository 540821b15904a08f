// Eigenvalues of symmetric tridiagonal matrices, with what the eigenvectors make of given vectors.
#pragma once

#include <cstdint>

namespace reservoirs {

// With T the matrix of `n` numbers in `diagonal` and n - 1 in `beside`, and T = V diag(values) V^T, writes the values,
// in no order, over the diagonal and V^T times `vectors`, n rows of `n_vectors`, over the vectors; `beside` is used up.
// V is never made, so this takes O(n^2). False if it did not converge.
bool tridiagonal_spectrum(std::int64_t n, double* diagonal, double* beside, std::int64_t n_vectors, double* vectors);

}  // namespace reservoirs
