//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#ifndef CSQLITEBENCH_H
#define CSQLITEBENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

// MARK: Time, randomness, histogram: the same code for every peer

/// Nanoseconds of the monotonic clock.
static inline uint64_t weir_bench_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/// Sleeps until an instant of weir_bench_now.
void weir_bench_sleep_until(uint64_t instant);

/// Processor time of this process so far, in seconds; of all processes on the machine in `*all`, where it tells.
double weir_bench_processor_seconds(double *all);

/// The next number of the splitmix64 sequence whose state is given.
static inline uint64_t weir_bench_next(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/// Buckets of a latency histogram: exact below 128 ns, within 1.6 % up to 4 minutes.
enum { weir_bench_buckets = 2112 };

/// The bucket of a latency in nanoseconds.
static inline uint32_t weir_bench_bucket(uint64_t ns) {
    if (ns < 64) return (uint32_t)ns;
    if (ns >> 38) ns = (1ull << 38) - 1;
    uint32_t shift = 57 - (uint32_t)__builtin_clzll(ns);
    return shift * 64 + (uint32_t)(ns >> shift);
}

/// The middle of a bucket in nanoseconds.
static inline uint64_t weir_bench_bucket_value(uint32_t bucket) {
    if (bucket < 128) return bucket;
    uint32_t shift = bucket / 64 - 1;
    return ((uint64_t)(bucket - shift * 64) << shift) + ((1ull << shift) >> 1);
}

// MARK: The data

/// Creates a database of the benchmark's schema at `path`, with `rows` rows in `jobs`; the same rows for the same count.
void weir_bench_fill(const char *path, int64_t rows, int32_t application_id);

/// Bytes of the file for each row of `jobs`, its share of page headers and free space included.
double weir_bench_row_bytes(const char *path);

/// The first column of the first row of a query, on a connection of its own.
int64_t weir_bench_integer(const char *path, const char *sql);

// MARK: Stopping

/// Ends the loops of all peers early, or lets them run; for a case that lasts as long as something beside it.
void weir_bench_set_stopped(bool is_stopped);
bool weir_bench_is_stopped(void);

// MARK: The raw loop

/// What is done in each operation.
typedef enum {
    weir_bench_empty_lease,
    weir_bench_point_read,
    weir_bench_page_read,
    weir_bench_scan,
    weir_bench_single_write,
    weir_bench_ten_writes,
    weir_bench_mixed,
} weir_bench_kind;

/// Connections of the raw loop: one writer, and a reader for each thread.
typedef struct weir_bench_raw weir_bench_raw;

/// What a run found.
typedef struct {
    uint64_t operations;
    uint64_t elapsed_ns;
    uint64_t max_ns;
    /// Of the values read.
    int64_t sum;
    uint32_t counts[weir_bench_buckets];
} weir_bench_result;

/// Opens the file. Any error of SQLite ends the process with a message: a benchmark that goes on would lie.
weir_bench_raw *weir_bench_raw_open(
    const char *path, int readers, bool is_full, int reader_cache_kib, int writer_cache_kib, int64_t rows,
    const char *vfs);

/// Runs one kind on `threads` threads for `seconds`, or until each thread has done `operations_max` operations; blocks.
void weir_bench_raw_run(
    weir_bench_raw *raw, weir_bench_kind kind, int threads, double seconds, uint64_t operations_max, uint64_t seed,
    weir_bench_result *result);

/// Runs statements on the writer connection, in a transaction.
void weir_bench_raw_execute(weir_bench_raw *raw, const char *sql);

void weir_bench_raw_close(weir_bench_raw *raw);

// MARK: A slower disk

/// The name of a VFS that is SQLite's own but for a pause after each xSync.
extern const char *const weir_bench_slow_vfs;

/// Registers that VFS; `is_default` makes it the one of connections that name none. To be called from one thread.
void weir_bench_slow_register(bool is_default);

/// The pause after each xSync from now on, in microseconds.
void weir_bench_slow_set_delay(uint32_t microseconds);

/// Calls of xSync through that VFS so far.
uint64_t weir_bench_slow_syncs(void);

// MARK: Allocations

/// Starts or stops counting; only an allocation round counts, so that timed rounds share no counter.
void weir_bench_count_allocations(bool is_counting);

/// Calls of malloc, calloc, realloc and their aligned kin, counted so far in the whole process.
uint64_t weir_bench_allocations(void);

/// SQLite's version.
const char *weir_bench_sqlite_version(void);

#endif
