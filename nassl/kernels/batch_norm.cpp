// Batch norm in training mode, with or without a ReLU behind it, on images (N, H, W, C) in memory:
//
//   y = a (x - mean) + bias,  a = weight / sqrt(variance + epsilon),
//
// with mean and (biased) variance of every channel over all pixels. With g, the gradient of y where
// the ReLU lets it through and else 0, and M pixels:
//
//   gradient of x = a (g - sum(g) / M - (x - mean) sum(g (x - mean)) / ((variance + epsilon) M)).
//
// Pixels are cut into chunks; sums over a chunk are added in double precision in the order of the
// chunks, so that they do not depend on the number of threads. Vectors run over pixels and channels
// alike, and what belongs to a channel is repeated up to the least common multiple of C and of
// some vectors, the period.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "vectors.h"

namespace {

constexpr int64_t CHUNK = 16384;  // numbers in a chunk, at least; not more than the caches nearby hold

template <class V, class T>
V get(const T* from) {
    V value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <class T>
struct Chunks {
    static constexpr int LANES = Vectors<T>::LANES, U = 4;  // U vectors at a time
    int64_t size, channels, period, length, count;
    Chunks(int64_t pixels, int64_t channels)
        : size(pixels * channels),
          channels(channels),
          period(std::lcm(channels, int64_t(U * LANES))),
          length((std::max(CHUNK, 32 * period) + period - 1) / period * period),
          count((size + length - 1) / length) {}
    int64_t pixels(int64_t chunk) const {
        return (std::min(size, (chunk + 1) * length) - chunk * length) / channels;
    }

    // make(V, phase) gives a function (place, V& first, V& second), V a vector or a single number,
    // that is called for every place of a chunk; sums[2][channels] take what it adds up.
    template <class F>
    void walk(int64_t chunk, double* sums, F make) const {
        using V = typename Vectors<T>::Vector;
        int64_t from = chunk * length, to = std::min(size, from + length);
        if (sums) std::fill(sums, sums + 2 * channels, 0.0);
        for (int64_t phase = 0; phase < period; phase += U * LANES) {
            V first[U] = {}, second[U] = {};
            decltype(make(V(), phase)) each[U] = {
                make(V(), phase), make(V(), phase + LANES), make(V(), phase + 2 * LANES),
                make(V(), phase + 3 * LANES)};
            int64_t at = from + phase;
            for (; at + U * LANES <= to; at += period)
#pragma GCC unroll 4
                for (int u = 0; u < U; u++) each[u](at + u * LANES, first[u], second[u]);
            for (int i = 0; at + i < to; i++) {  // the end of the last image
                T one = 0, other = 0;
                make(T(), phase + i)(at + i, one, other);
                first[i / LANES][i % LANES] += one;
                second[i / LANES][i % LANES] += other;
            }
            if (!sums) continue;
            T both[2][U * LANES];
            std::memcpy(both[0], first, sizeof first);
            std::memcpy(both[1], second, sizeof second);
            for (int64_t i = 0, c = phase % channels; i < U * LANES; i++) {
                sums[c] += both[0][i];
                sums[channels + c] += both[1][i];
                if (++c == channels) c = 0;
            }
        }
    }
};

// Of every channel, repeated up to the period.
template <class T>
struct Constants {
    std::vector<T> mean, factor, offset, slope;
    explicit Constants(int64_t period)
        : mean(period), factor(period), offset(period), slope(period) {}
};

template <class T>
struct Running {  // statistics over the batches; none if null
    T *mean, *variance;
    double momentum;
};

template <class T>
void forward(const T* x, const T* weight, const T* bias, Running<T> running, double epsilon,
             bool rectify, T* y, double* mean, double* inverse, Chunks<T> chunks, int threads) {
    int64_t channels = chunks.channels;
    Constants<T> constants(chunks.period);
    std::vector<double> sums(chunks.count * 2 * channels);  // of a chunk: mean, squares
#pragma omp parallel num_threads(threads)
    {
        std::vector<T> near(chunks.period);
#pragma omp for schedule(static)
        for (int64_t chunk = 0; chunk < chunks.count; chunk++) {
            double *own = &sums[chunk * 2 * channels], pixels = chunks.pixels(chunk);
            chunks.walk(chunk, own, [&](auto kind, int64_t) {
                using V = decltype(kind);
                return [=](int64_t at, V& sum, V&) { sum += get<V>(x + at); };
            });
            for (int64_t i = 0; i < chunks.period; i++) near[i] = own[i % channels] / pixels;
            chunks.walk(chunk, own, [&](auto kind, int64_t phase) {
                using V = decltype(kind);
                V middle = get<V>(&near[phase]);
                return [=](int64_t at, V&, V& squares) {
                    V centred = get<V>(x + at) - middle;
                    squares += centred * centred;
                };
            });
            std::copy(near.begin(), near.begin() + channels, own);
        }
    }
    double total = double(chunks.size) / channels;
    for (int64_t c = 0; c < channels; c++) {
        double sum = 0, squares = 0;
        for (int64_t chunk = 0; chunk < chunks.count; chunk++)
            sum += sums[chunk * 2 * channels + c] * chunks.pixels(chunk);
        mean[c] = sum / total;
        for (int64_t chunk = 0; chunk < chunks.count; chunk++) {
            const double* own = &sums[chunk * 2 * channels];
            double apart = own[c] - mean[c];
            squares += own[channels + c] + apart * apart * chunks.pixels(chunk);
        }
        inverse[c] = 1 / std::sqrt(squares / total + epsilon);
        if (running.mean) {
            running.mean[c] += running.momentum * (mean[c] - running.mean[c]);
            running.variance[c] += running.momentum * (squares / (total - 1) - running.variance[c]);
        }
    }
    for (int64_t i = 0; i < chunks.period; i++) {
        int64_t c = i % channels;
        constants.mean[i] = mean[c];
        constants.factor[i] = inverse[c] * (weight ? weight[c] : 1);
        constants.offset[i] = bias ? bias[c] : 0;
    }
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t chunk = 0; chunk < chunks.count; chunk++)
        chunks.walk(chunk, nullptr, [&](auto kind, int64_t phase) {
            using V = decltype(kind);
            V middle = get<V>(&constants.mean[phase]), factor = get<V>(&constants.factor[phase]);
            V offset = get<V>(&constants.offset[phase]);
            return [=](int64_t at, V&, V&) {
                V value = factor * (get<V>(x + at) - middle) + offset;
                if (rectify) value = value < 0 ? V{} : value;  // what is no number stays none
                std::memcpy(y + at, &value, sizeof value);
            };
        });
}

template <class T>
void backward(const T* x, const T* g, const T* weight, const T* bias, const double* mean,
              const double* inverse, bool rectify, T* for_x, T* for_weight, T* for_bias,
              Chunks<T> chunks, int threads) {
    int64_t channels = chunks.channels;
    Constants<T> constants(chunks.period);
    for (int64_t i = 0; i < chunks.period; i++) {
        int64_t c = i % channels;
        constants.mean[i] = mean[c];
        constants.factor[i] = inverse[c] * (weight ? weight[c] : 1);
        constants.offset[i] = bias ? bias[c] : 0;
    }
    std::vector<double> sums(chunks.count * 2 * channels);
    std::vector<T> shift(chunks.period);
    // What the ReLU lets through is decided by the same arithmetic as in the forward pass.
    auto through = [=](auto gradient, auto centred, auto factor, auto offset) {
        return rectify ? (factor * centred + offset <= 0 ? decltype(gradient){} : gradient) : gradient;
    };
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t chunk = 0; chunk < chunks.count; chunk++)
        chunks.walk(chunk, &sums[chunk * 2 * channels], [&](auto kind, int64_t phase) {
            using V = decltype(kind);
            V middle = get<V>(&constants.mean[phase]), factor = get<V>(&constants.factor[phase]);
            V offset = get<V>(&constants.offset[phase]);
            return [=](int64_t at, V& sum, V& product) {
                V centred = get<V>(x + at) - middle;
                V gradient = through(get<V>(g + at), centred, factor, offset);
                sum += gradient;
                product += gradient * centred;
            };
        });
    double total = double(chunks.size) / channels;
    for (int64_t c = 0; c < channels; c++) {
        double sum = 0, product = 0;
        for (int64_t chunk = 0; chunk < chunks.count; chunk++) {
            sum += sums[chunk * 2 * channels + c];
            product += sums[(chunk * 2 + 1) * channels + c];
        }
        if (for_weight) for_weight[c] = product * inverse[c];
        if (for_bias) for_bias[c] = sum;
        for (int64_t i = c; i < chunks.period; i += channels) {
            shift[i] = sum / total;
            constants.slope[i] = product * inverse[c] * inverse[c] / total;
        }
    }
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t chunk = 0; chunk < chunks.count; chunk++)
        chunks.walk(chunk, nullptr, [&](auto kind, int64_t phase) {
            using V = decltype(kind);
            V middle = get<V>(&constants.mean[phase]), factor = get<V>(&constants.factor[phase]);
            V offset = get<V>(&constants.offset[phase]), slope = get<V>(&constants.slope[phase]);
            V less = get<V>(&shift[phase]);
            return [=](int64_t at, V&, V&) {
                V centred = get<V>(x + at) - middle;
                V gradient = through(get<V>(g + at), centred, factor, offset);
                V value = factor * (gradient - less - centred * slope);
                std::memcpy(for_x + at, &value, sizeof value);
            };
        });
}

}  // namespace

#define ENTRIES(T)                                                                               \
    void forward_##T(const T* x, const T* weight, const T* bias, T* running_mean,                \
                     T* running_variance, double momentum, double epsilon, int rectify, T* y,    \
                     double* mean, double* inverse, int64_t pixels, int64_t c, int threads) {    \
        forward(x, weight, bias, {running_mean, running_variance, momentum}, epsilon,            \
                rectify != 0, y, mean, inverse, Chunks<T>(pixels, c), threads);                  \
    }                                                                                            \
    void backward_##T(const T* x, const T* g, const T* weight, const T* bias,                    \
                      const double* mean, const double* inverse, int rectify, T* for_x,          \
                      T* for_weight, T* for_bias, int64_t pixels, int64_t c, int threads) {      \
        backward(x, g, weight, bias, mean, inverse, rectify != 0, for_x, for_weight, for_bias,   \
                 Chunks<T>(pixels, c), threads);                                                 \
    }

extern "C" {
ENTRIES(float)
ENTRIES(double)
}
