// Loops over rows, compiled once for every level of vector instructions, and how they are called. The file that includes this
// one says which loops it needs: `LOOPS` is "Rows.hpp" or "Attention.hpp".

#pragma once

#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>
#include <utility>
#include <vector>

#include "Kernels.hpp"

#define ROW static inline __attribute__((always_inline))
/// Lets sums and maxima be taken in the order that vectors want.
#define IN_ANY_ORDER _Pragma("clang fp reassociate(on) contract(fast)")

#define LEVEL plain
#define BITS 128
#include LOOPS
#undef LEVEL
#undef BITS
#ifdef __x86_64__
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,f16c,lzcnt,movbe"))), apply_to = function)
#define LEVEL avx2
#define BITS 256
#include LOOPS
#undef LEVEL
#undef BITS
#pragma clang attribute pop
#define BITS 512
// The features one by one: told the level x86-64-v4 instead, the compiler would prefer vectors of half the width.
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi,bmi2,f16c,lzcnt,movbe"))), apply_to = function)
#define LEVEL avx512
#include LOOPS
#undef LEVEL
#pragma clang attribute pop
#pragma clang attribute push( \
    __attribute__((target("avx512bf16,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi,bmi2,f16c,lzcnt,movbe"))), apply_to = function)
#define LEVEL avx512bf16
#define PAIRS
#include LOOPS
#undef LEVEL
#undef PAIRS
#pragma clang attribute pop
#undef BITS
#endif
#undef ROW
#undef IN_ANY_ORDER

namespace ctorch {

using plain::bits16;

/// The vectors that the processor has, and those that the current thread's operations use.
inline const int32_t available_vectors = vector_bits();
inline thread_local int32_t used_vectors = available_vectors;

inline const bool multiplies_pairs = has_bf16_products();

/// A call of a function of the loops.
#ifdef __x86_64__
#define ON_THIS_PROCESSOR(call)                                          \
    (used_vectors == 512   ? multiplies_pairs ? avx512bf16::call : avx512::call \
     : used_vectors == 256 ? avx2::call                                  \
                           : plain::call)
#else
#define ON_THIS_PROCESSOR(call) plain::call
#endif

/// Calls `body` for every row, on all of libtorch's threads where there is enough to do, and with the calling one's vectors.
///
/// at::parallel_for would be serial here: it is a template, parallel only where the compiler has OpenMP switched on. The loop
/// of a TensorIterator is libtorch's own, so one walks over a byte a row.
template <class Body>
static void each_row(int64_t rows, int64_t width, Body body) {
    constexpr int64_t elements_worth_a_thread = 8192;
    auto bytes = at::empty({rows}, at::kByte);
    auto *first = static_cast<char *>(bytes.data_ptr());
    auto walk = at::TensorIterator::borrowing_nullary_op(bytes);
    auto run = [&, vectors = used_vectors](char **data, const int64_t *, int64_t count) {
        used_vectors = vectors;
        int64_t begin = data[0] - first;
        for (int64_t row = begin; row < begin + count; row++) body(row);
    };
    walk.for_each(run, std::max<int64_t>(1, elements_worth_a_thread / std::max<int64_t>(1, width)));
}

template <class T>
static T *data(const at::Tensor &x) {
    return static_cast<T *>(x.data_ptr());
}

/// Calls `body` with a null pointer of the type that stands for the tensor's elements.
template <class Body>
static void with_type(const at::Tensor &x, Body body) {
    switch (x.scalar_type()) {
        case at::kFloat: return body(static_cast<float *>(nullptr));
        case at::kBFloat16: return body(static_cast<bits16 *>(nullptr));
        default: TORCH_CHECK(false, "expected float32 or bfloat16, got ", x.scalar_type());
    }
}

}  // namespace ctorch
