//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#include "CWeirCutVFS.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// MARK: The log

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static weir_cut_operation *operations;
static int64_t count, capacity;
static int is_overwrite_safe = 1;
/// Syncs of the log, or of the database, until one fails; 0: none.
static int64_t syncs_until_loss;
static int is_loss_of_log;

static void record(weir_cut_kind kind, const char *path, int64_t offset, const void *bytes, int64_t length) {
    weir_cut_operation operation = {kind, strdup(path), offset, length, NULL};
    if (bytes != NULL) {
        uint8_t *copy = malloc((size_t)length + 1);
        memcpy(copy, bytes, (size_t)length);
        operation.bytes = copy;
    }
    pthread_mutex_lock(&lock);
    if (count == capacity) {
        capacity = capacity == 0 ? 1024 : capacity * 2;
        operations = realloc(operations, (size_t)capacity * sizeof *operations);
    }
    operations[count++] = operation;
    pthread_mutex_unlock(&lock);
}

int64_t weir_cut_count(void) {
    pthread_mutex_lock(&lock);
    int64_t result = count;
    pthread_mutex_unlock(&lock);
    return result;
}

weir_cut_operation weir_cut_at(int64_t position) {
    pthread_mutex_lock(&lock);
    weir_cut_operation result = operations[position];
    pthread_mutex_unlock(&lock);
    return result;
}

void weir_cut_reset(void) {
    pthread_mutex_lock(&lock);
    for (int64_t index = 0; index < count; index++) {
        free((void *)operations[index].path);
        free((void *)operations[index].bytes);
    }
    count = 0;
    pthread_mutex_unlock(&lock);
}

void weir_cut_promise_safe_overwrite(int is_promised) {
    pthread_mutex_lock(&lock);
    is_overwrite_safe = is_promised;
    pthread_mutex_unlock(&lock);
}

void weir_cut_lose_at_sync(int64_t nth, int is_log) {
    pthread_mutex_lock(&lock);
    syncs_until_loss = nth;
    is_loss_of_log = is_log;
    pthread_mutex_unlock(&lock);
}

static int is_to_be_lost(int is_log) {
    pthread_mutex_lock(&lock);
    int is_counted = is_log == is_loss_of_log && syncs_until_loss > 0;
    int result = is_counted && syncs_until_loss == 1;
    if (is_counted) syncs_until_loss -= 1;
    pthread_mutex_unlock(&lock);
    return result;
}

// MARK: Files

typedef struct {
    sqlite3_file base;
    int is_log;
    int is_database;
    /// SQLite's Unix layer synchronises the directory with the first sync of a log or a journal that it may have made.
    int syncs_directory;
    /// NULL for temporary files, which no power cut concerns.
    char *path;
    /// The system's file follows in the same allocation.
    sqlite3_file *real;
} cut_file;

#define REAL(file) (((cut_file *)(file))->real)
#define PATH(file) (((cut_file *)(file))->path)

static int cut_close(sqlite3_file *file) {
    int code = REAL(file)->pMethods->xClose(REAL(file));
    free(PATH(file));
    PATH(file) = NULL;
    return code;
}

static int cut_read(sqlite3_file *file, void *buffer, int amount, sqlite3_int64 offset) {
    return REAL(file)->pMethods->xRead(REAL(file), buffer, amount, offset);
}

static int cut_write(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 offset) {
    int code = REAL(file)->pMethods->xWrite(REAL(file), bytes, amount, offset);
    if (code == SQLITE_OK && PATH(file)) record(WEIR_CUT_WRITE, PATH(file), offset, bytes, amount);
    return code;
}

static int cut_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int code = REAL(file)->pMethods->xTruncate(REAL(file), size);
    if (code == SQLITE_OK && PATH(file)) record(WEIR_CUT_TRUNCATE, PATH(file), size, NULL, 0);
    return code;
}

static int cut_sync(sqlite3_file *file, int flags) {
    cut_file *self = (cut_file *)file;
    if ((self->is_log || self->is_database) && is_to_be_lost(self->is_log)) {
        record(WEIR_CUT_LOSE, PATH(file), 0, NULL, 0);
        return SQLITE_IOERR_FSYNC;
    }
    int code = REAL(file)->pMethods->xSync(REAL(file), flags);
    if (code == SQLITE_OK && PATH(file)) {
        record(WEIR_CUT_SYNC, PATH(file), 0, NULL, 0);
        if (self->syncs_directory) record(WEIR_CUT_SYNC_DIRECTORY, PATH(file), 0, NULL, 0);
        self->syncs_directory = 0;
    }
    return code;
}

static int cut_size(sqlite3_file *file, sqlite3_int64 *size) { return REAL(file)->pMethods->xFileSize(REAL(file), size); }
static int cut_lock(sqlite3_file *file, int level) { return REAL(file)->pMethods->xLock(REAL(file), level); }
static int cut_unlock(sqlite3_file *file, int level) { return REAL(file)->pMethods->xUnlock(REAL(file), level); }

static int cut_check_lock(sqlite3_file *file, int *result) {
    return REAL(file)->pMethods->xCheckReservedLock(REAL(file), result);
}

static int cut_control(sqlite3_file *file, int operation, void *argument) {
    return REAL(file)->pMethods->xFileControl(REAL(file), operation, argument);
}

static int cut_sector_size(sqlite3_file *file) { return REAL(file)->pMethods->xSectorSize(REAL(file)); }

// No promises about what a cut leaves, but for that one: neither atomic sectors nor safe appends.
static int cut_characteristics(sqlite3_file *file) {
    (void)file;
    pthread_mutex_lock(&lock);
    int result = is_overwrite_safe ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0;
    pthread_mutex_unlock(&lock);
    return result;
}

static int cut_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory) {
    return REAL(file)->pMethods->xShmMap(REAL(file), region, size, extend, memory);
}

static int cut_shm_lock(sqlite3_file *file, int offset, int amount, int flags) {
    return REAL(file)->pMethods->xShmLock(REAL(file), offset, amount, flags);
}

static void cut_shm_barrier(sqlite3_file *file) { REAL(file)->pMethods->xShmBarrier(REAL(file)); }
static int cut_shm_unmap(sqlite3_file *file, int remove) { return REAL(file)->pMethods->xShmUnmap(REAL(file), remove); }

static const sqlite3_io_methods methods = {
    2, cut_close, cut_read, cut_write, cut_truncate, cut_sync, cut_size, cut_lock, cut_unlock, cut_check_lock,
    cut_control, cut_sector_size, cut_characteristics, cut_shm_map, cut_shm_lock, cut_shm_barrier, cut_shm_unmap,
    NULL, NULL,
};

// MARK: The VFS

static sqlite3_vfs *system_vfs;
static sqlite3_vfs cut_vfs;

static int cut_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *result) {
    (void)vfs;
    cut_file *self = (cut_file *)file;
    self->real = (sqlite3_file *)(self + 1);
    self->path = NULL;
    int is_kept = flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL);
    // Asked of the system itself: for SQLite an empty file is not there.
    int was_there = !is_kept || access(name, F_OK) == 0;
    self->is_log = (flags & SQLITE_OPEN_WAL) != 0;
    self->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    self->syncs_directory = (flags & SQLITE_OPEN_CREATE) && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL));
    int code = system_vfs->xOpen(system_vfs, name, self->real, flags, result);
    self->base.pMethods = self->real->pMethods ? &methods : NULL;
    if (code == SQLITE_OK && is_kept) {
        self->path = strdup(name);
        if (!was_there) record(WEIR_CUT_CREATE, name, 0, NULL, 0);
    }
    return code;
}

static int cut_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    (void)vfs;
    int code = system_vfs->xDelete(system_vfs, name, sync);
    if (code == SQLITE_OK) record(WEIR_CUT_DELETE, name, 0, NULL, 0);
    if (code == SQLITE_OK && sync) record(WEIR_CUT_SYNC_DIRECTORY, name, 0, NULL, 0);
    return code;
}

int weir_cut_install(void) {
    if (system_vfs != NULL) return SQLITE_OK;
    int code = sqlite3_initialize();
    if (code != SQLITE_OK) return code;
    system_vfs = sqlite3_vfs_find(NULL);
    cut_vfs = *system_vfs;
    cut_vfs.pNext = NULL;
    cut_vfs.zName = "weir-cut";
    cut_vfs.szOsFile = (int)sizeof(cut_file) + system_vfs->szOsFile;
    cut_vfs.xOpen = cut_open;
    cut_vfs.xDelete = cut_delete;
    return sqlite3_vfs_register(&cut_vfs, 0);
}
