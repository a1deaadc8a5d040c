//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#ifndef CWEIRSQLITE_H
#define CWEIRSQLITE_H

#include <sqlite3.h>
#include <stdint.h>

/// Switches a flag of sqlite3_db_config, which is variadic and so out of Swift's reach.
/// Returns SQLite's result code; *result is the flag's value afterwards.
int weir_sqlite3_set_flag(sqlite3 *db, int option, int value, int *result);

/// Binds text that SQLite copies (SQLITE_TRANSIENT is a cast that Swift cannot import).
int weir_sqlite3_bind_text(sqlite3_stmt *statement, int index, const char *text, int64_t bytes);

/// Binds bytes that SQLite copies.
int weir_sqlite3_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int64_t count);

/// Size of the write-ahead log's file in bytes; 0 when there is none, or when it cannot be told.
int64_t weir_sqlite3_log_bytes(sqlite3 *db);

/// Writes the bytes of the write-ahead log over themselves and synchronises the file, through SQLite's own handle of it.
/// The caller holds the write lock and runs no statement. Returns SQLite's result code.
///
/// A system that failed to write pages may mark them as written all the same, and its next sync then says nothing;
/// pages that were written again are dirty again.
int weir_sqlite3_rewrite_log(sqlite3 *db);

/// Takes an exclusive open-file-description lock on the whole file without waiting.
/// Returns 0, or errno: EAGAIN or EACCES when somebody else holds it.
int weir_lock_exclusively(int descriptor);

/// Whether another open file holds that lock: 1 or 0, or -1 when it cannot be told. The lock is not taken.
int weir_is_locked(int descriptor);

/// The magic number of the file system that a path is on (statfs), or -1 where there is none.
int64_t weir_file_system(const char *path);

#endif
