// Weighted sums of many maps, and their gradients, in one walk over memory.
//
// Maps are cut into blocks that stay in the nearest cache while all maps add to them. Products of
// two maps are summed block by block, the blocks in double precision in their order, so that they
// do not depend on the number of threads.

#include <algorithm>
#include <cstring>
#include <vector>

#include "vectors.h"

namespace {

constexpr int64_t BLOCK = 4096;  // numbers

// total = sum over k of weights[k] maps[k], and as they are the maps behind these.
template <class T>
void weighted_sum(const T* const* maps, int64_t count, const T* weights, int64_t weighted,
                  T* total, int64_t size, int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t from = 0; from < size; from += BLOCK) {
        T sum[BLOCK];
        int64_t length = std::min(BLOCK, size - from);
        for (int64_t k = 0; k < count; k++) {
            const T* map = maps[k] + from;
            T weight = k < weighted ? weights[k] : T(1);
            if (k == 0)
                for (int64_t i = 0; i < length; i++) sum[i] = weight * map[i];
            else
                for (int64_t i = 0; i < length; i++) sum[i] += weight * map[i];
        }
        std::copy(sum, sum + length, total + from);
    }
}

template <class T>
double product(const T* a, const T* b, int64_t length) {
    using V = Vectors<T>;
    constexpr int U = 4;
    typename V::Vector sums[U] = {};
    int64_t i = 0;
    for (; i + U * V::LANES <= length; i += U * V::LANES)
#pragma GCC unroll 4
        for (int u = 0; u < U; u++)
            sums[u] += V::load(a + i + u * V::LANES) * V::load(b + i + u * V::LANES);
    double total = 0;
    for (; i < length; i++) total += double(a[i]) * b[i];
    T lanes[U * V::LANES];
    std::memcpy(lanes, sums, sizeof sums);
    for (T lane : lanes) total += lane;
    return total;
}

// for_weights[k] = sum of g maps[k], unless null; for_maps[k] = weights[k] g, unless null.
template <class T>
void gradients(const T* const* maps, int64_t count, const T* weights, const T* g, T* for_weights,
               T* const* for_maps, int64_t size, int threads) {
    int64_t blocks = (size + BLOCK - 1) / BLOCK;
    std::vector<double> products(blocks * count);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t block = 0; block < blocks; block++) {
        int64_t from = block * BLOCK, length = std::min(BLOCK, size - from);
        for (int64_t k = 0; k < count; k++) {
            if (for_weights) products[block * count + k] = product(maps[k] + from, g + from, length);
            if (!for_maps[k]) continue;
            for (int64_t i = from; i < from + length; i++) for_maps[k][i] = weights[k] * g[i];
        }
    }
    for (int64_t k = 0; for_weights && k < count; k++) {
        double total = 0;
        for (int64_t block = 0; block < blocks; block++) total += products[block * count + k];
        for_weights[k] = total;
    }
}

}  // namespace

#define ENTRIES(T)                                                                              \
    void weighted_sum_##T(const T* const* maps, int64_t count, const T* weights,                \
                          int64_t weighted, T* total, int64_t size, int threads) {              \
        weighted_sum(maps, count, weights, weighted, total, size, threads);                     \
    }                                                                                           \
    void gradients_##T(const T* const* maps, int64_t count, const T* weights, const T* g,       \
                       T* for_weights, T* const* for_maps, int64_t size, int threads) {         \
        gradients(maps, count, weights, g, for_weights, for_maps, size, threads);               \
    }

extern "C" {
ENTRIES(float)
ENTRIES(double)
}
