//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

// The executable's own malloc and kin take the place of the C library's in the whole process, Swift's runtime and SQLite
// included. They count while told to, and pass on. Only glibc has the names they pass on to.

#include "CSQLiteBench.h"

#include <stdatomic.h>
#include <stdlib.h>

static _Atomic bool counting;
static _Atomic uint64_t allocations;

void weir_bench_count_allocations(bool is_counting) { atomic_store(&counting, is_counting); }

uint64_t weir_bench_allocations(void) { return atomic_load(&allocations); }

#ifdef __GLIBC__

static inline void count(void) {
    if (atomic_load_explicit(&counting, memory_order_relaxed))
        atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
}

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t bytes) {
    count();
    return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes) {
    count();
    return __libc_calloc(number, bytes);
}

void *realloc(void *old, size_t bytes) {
    count();
    return __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    count();
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **result, size_t alignment, size_t bytes) {
    count();
    void *memory = __libc_memalign(alignment, bytes);
    if (memory == NULL) return 12;
    *result = memory;
    return 0;
}

#endif
