//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#ifndef CWEIRFAULTVFS_H
#define CWEIRFAULTVFS_H

#include <stdint.h>

// A SQLite VFS for tests that passes everything on to the system's own, but for the call that it was told to fail. It
// counts calls, and the connections that write the database file itself. Everything is per *plan*: the files below one
// directory. Any thread may call anything.

typedef enum {
    WEIR_FAULT_OPEN = 0,
    WEIR_FAULT_READ,
    /// A read of the log, and of no other file; it counts as a read too.
    WEIR_FAULT_READ_LOG,
    WEIR_FAULT_WRITE,
    WEIR_FAULT_SYNC,
    WEIR_FAULT_TRUNCATE,
    WEIR_FAULT_LOCK,
    WEIR_FAULT_SHM_MAP,
    /// Taking a lock of the log's index; giving one back does not fail.
    WEIR_FAULT_SHM_LOCK,
    WEIR_FAULT_SIZE,
    WEIR_FAULT_DELETE,
    WEIR_FAULT_ACCESS,
    WEIR_FAULT_KINDS,
} weir_fault_kind;

typedef enum {
    /// Nothing is done.
    WEIR_FAULT_NOTHING = 0,
    /// A write writes, and a read reads, the first half only.
    WEIR_FAULT_HALF = 1,
    /// A sync is made, and said to have failed.
    WEIR_FAULT_DONE = 2,
} weir_fault_effect;

/// Registers the VFS under the name "weir-fault". Returns SQLite's result code; calling it again does nothing.
int weir_fault_install(void);

/// Begins a plan for the files below a directory. Returns its number, or -1 when there are too many at once.
int weir_fault_begin(const char *directory);

/// Ends a plan; no file of it may be open.
void weir_fault_end(int plan);

/// Fails the nth call of a kind from now on, counting from 1, with a SQLite result code.
/// is_lasting: all later ones too, until weir_fault_disarm.
void weir_fault_arm(int plan, weir_fault_kind kind, int64_t nth, int code, weir_fault_effect effect, int is_lasting);

/// From now on nothing fails.
void weir_fault_disarm(int plan);

/// Lets files grow by so many bytes together from now on; beyond, writes fail with SQLITE_FULL. Negative: no limit.
void weir_fault_limit_growth(int plan, int64_t bytes);

/// Calls of a kind so far.
int64_t weir_fault_calls(int plan, weir_fault_kind kind);

/// Calls failed so far.
int64_t weir_fault_hits(int plan);

/// Bytes written to logs so far.
int64_t weir_fault_log_bytes(int plan);

/// Open files that wrote to the database file itself, which only a checkpoint does, since the last reset.
int64_t weir_fault_database_writers(int plan);
void weir_fault_reset_database_writers(int plan);

#endif
