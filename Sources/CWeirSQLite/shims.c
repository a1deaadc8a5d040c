//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#define _GNU_SOURCE
#include "CWeirSQLite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/vfs.h>
#endif

int weir_sqlite3_set_flag(sqlite3 *db, int option, int value, int *result) {
    return sqlite3_db_config(db, option, value, result);
}

int weir_sqlite3_bind_text(sqlite3_stmt *statement, int index, const char *text, int64_t bytes) {
    return sqlite3_bind_text64(statement, index, text, (sqlite3_uint64)bytes, SQLITE_TRANSIENT, SQLITE_UTF8);
}

int weir_sqlite3_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int64_t count) {
    return sqlite3_bind_blob64(statement, index, bytes, (sqlite3_uint64)count, SQLITE_TRANSIENT);
}

// SQLite's open handle of the log: opening the file a second time is none of our business.
static sqlite3_file *log_file(sqlite3 *db) {
    sqlite3_file *file = NULL;
    int code = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    return code == SQLITE_OK && file != NULL && file->pMethods != NULL ? file : NULL;
}

int64_t weir_sqlite3_log_bytes(sqlite3 *db) {
    sqlite3_file *file = log_file(db);
    sqlite3_int64 size = 0;
    return file != NULL && file->pMethods->xFileSize(file, &size) == SQLITE_OK ? (int64_t)size : 0;
}

int weir_sqlite3_rewrite_log(sqlite3 *db) {
    sqlite3_file *file = log_file(db);
    if (file == NULL) return SQLITE_OK;
    sqlite3_int64 size = 0;
    int code = file->pMethods->xFileSize(file, &size);
    if (code != SQLITE_OK || size == 0) return code;
    enum { chunk_max = 1 << 16 };
    char *chunk = malloc(chunk_max);
    if (chunk == NULL) return SQLITE_NOMEM;
    for (sqlite3_int64 offset = 0; code == SQLITE_OK && offset < size; offset += chunk_max) {
        int count = (int)(size - offset < chunk_max ? size - offset : chunk_max);
        code = file->pMethods->xRead(file, chunk, count, offset);
        if (code == SQLITE_OK) code = file->pMethods->xWrite(file, chunk, count, offset);
    }
    free(chunk);
    return code == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : code;
}

int weir_lock_exclusively(int descriptor) {
#ifdef F_OFD_SETLK
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return fcntl(descriptor, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
#else
    return flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
#endif
}

int weir_is_locked(int descriptor) {
#ifdef F_OFD_SETLK
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return fcntl(descriptor, F_OFD_GETLK, &lock) == 0 ? lock.l_type != F_UNLCK : -1;
#else
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) return errno == EWOULDBLOCK ? 1 : -1;
    flock(descriptor, LOCK_UN);
    return 0;
#endif
}

int64_t weir_file_system(const char *path) {
#ifdef __linux__
    struct statfs status;
    return statfs(path, &status) == 0 ? (int64_t)(uint32_t)status.f_type : -1;
#else
    (void)path;
    return -1;
#endif
}
