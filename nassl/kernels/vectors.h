// Vectors of the processor's width, for every kernel.

#pragma once

#include <cstdint>
#include <vector>

#ifdef __AVX512F__
constexpr int VECTOR_BYTES = 64;
#else
constexpr int VECTOR_BYTES = 32;
#endif

template <class T>
struct Vectors {
    static constexpr int LANES = VECTOR_BYTES / sizeof(T);
    typedef T Vector __attribute__((vector_size(VECTOR_BYTES)));
    typedef T Anywhere __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(T)), may_alias));
    static Vector load(const T* from) { return *reinterpret_cast<const Anywhere*>(from); }
    static void store(T* to, Vector value) { *reinterpret_cast<Anywhere*>(to) = value; }
};

// Zeros at first; aligned, so that no vector lies across two lines of the cache.
template <class T>
class Aligned {
   public:
    explicit Aligned(int64_t count) : vectors((count + Vectors<T>::LANES - 1) / Vectors<T>::LANES) {}
    operator T*() { return vectors.data()->numbers; }

   private:
    struct alignas(VECTOR_BYTES) Numbers {
        T numbers[Vectors<T>::LANES];
    };
    std::vector<Numbers> vectors;
};
