// Vectors of the processor's width, for compiled kernels of every folder.

#pragma once

#include <cstdint>

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
