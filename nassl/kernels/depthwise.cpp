// Depthwise convolutions of stride 1, K x K, padding K / 2, on images (N, H, W, C) in memory.
//
// A row of an image is one line of W * C numbers, in which the next column is C numbers further. So
// vectors run along the line whatever C is, and the weights are repeated up to the least common
// multiple of C and the vector's length, the period. Rows are first copied between zeros, the
// padding. Sums are taken in an order that does not depend on the number of threads.

#include <algorithm>
#include <numeric>

#include "vectors.h"

namespace {

constexpr int64_t CHUNKS = 16;  // of the images, summed separately for the gradient of the weights

#ifdef __AVX512F__
constexpr bool MANY_REGISTERS = true;
#else
constexpr bool MANY_REGISTERS = false;
#endif

template <class T>
struct Shape {
    static constexpr int LANES = Vectors<T>::LANES;
    int64_t images, height, width, channels;
    int64_t line() const { return width * channels; }
    int64_t vectors() const { return (line() + LANES - 1) / LANES; }
    int64_t period() const { return std::lcm(channels, int64_t(LANES)); }
};

// The K rows around a row of an image, each between zeros; a ring of copies.
template <int K, class T>
class Window {
   public:
    explicit Window(const Shape<T>& shape)
        : shape(shape),
          size((shape.line() + (K - 1) * shape.channels) / LANES * LANES + 2 * LANES),
          copies((K + 1) * size) {}

    // Goes to a row of an image, row by row from its first; `rows` are then the K rows around it.
    void go(const T* image, int64_t row) {
        for (int64_t h = row ? row + K / 2 : 0; h <= row + K / 2 && h < shape.height; h++) {
            const T* from = image + h * shape.line();
            std::copy(from, from + shape.line(), copy(h) + K / 2 * shape.channels);
        }
        for (int i = 0; i < K; i++) {
            int64_t h = row + i - K / 2;
            rows[i] = h < 0 || h >= shape.height ? copies + K * size : copy(h);
        }
    }

    const T* rows[K];

   private:
    static constexpr int LANES = Vectors<T>::LANES;
    T* copy(int64_t h) { return copies + h % K * size; }
    Shape<T> shape;
    int64_t size;
    Aligned<T> copies;  // the last is never written to: zeros
};

// U vectors of a line, `step` vectors apart, with the weights of their phase.
template <int U, int K, class T>
void outputs(const T* const* rows, const T* weights, const Shape<T>& shape, int64_t at,
             int64_t step, T* y) {
    using V = Vectors<T>;
    int64_t period = shape.period();
    typename V::Vector sums[U] = {};
#pragma GCC unroll 5
    for (int i = 0; i < K; i++)
#pragma GCC unroll 5
        for (int j = 0; j < K; j++) {
            auto weight = V::load(weights + (i * K + j) * period);
#pragma GCC unroll 8
            for (int u = 0; u < U; u++)
                sums[u] += weight * V::load(rows[i] + (at + u * step) * V::LANES + j * shape.channels);
        }
    for (int u = 0; u < U; u++) {
        int64_t from = (at + u * step) * V::LANES, rest = shape.line() - from;
        if (rest >= V::LANES) {
            V::store(y + from, sums[u]);
        } else {
            T last[V::LANES];
            V::store(last, sums[u]);
            std::copy(last, last + rest, y + from);
        }
    }
}

// y = the convolution of x; `turned`: from the gradient of the outputs that of the inputs.
template <int K, class T>
void convolve(const T* x, const T* w, bool turned, T* y, Shape<T> shape, int threads) {
    constexpr int U = 4, LANES = Vectors<T>::LANES;
    int64_t period = shape.period(), phases = period / LANES, vectors = shape.vectors();
    Aligned<T> weights(K * K * period);
    for (int t = 0; t < K * K; t++)
        for (int64_t i = 0; i < period; i++)
            weights[t * period + i] = w[i % shape.channels * K * K + (turned ? K * K - 1 - t : t)];
#pragma omp parallel num_threads(threads)
    {
        Window<K, T> window(shape);
#pragma omp for schedule(static)
        for (int64_t n = 0; n < shape.images; n++)
            for (int64_t h = 0; h < shape.height; h++) {
                window.go(x + n * shape.height * shape.line(), h);
                T* line = y + (n * shape.height + h) * shape.line();
                for (int64_t phase = 0; phase < phases; phase++) {
                    const T* of_phase = weights + phase * LANES;
                    int64_t v = phase;
                    for (; v + (U - 1) * phases < vectors; v += U * phases)
                        outputs<U, K>(window.rows, of_phase, shape, v, phases, line);
                    for (; v < vectors; v += phases)
                        outputs<1, K>(window.rows, of_phase, shape, v, phases, line);
                }
            }
    }
}

// Adds to sums[tap][period] what R rows of the window and a line of gradients give in a phase.
template <int R, int K, class T>
void products(const T* const* rows, const T* gradients, const Shape<T>& shape, int64_t phase,
              T* sums) {
    using V = Vectors<T>;
    int64_t period = shape.period(), vectors = shape.vectors();
    typename V::Vector made[R][K] = {};
    for (int64_t v = phase; v < vectors; v += period / V::LANES) {
        auto gradient = V::load(gradients + v * V::LANES);
#pragma GCC unroll 5
        for (int i = 0; i < R; i++)
#pragma GCC unroll 5
            for (int j = 0; j < K; j++)
                made[i][j] += gradient * V::load(rows[i] + v * V::LANES + j * shape.channels);
    }
#pragma GCC unroll 5
    for (int i = 0; i < R; i++)
#pragma GCC unroll 5
        for (int j = 0; j < K; j++) {
            T* sum = sums + (i * K + j) * period + phase * V::LANES;
            V::store(sum, V::load(sum) + made[i][j]);
        }
}

// w = the gradient of the weights, from that of the outputs, g.
template <int K, class T>
void weight_gradient(const T* x, const T* g, T* w, Shape<T> shape, int threads) {
    constexpr int R = MANY_REGISTERS ? K : 1, LANES = Vectors<T>::LANES;
    int64_t period = shape.period(), vectors = shape.vectors(), size = K * K * period;
    Aligned<T> sums(CHUNKS * size);
#pragma omp parallel num_threads(threads)
    {
        Window<K, T> window(shape);
        Aligned<T> padded(vectors * LANES);  // a line of gradients that ends within a vector
#pragma omp for schedule(static)
        for (int64_t chunk = 0; chunk < CHUNKS; chunk++) {
            int64_t end = (chunk + 1) * shape.images / CHUNKS;
            for (int64_t n = chunk * shape.images / CHUNKS; n < end; n++)
                for (int64_t h = 0; h < shape.height; h++) {
                    window.go(x + n * shape.height * shape.line(), h);
                    const T* line = g + (n * shape.height + h) * shape.line();
                    if (shape.line() % LANES) {
                        std::copy(line, line + shape.line(), +padded);
                        line = padded;
                    }
                    for (int64_t phase = 0; phase < period / LANES; phase++)
                        for (int i = 0; i < K; i += R)
                            products<R, K>(window.rows + i, line, shape, phase,
                                           sums + chunk * size + i * K * period);
                }
        }
    }
    for (int64_t c = 0; c < shape.channels; c++)
        for (int t = 0; t < K * K; t++) {
            T total = 0;
            for (int64_t chunk = 0; chunk < CHUNKS; chunk++)
                for (int64_t i = c; i < period; i += shape.channels)
                    total += sums[chunk * size + t * period + i];
            w[c * K * K + t] = total;
        }
}

}  // namespace

#define ENTRIES(T)                                                                               \
    void convolve_##T(const T* x, const T* w, int turned, T* y, int64_t n, int64_t h,            \
                      int64_t width, int64_t c, int k, int threads) {                            \
        auto function = k == 3 ? convolve<3, T> : convolve<5, T>;                                \
        function(x, w, turned, y, {n, h, width, c}, threads);                                    \
    }                                                                                            \
    void weight_gradient_##T(const T* x, const T* g, T* w, int64_t n, int64_t h, int64_t width,  \
                             int64_t c, int k, int threads) {                                    \
        auto function = k == 3 ? weight_gradient<3, T> : weight_gradient<5, T>;                  \
        function(x, g, w, {n, h, width, c}, threads);                                            \
    }

extern "C" {
ENTRIES(float)
ENTRIES(double)
}
