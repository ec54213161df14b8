// 3x3 convolutions of stride 1 and padding 1 in the Winograd domain, F(4x4, 3x3) (Lavin and Gray,
// "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, sec. 4.1 to 4.3): for each of 36
// points a product of matrices, M = V U, instead of nine taps for each of 16 outputs. The gradient
// of the weights is the same backwards, U = V' D. Sums are taken in an order that does not depend
// on the number of threads.

#include <cstdlib>
#include <mutex>

#include "winograd_transforms.h"

namespace {

using namespace winograd;

// M[tile][PANEL] = sum over c of V[tile][c] U[c][PANEL] for R tiles.
template <int R, class T>
void tiles_by_kernels(const T* v, int64_t panels, int64_t channels, const T* u, T* m) {
    using L = Lanes<T>;
    typename L::Vector sums[R][2] = {};
    for (int64_t c = 0; c < channels; c += L::LANES, v += panels)
#pragma GCC unroll 4
        for (int i = 0; i < L::LANES; i++, u += L::PANEL) {
            auto left = L::load(u), right = L::load(u + L::LANES);
#pragma GCC unroll 12
            for (int r = 0; r < R; r++) {
                sums[r][0] += v[r * L::LANES + i] * left;
                sums[r][1] += v[r * L::LANES + i] * right;
            }
        }
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
        L::store(m + r * L::PANEL, sums[r][0]);
        L::store(m + r * L::PANEL + L::LANES, sums[r][1]);
    }
}

template <int R, class T>
void tiles_by_kernels(int rows, const T* v, int64_t panels, int64_t channels, const T* u, T* m) {
    if (rows == R) return tiles_by_kernels<R>(v, panels, channels, u, m);
    if constexpr (R > 1) tiles_by_kernels<R - 1>(rows, v, panels, channels, u, m);
}

// U[c][PANEL] (+)= sum over tiles of V[tile][c] D[tile][PANEL] for R channels. Sums of sums round
// less than one long sum.
template <int R, class T>
void tiles_by_gradients(const T* v, const T* d, int64_t tiles, bool first, T* u) {
    using L = Lanes<T>;
    typename L::Vector sums[R][2] = {};
#pragma GCC unroll 4
    for (int64_t t = 0; t < tiles; t++, v += L::LANES, d += L::PANEL) {
        auto left = L::load(d), right = L::load(d + L::LANES);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
            sums[r][0] += v[r] * left;
            sums[r][1] += v[r] * right;
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
        for (int half = 0; half < 2; half++) {
            T* at = u + r * L::PANEL + half * L::LANES;
            L::store(at, first ? sums[r][half] : L::load(at) + sums[r][half]);
        }
}

// Memory kept from call to call: fresh pages of this size cost as much as the arithmetic.
struct Scratch {
    std::mutex taken;
    void* memory = nullptr;
    size_t size = 0;
    template <class T>
    T* get(int64_t count) {
        size_t wanted = (count * sizeof(T) + 4095) / 4096 * 4096;
        if (wanted > size) {
            std::free(memory);
            memory = std::aligned_alloc(4096, wanted);
            size = memory ? wanted : 0;
        }
        return static_cast<T*>(memory);
    }
} scratch;

template <class T>
int convolve(const T* x, const T* w, Weights where, T* y, Tiles tiles, int64_t c, int64_t k,
             int64_t tile_block, int threads) {
    using L = Lanes<T>;
    std::lock_guard<std::mutex> guard(scratch.taken);
    int64_t total = tiles.count();
    int64_t blocks = (total + tile_block - 1) / tile_block;
    blocks = (blocks + threads - 1) / threads * threads;
    int64_t some = (total + blocks - 1) / blocks;  // tiles of a block
    int64_t u_points = c * k + L::SKEWED;
    int64_t v_points = c * some + L::SKEWED, m_points = k * some + L::SKEWED;
    int64_t own = POINTS * (v_points + m_points) + c + k;
    T* u = scratch.get<T>(POINTS * u_points + threads * own);
    if (!u) return 1;
#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(static) collapse(2)
        for (int64_t panel = 0; panel < k / L::PANEL; panel++)
            for (int64_t from = 0; from < c; from += Block<T>::DEPTH)
                kernels_into_points(w, where, panel, from, u + panel * c * L::PANEL, u_points);
#pragma omp for schedule(static)
        for (int thread = 0; thread < threads; thread++) {
            T *v = u + POINTS * u_points + thread * own, *m = v + POINTS * v_points;
            T *zeros = m + POINTS * m_points, *nowhere = zeros + c;
            std::fill(zeros, zeros + c, T(0));
            for (int64_t first = thread * some; first < total; first += threads * some) {
                int64_t count = std::min(some, total - first), rows = (count + ROWS - 1) / ROWS;
                T* pixels[36];
                for (int64_t t = 0; t < count; t++) {
                    tiles.pixels<6>(first + t, 1, const_cast<T*>(x), zeros, c, pixels);
                    into_points<Input, L::LANES>(
                        pixels, c, v + t * L::LANES, v_points, some * L::LANES);
                }
                for (int p = 0; p < POINTS; p++)
                    for (int64_t panel = 0; panel < k / L::PANEL; panel++)
                        for (int64_t row = 0; row < rows; row++) {
                            int64_t t = row * count / rows, end = (row + 1) * count / rows;
                            tiles_by_kernels<ROWS>(
                                end - t, v + p * v_points + t * L::LANES, some * L::LANES, c,
                                u + p * u_points + panel * c * L::PANEL,
                                m + p * m_points + (panel * some + t) * L::PANEL);
                        }
                for (int64_t t = 0; t < count; t++) {
                    tiles.pixels<4>(first + t, 0, y, nowhere, k, pixels);
                    out_of_points(m + t * L::PANEL, m_points, some * L::PANEL, k, pixels);
                }
            }
        }
    }
    return 0;
}

template <class T>
int weight_gradient(const T* x, const T* g, Weights where, T* w, Tiles tiles, int64_t c, int64_t k,
                    int64_t tile_block, int threads) {
    using L = Lanes<T>;
    constexpr int R = L::LANES < 8 ? L::LANES : 8;
    std::lock_guard<std::mutex> guard(scratch.taken);
    int64_t total = tiles.count(), some = std::min(total, tile_block);
    int64_t u_points = c * k + L::SKEWED;
    int64_t v_points = c * some + L::SKEWED, d_points = k * some + L::SKEWED;
    T* u = scratch.get<T>(POINTS * (u_points + v_points + d_points) + std::max(c, k));
    if (!u) return 1;
    T *v = u + POINTS * u_points, *d = v + POINTS * v_points, *zeros = d + POINTS * d_points;
    std::fill(zeros, zeros + std::max(c, k), T(0));
#pragma omp parallel num_threads(threads)
    {
        for (int64_t first = 0; first < total; first += some) {
            int64_t count = std::min(some, total - first);
#pragma omp for schedule(static)
            for (int64_t t = 0; t < count; t++) {
                T* pixels[36];
                tiles.pixels<6>(first + t, 1, const_cast<T*>(x), zeros, c, pixels);
                into_points<Input, L::LANES>(
                    pixels, c, v + t * L::LANES, v_points, some * L::LANES);
                tiles.pixels<4>(first + t, 0, const_cast<T*>(g), zeros, k, pixels);
                into_points<Spread, L::PANEL>(
                    pixels, k, d + t * L::PANEL, d_points, some * L::PANEL);
            }
#pragma omp for schedule(static) collapse(2)
            for (int p = 0; p < POINTS; p++)
                for (int64_t panel = 0; panel < k / L::PANEL; panel++)
                    for (int64_t i = 0; i < c; i += R)
                        tiles_by_gradients<R>(
                            v + p * v_points + i / L::LANES * some * L::LANES + i % L::LANES,
                            d + p * d_points + panel * some * L::PANEL, count, first == 0,
                            u + p * u_points + (panel * c + i) * L::PANEL);
        }
#pragma omp for schedule(static) collapse(2)
        for (int64_t panel = 0; panel < k / L::PANEL; panel++)
            for (int64_t from = 0; from < c; from += Block<T>::DEPTH)
                kernels_out_of_points(u + panel * c * L::PANEL, u_points, panel, from, where, w);
    }
    return 0;
}

}  // namespace

#define ENTRIES(T)                                                                              \
    int convolve_##T(                                                                           \
        const T* x, const T* w, int64_t out, int64_t in, int64_t tap, int64_t turned, T* y,     \
        int64_t n, int64_t h, int64_t width, int64_t c, int64_t k, int64_t tiles, int threads) { \
        Weights where{out, in, tap, turned != 0};                                               \
        return convolve(x, w, where, y, Tiles(n, h, width), c, k, tiles, threads);              \
    }                                                                                           \
    int weight_gradient_##T(                                                                    \
        const T* x, const T* g, int64_t out, int64_t in, int64_t tap, T* w, int64_t n,          \
        int64_t h, int64_t width, int64_t c, int64_t k, int64_t tiles, int threads) {           \
        Weights where{out, in, tap, false};                                                     \
        return weight_gradient(x, g, where, w, Tiles(n, h, width), c, k, tiles, threads);       \
    }

extern "C" {
ENTRIES(float)
ENTRIES(double)
}
