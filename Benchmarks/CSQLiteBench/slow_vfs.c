//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#include "CSQLiteBench.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const char *const weir_bench_slow_vfs = "bench-slow";

static _Atomic uint32_t delay_microseconds;
static _Atomic uint64_t syncs;
static sqlite3_vfs *usual, slow;

// SQLite's own VFS has a table of methods for each way of locking; each gets a copy in which xSync alone is ours. A file
// stays SQLite's own object, so nothing else has to be passed on.
enum { tables_max = 8 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    const sqlite3_io_methods *original;
    sqlite3_io_methods copy;
} tables[tables_max];

static int slow_sync(sqlite3_file *file, int flags) {
    int code = SQLITE_IOERR_FSYNC;
    for (int index = 0; index < tables_max; index++) {
        if (file->pMethods == &tables[index].copy) code = tables[index].original->xSync(file, flags);
    }
    uint32_t delay = atomic_load_explicit(&delay_microseconds, memory_order_relaxed);
    atomic_fetch_add_explicit(&syncs, 1, memory_order_relaxed);
    struct timespec pause = {delay / 1000000, (long)(delay % 1000000) * 1000};
    if (delay != 0) nanosleep(&pause, NULL);
    return code;
}

static int slow_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out) {
    (void)vfs;
    int code = usual->xOpen(usual, name, file, flags, out);
    if (code != SQLITE_OK || file->pMethods == NULL) return code;
    pthread_mutex_lock(&lock);
    for (int index = 0; index < tables_max; index++) {
        if (tables[index].original == NULL) {
            tables[index].original = file->pMethods;
            tables[index].copy = *file->pMethods;
            tables[index].copy.xSync = slow_sync;
        }
        if (tables[index].original == file->pMethods) {
            file->pMethods = &tables[index].copy;
            pthread_mutex_unlock(&lock);
            return code;
        }
    }
    fprintf(stderr, "more method tables than the slow VFS has room for\n");
    exit(1);
}

void weir_bench_slow_register(bool is_default) {
    if (usual == NULL) {
        usual = sqlite3_vfs_find(NULL);
        slow = *usual;
        slow.zName = weir_bench_slow_vfs;
        slow.xOpen = slow_open;
    }
    sqlite3_vfs_register(&slow, is_default ? 1 : 0);
    if (!is_default) sqlite3_vfs_register(usual, 1);
}

void weir_bench_slow_set_delay(uint32_t microseconds) { atomic_store(&delay_microseconds, microseconds); }

uint64_t weir_bench_slow_syncs(void) { return atomic_load(&syncs); }
