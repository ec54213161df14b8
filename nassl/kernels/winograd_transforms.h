// Between images and kernels and their points in the Winograd domain.
//
// A tile of 6x6 inputs becomes 36 numbers per channel (V), a kernel 36 (U), 36 numbers of a tile
// (M) become its 4x4 outputs, and backwards a tile of their gradients 36 (D) and 36 numbers (U) the
// gradient of a kernel.
//
// Images are (N, H, W, C) in memory, channels a multiple of PANEL. Panels keep together what a
// product reads in a row: V is [36][C / LANES][tile][LANES]; M and D are [36][K / PANEL][tile]
// [PANEL]; U is [36][K / PANEL][C][PANEL].

#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "vectors.h"

namespace winograd {

#ifdef __AVX512F__
constexpr int ROWS = 12;  // of the register tile: 24 of 32 registers
#else
constexpr int ROWS = 6;
#endif
constexpr int POINTS = 36, SKEW = 128;  // SKEW: bytes that keep the 36 apart in the caches

template <class T>
struct Lanes : Vectors<T> {
    using Vectors<T>::LANES;
    static constexpr int PANEL = 2 * LANES, SKEWED = SKEW / sizeof(T);
};

// One-dimensional transforms; each is applied to columns, then to rows. Cook and Toom's with the
// points 0, +-A, +-B and infinity; with these two, errors are smaller than with the usual 1 and 2,
// and A, B and their powers are exact.
template <class V>
struct At {
    using T = std::decay_t<decltype(std::declval<V>()[0])>;  // what a vector is made of
    static constexpr T A = 0.625, B = 1.5, P = A * A, Q = B * B, SUM = P + Q, PRODUCT = P * Q;
    static constexpr T N0 = 1 / PRODUCT, NA = 1 / (2 * P * (P - Q)), NB = 1 / (2 * Q * (Q - P));
};

struct Input {  // B'
    static constexpr int FROM = 6, TO = 6;
    template <class V, class C = At<V>>
    static void apply(const V* x, V* y) {
        V even = x[4] - C::Q * x[2], odd = C::A * (x[3] - C::Q * x[1]);
        V far = x[4] - C::P * x[2], off = C::B * (x[3] - C::P * x[1]);
        y[0] = C::PRODUCT * x[0] - C::SUM * x[2] + x[4];
        y[1] = even + odd;
        y[2] = even - odd;
        y[3] = far + off;
        y[4] = far - off;
        y[5] = C::PRODUCT * x[1] - C::SUM * x[3] + x[5];
    }
};

struct Output {  // A'
    static constexpr int FROM = 6, TO = 4;
    template <class V, class C = At<V>>
    static void apply(const V* x, V* y) {
        V sum = x[1] + x[2], difference = x[1] - x[2], far = x[3] + x[4], off = x[3] - x[4];
        y[0] = x[0] + sum + far;
        y[1] = C::A * difference + C::B * off;
        y[2] = C::P * sum + C::Q * far;
        y[3] = C::A * C::P * difference + C::B * C::Q * off + x[5];
    }
};

struct Spread {  // A
    static constexpr int FROM = 4, TO = 6;
    template <class V, class C = At<V>>
    static void apply(const V* x, V* y) {
        V even = x[0] + C::P * x[2], odd = C::A * (x[1] + C::P * x[3]);
        V far = x[0] + C::Q * x[2], off = C::B * (x[1] + C::Q * x[3]);
        y[0] = x[0];
        y[1] = even + odd;
        y[2] = even - odd;
        y[3] = far + off;
        y[4] = far - off;
        y[5] = x[3];
    }
};

struct Kernel {  // G
    static constexpr int FROM = 3, TO = 6;
    template <class V, class C = At<V>>
    static void apply(const V* x, V* y) {
        V even = C::NA * (x[0] + C::P * x[2]), odd = C::NA * C::A * x[1];
        V far = C::NB * (x[0] + C::Q * x[2]), off = C::NB * C::B * x[1];
        y[0] = C::N0 * x[0];
        y[1] = even + odd;
        y[2] = even - odd;
        y[3] = far + off;
        y[4] = far - off;
        y[5] = x[2];
    }
};

struct Gather {  // G'
    static constexpr int FROM = 6, TO = 3;
    template <class V, class C = At<V>>
    static void apply(const V* x, V* y) {
        V sum = C::NA * (x[1] + x[2]), far = C::NB * (x[3] + x[4]);
        y[0] = C::N0 * x[0] + sum + far;
        y[1] = C::NA * C::A * (x[1] - x[2]) + C::NB * C::B * (x[3] - x[4]);
        y[2] = C::P * sum + C::Q * far + x[5];
    }
};

template <class F, class V>
inline __attribute__((always_inline)) void both_ways(
    const V (&from)[F::FROM][F::FROM], V (&to)[F::TO][F::TO]) {
    V half[F::TO][F::FROM];
#pragma GCC unroll 6
    for (int j = 0; j < F::FROM; j++) {
        V column[F::FROM], made[F::TO];
#pragma GCC unroll 6
        for (int i = 0; i < F::FROM; i++) column[i] = from[i][j];
        F::apply(column, made);
#pragma GCC unroll 6
        for (int i = 0; i < F::TO; i++) half[i][j] = made[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < F::TO; i++) F::apply(half[i], to[i]);
}

// Images (N, H, W, C) cut into tiles of 4x4.
struct Tiles {
    int64_t images, height, width, rows, columns;
    Tiles(int64_t n, int64_t h, int64_t w)
        : images(n), height(h), width(w), rows((h + 3) / 4), columns((w + 3) / 4) {}
    int64_t count() const { return images * rows * columns; }

    // Where the SIDE x SIDE pixels of a tile with this border lie; `outside` for what is no pixel.
    template <int SIDE, class T>
    void pixels(int64_t tile, int border, T* image, T* outside, int64_t channels, T** to) const {
        int64_t n = tile / (rows * columns), place = tile % (rows * columns);
        int64_t top = place / columns * 4 - border, left = place % columns * 4 - border;
        for (int i = 0; i < SIDE; i++)
            for (int j = 0; j < SIDE; j++) {
                int64_t y = top + i, x = left + j;
                bool inside = y >= 0 && y < height && x >= 0 && x < width;
                to[i * SIDE + j] =
                    inside ? image + ((n * height + y) * width + x) * channels : outside;
            }
    }
};

// A tile's pixels through F into 36 points: V (F = Input) and D (F = Spread).
// Channel panels of WIDTH, `points` and `panels` apart.
template <class F, int WIDTH, class T>
void into_points(T* const* pixels, int64_t channels, T* to, int64_t points, int64_t panels) {
    using L = Lanes<T>;
    typename L::Vector from[F::FROM][F::FROM], made[6][6];
    for (int64_t c = 0; c < channels; c += L::LANES) {
#pragma GCC unroll 36
        for (int i = 0; i < F::FROM * F::FROM; i++)
            from[i / F::FROM][i % F::FROM] = L::load(pixels[i] + c);
        both_ways<F>(from, made);
        T* at = to + c / WIDTH * panels + c % WIDTH;
#pragma GCC unroll 36
        for (int i = 0; i < POINTS; i++) L::store(at + i * points, made[i / 6][i % 6]);
    }
}

template <class T>
void out_of_points(
    const T* from, int64_t points, int64_t panels, int64_t channels, T* const* pixels) {
    using L = Lanes<T>;
    typename L::Vector read[6][6], made[4][4];
    for (int64_t c = 0; c < channels; c += L::LANES) {
        const T* at = from + c / L::PANEL * panels + c % L::PANEL;
#pragma GCC unroll 36
        for (int i = 0; i < POINTS; i++) read[i / 6][i % 6] = L::load(at + i * points);
        both_ways<Output>(read, made);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) L::store(pixels[i] + c, made[i / 4][i % 4]);
    }
}

// Where the weight of (out, in, tap) lies.
struct Weights {
    int64_t out, in, tap;
    bool turned;  // taps in the reverse order: for the gradient of the inputs
    int64_t at(int64_t o, int64_t i, int t) const {
        return o * out + i * in + (turned ? 8 - t : t) * tap;
    }
};

template <class T>
struct Block {  // 16 inputs by a panel of outputs, every tap
    static constexpr int DEPTH = 16;
    T taps[9][DEPTH][Lanes<T>::PANEL];
};

// Kernels of inputs from..from+16 and outputs panel*PANEL.. into U.
template <class T>
void kernels_into_points(
    const T* w, Weights where, int64_t panel, int64_t from, T* u, int64_t points) {
    using L = Lanes<T>;
    Block<T> block;
    for (int t = 0; t < 9; t++)
        for (int i = 0; i < block.DEPTH; i++)
            for (int o = 0; o < L::PANEL; o++)
                block.taps[t][i][o] = w[where.at(panel * L::PANEL + o, from + i, t)];
    for (int i = 0; i < block.DEPTH; i++)
        for (int o = 0; o < L::PANEL; o += L::LANES) {
            typename L::Vector taps[3][3], made[6][6];
            for (int t = 0; t < 9; t++) taps[t / 3][t % 3] = L::load(&block.taps[t][i][o]);
            both_ways<Kernel>(taps, made);
            for (int p = 0; p < POINTS; p++)
                L::store(u + p * points + (from + i) * L::PANEL + o, made[p / 6][p % 6]);
        }
}

template <class T>
void kernels_out_of_points(
    const T* u, int64_t points, int64_t panel, int64_t from, Weights where, T* w) {
    using L = Lanes<T>;
    Block<T> block;
    for (int i = 0; i < block.DEPTH; i++)
        for (int o = 0; o < L::PANEL; o += L::LANES) {
            typename L::Vector read[6][6], taps[3][3];
            for (int p = 0; p < POINTS; p++)
                read[p / 6][p % 6] = L::load(u + p * points + (from + i) * L::PANEL + o);
            both_ways<Gather>(read, taps);
            for (int t = 0; t < 9; t++) L::store(&block.taps[t][i][o], taps[t / 3][t % 3]);
        }
    for (int t = 0; t < 9; t++)
        for (int o = 0; o < L::PANEL; o++)
            for (int i = 0; i < block.DEPTH; i++)
                w[where.at(panel * L::PANEL + o, from + i, t)] = block.taps[t][i][o];
}

}  // namespace winograd
