//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#ifndef CWEIRCUTVFS_H
#define CWEIRCUTVFS_H

#include "CWeirFaultVFS.h"
#include "CWeirMachine.h"

#include <stdint.h>

// A SQLite VFS for tests: it passes everything on to the system's own, and logs what would matter to a disk whose
// power fails: writes, truncations, syncs and deletions, in the order in which SQLite made them.

typedef enum {
    WEIR_CUT_WRITE = 1,
    WEIR_CUT_TRUNCATE = 2,
    WEIR_CUT_SYNC = 3,
    WEIR_CUT_DELETE = 4,
    /// A file that was not there was made.
    WEIR_CUT_CREATE = 5,
    /// The directory of a file was synchronised: names made and deleted in it are on the disk.
    WEIR_CUT_SYNC_DIRECTORY = 6,
    /// A sync failed. The system has dropped what was to be written and takes it for written: no later sync will
    /// write it.
    WEIR_CUT_LOSE = 7,
} weir_cut_kind;

typedef struct {
    weir_cut_kind kind;
    /// The file's whole path; valid until weir_cut_reset.
    const char *path;
    /// Of a write; of a truncation, the new size.
    int64_t offset;
    int64_t length;
    /// The bytes of a write; valid until weir_cut_reset.
    const uint8_t *bytes;
} weir_cut_operation;

/// Registers the VFS under the name "weir-cut". Returns SQLite's result code; calling it again does nothing.
int weir_cut_install(void);

/// Whether the disk promises that a write harms no byte beside it (SQLITE_IOCAP_POWERSAFE_OVERWRITE), which SQLite
/// takes for granted on this system; without the promise it fills the log up to whole sectors. Default: 1.
void weir_cut_promise_safe_overwrite(int is_promised);

/// Fails the nth sync of the log, or else of the database file, from now on, once, and loses what it was to write.
/// 0: none.
void weir_cut_lose_at_sync(int64_t nth, int is_log);

/// Operations logged so far. Any thread may ask while others write.
int64_t weir_cut_count(void);

/// The operation at a position in the log.
weir_cut_operation weir_cut_at(int64_t position);

/// Forgets everything; no database may be open through the VFS.
void weir_cut_reset(void);

#endif
