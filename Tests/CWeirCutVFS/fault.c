//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#include "CWeirFaultVFS.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

// MARK: Plans

enum { plans_max = 64, path_max = 512 };

typedef struct {
    int is_used;
    char directory[path_max];
    int64_t calls[WEIR_FAULT_KINDS];
    int64_t hits;
    /// The call that fails, counted as in `calls`; 0: none.
    int64_t target;
    weir_fault_kind kind;
    int code;
    weir_fault_effect effect;
    int is_lasting;
    /// Bytes by which files may still grow; negative: no limit.
    int64_t growth;
    int64_t log_bytes;
    int64_t database_writers;
    /// Distinguishes resets of `database_writers`.
    int64_t era;
} fault_plan;

// Guards all plans. SQLite's calls are few and slow beside a lock.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static fault_plan plans[plans_max];

static int plan_of(const char *path) {
    int found = -1;
    pthread_mutex_lock(&lock);
    for (int index = 0; path != NULL && index < plans_max; index++) {
        fault_plan *plan = &plans[index];
        if (plan->is_used && strncmp(path, plan->directory, strlen(plan->directory)) == 0) found = index;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

int weir_fault_begin(const char *directory) {
    int found = -1;
    pthread_mutex_lock(&lock);
    for (int index = 0; found < 0 && index < plans_max; index++) {
        if (plans[index].is_used) continue;
        found = index;
        memset(&plans[index], 0, sizeof plans[index]);
        plans[index].is_used = 1;
        plans[index].growth = -1;
        plans[index].era = 1;
        strncpy(plans[index].directory, directory, path_max - 1);
    }
    pthread_mutex_unlock(&lock);
    return found;
}

void weir_fault_end(int plan) {
    pthread_mutex_lock(&lock);
    plans[plan].is_used = 0;
    pthread_mutex_unlock(&lock);
}

void weir_fault_arm(int plan, weir_fault_kind kind, int64_t nth, int code, weir_fault_effect effect, int is_lasting) {
    pthread_mutex_lock(&lock);
    plans[plan].kind = kind;
    plans[plan].target = plans[plan].calls[kind] + nth;
    plans[plan].code = code;
    plans[plan].effect = effect;
    plans[plan].is_lasting = is_lasting;
    pthread_mutex_unlock(&lock);
}

void weir_fault_disarm(int plan) {
    pthread_mutex_lock(&lock);
    plans[plan].target = 0;
    pthread_mutex_unlock(&lock);
}

void weir_fault_limit_growth(int plan, int64_t bytes) {
    pthread_mutex_lock(&lock);
    plans[plan].growth = bytes;
    pthread_mutex_unlock(&lock);
}

int64_t weir_fault_calls(int plan, weir_fault_kind kind) {
    pthread_mutex_lock(&lock);
    int64_t result = plans[plan].calls[kind];
    pthread_mutex_unlock(&lock);
    return result;
}

int64_t weir_fault_hits(int plan) {
    pthread_mutex_lock(&lock);
    int64_t result = plans[plan].hits;
    pthread_mutex_unlock(&lock);
    return result;
}

int64_t weir_fault_log_bytes(int plan) {
    pthread_mutex_lock(&lock);
    int64_t result = plans[plan].log_bytes;
    pthread_mutex_unlock(&lock);
    return result;
}

int64_t weir_fault_database_writers(int plan) {
    pthread_mutex_lock(&lock);
    int64_t result = plans[plan].database_writers;
    pthread_mutex_unlock(&lock);
    return result;
}

void weir_fault_reset_database_writers(int plan) {
    pthread_mutex_lock(&lock);
    plans[plan].database_writers = 0;
    plans[plan].era += 1;
    pthread_mutex_unlock(&lock);
}

/// Counts a call, and says whether it is to fail: SQLITE_OK, or the code, and how.
static int count_call(int index, weir_fault_kind kind, weir_fault_effect *effect) {
    if (index < 0) return SQLITE_OK;
    pthread_mutex_lock(&lock);
    fault_plan *plan = &plans[index];
    int64_t number = ++plan->calls[kind];
    int code = SQLITE_OK;
    if (plan->target > 0 && plan->kind == kind &&
        (number == plan->target || (plan->is_lasting && number > plan->target))) {
        plan->hits += 1;
        code = plan->code;
        if (effect != NULL) *effect = plan->effect;
    }
    pthread_mutex_unlock(&lock);
    return code;
}

/// Takes from what files may still grow. Returns 0 when there is not enough left.
static int take_growth(int index, int64_t bytes) {
    pthread_mutex_lock(&lock);
    fault_plan *plan = &plans[index];
    int is_enough = plan->growth < 0 || bytes <= plan->growth;
    if (plan->growth >= 0 && is_enough) plan->growth -= bytes;
    if (!is_enough) plan->hits += 1;
    pthread_mutex_unlock(&lock);
    return is_enough;
}

// MARK: Files

typedef struct {
    sqlite3_file base;
    /// The plan; negative for files that belong to none.
    int plan;
    int is_database;
    int is_log;
    /// The era in which it was counted as a writer of the database.
    int64_t counted_in;
    /// The system's file follows in the same allocation.
    sqlite3_file *real;
} fault_file;

#define SELF(file) ((fault_file *)(file))
#define REAL(file) (((fault_file *)(file))->real)
#define FAIL_IF_TOLD(file, kind)                                          \
    do {                                                                  \
        int told = count_call(SELF(file)->plan, (kind), NULL);            \
        if (told != SQLITE_OK) return told;                               \
    } while (0)

static void note_write(sqlite3_file *file, int amount) {
    fault_file *self = SELF(file);
    if (self->plan < 0) return;
    pthread_mutex_lock(&lock);
    if (self->is_log) plans[self->plan].log_bytes += amount;
    if (self->is_database && self->counted_in != plans[self->plan].era) {
        self->counted_in = plans[self->plan].era;
        plans[self->plan].database_writers += 1;
    }
    pthread_mutex_unlock(&lock);
}

static int fault_close(sqlite3_file *file) { return REAL(file)->pMethods->xClose(REAL(file)); }

static int fault_read(sqlite3_file *file, void *buffer, int amount, sqlite3_int64 offset) {
    weir_fault_effect effect = WEIR_FAULT_NOTHING;
    int code = count_call(SELF(file)->plan, WEIR_FAULT_READ, &effect);
    if (code == SQLITE_OK && SELF(file)->is_log) code = count_call(SELF(file)->plan, WEIR_FAULT_READ_LOG, &effect);
    if (code == SQLITE_OK) return REAL(file)->pMethods->xRead(REAL(file), buffer, amount, offset);
    memset(buffer, 0, (size_t)amount);
    if (effect == WEIR_FAULT_HALF) REAL(file)->pMethods->xRead(REAL(file), buffer, amount / 2, offset);
    return code;
}

static int fault_write(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 offset) {
    weir_fault_effect effect = WEIR_FAULT_NOTHING;
    int code = count_call(SELF(file)->plan, WEIR_FAULT_WRITE, &effect);
    if (code == SQLITE_OK && SELF(file)->plan >= 0) {
        sqlite3_int64 size = 0;
        REAL(file)->pMethods->xFileSize(REAL(file), &size);
        if (offset + amount > size && !take_growth(SELF(file)->plan, offset + amount - size)) code = SQLITE_FULL;
    }
    if (code != SQLITE_OK) {
        if (effect == WEIR_FAULT_HALF) REAL(file)->pMethods->xWrite(REAL(file), bytes, amount / 2, offset);
        return code;
    }
    note_write(file, amount);
    return REAL(file)->pMethods->xWrite(REAL(file), bytes, amount, offset);
}

static int fault_truncate(sqlite3_file *file, sqlite3_int64 size) {
    FAIL_IF_TOLD(file, WEIR_FAULT_TRUNCATE);
    note_write(file, 0);
    return REAL(file)->pMethods->xTruncate(REAL(file), size);
}

static int fault_sync(sqlite3_file *file, int flags) {
    weir_fault_effect effect = WEIR_FAULT_NOTHING;
    int code = count_call(SELF(file)->plan, WEIR_FAULT_SYNC, &effect);
    if (code == SQLITE_OK || effect == WEIR_FAULT_DONE) {
        int real = REAL(file)->pMethods->xSync(REAL(file), flags);
        if (code == SQLITE_OK) code = real;
    }
    return code;
}

static int fault_size(sqlite3_file *file, sqlite3_int64 *size) {
    FAIL_IF_TOLD(file, WEIR_FAULT_SIZE);
    return REAL(file)->pMethods->xFileSize(REAL(file), size);
}

static int fault_lock(sqlite3_file *file, int level) {
    FAIL_IF_TOLD(file, WEIR_FAULT_LOCK);
    return REAL(file)->pMethods->xLock(REAL(file), level);
}

static int fault_unlock(sqlite3_file *file, int level) { return REAL(file)->pMethods->xUnlock(REAL(file), level); }

static int fault_check_lock(sqlite3_file *file, int *result) {
    return REAL(file)->pMethods->xCheckReservedLock(REAL(file), result);
}

static int fault_control(sqlite3_file *file, int operation, void *argument) {
    return REAL(file)->pMethods->xFileControl(REAL(file), operation, argument);
}

static int fault_sector_size(sqlite3_file *file) { return REAL(file)->pMethods->xSectorSize(REAL(file)); }

static int fault_characteristics(sqlite3_file *file) {
    return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file));
}

static int fault_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory) {
    FAIL_IF_TOLD(file, WEIR_FAULT_SHM_MAP);
    return REAL(file)->pMethods->xShmMap(REAL(file), region, size, extend, memory);
}

static int fault_shm_lock(sqlite3_file *file, int offset, int amount, int flags) {
    if (flags & SQLITE_SHM_LOCK) FAIL_IF_TOLD(file, WEIR_FAULT_SHM_LOCK);
    return REAL(file)->pMethods->xShmLock(REAL(file), offset, amount, flags);
}

static void fault_shm_barrier(sqlite3_file *file) { REAL(file)->pMethods->xShmBarrier(REAL(file)); }
static int fault_shm_unmap(sqlite3_file *file, int remove) { return REAL(file)->pMethods->xShmUnmap(REAL(file), remove); }

static const sqlite3_io_methods methods = {
    2, fault_close, fault_read, fault_write, fault_truncate, fault_sync, fault_size, fault_lock, fault_unlock,
    fault_check_lock, fault_control, fault_sector_size, fault_characteristics, fault_shm_map, fault_shm_lock,
    fault_shm_barrier, fault_shm_unmap, NULL, NULL,
};

// MARK: The VFS

static sqlite3_vfs *system_vfs;
static sqlite3_vfs fault_vfs;

static int fault_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *result) {
    (void)vfs;
    fault_file *self = SELF(file);
    int is_kept = flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL);
    self->real = (sqlite3_file *)(self + 1);
    self->plan = is_kept ? plan_of(name) : -1;
    self->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    self->is_log = (flags & SQLITE_OPEN_WAL) != 0;
    self->counted_in = 0;
    self->base.pMethods = NULL;
    FAIL_IF_TOLD(file, WEIR_FAULT_OPEN);
    int code = system_vfs->xOpen(system_vfs, name, self->real, flags, result);
    self->base.pMethods = self->real->pMethods ? &methods : NULL;
    return code;
}

static int fault_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    (void)vfs;
    int code = count_call(plan_of(name), WEIR_FAULT_DELETE, NULL);
    return code == SQLITE_OK ? system_vfs->xDelete(system_vfs, name, sync) : code;
}

static int fault_access(sqlite3_vfs *vfs, const char *name, int flags, int *result) {
    (void)vfs;
    int code = count_call(plan_of(name), WEIR_FAULT_ACCESS, NULL);
    return code == SQLITE_OK ? system_vfs->xAccess(system_vfs, name, flags, result) : code;
}

int weir_fault_install(void) {
    if (system_vfs != NULL) return SQLITE_OK;
    int code = sqlite3_initialize();
    if (code != SQLITE_OK) return code;
    system_vfs = sqlite3_vfs_find(NULL);
    fault_vfs = *system_vfs;
    fault_vfs.pNext = NULL;
    fault_vfs.zName = "weir-fault";
    fault_vfs.szOsFile = (int)sizeof(fault_file) + system_vfs->szOsFile;
    fault_vfs.xOpen = fault_open;
    fault_vfs.xDelete = fault_delete;
    fault_vfs.xAccess = fault_access;
    return sqlite3_vfs_register(&fault_vfs, 0);
}
