//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#ifndef CWEIRMACHINE_H
#define CWEIRMACHINE_H

#include <stdint.h>

// What tests ask of the machine: small file systems, and a user who may do nothing.

/// Mounts a file system in memory over an empty directory. Returns 0, or errno; EPERM where mounting is not allowed.
int weir_mount_memory(const char *directory, int64_t bytes);

/// Unmounts it, at once for new callers and when the last file is closed for the others.
void weir_unmount(const char *directory);

/// Bytes that may still be written to the file system of a directory.
int64_t weir_free_bytes(const char *directory);

/// Size of a file, which is not opened: closing a database file that SQLite has open would drop its locks.
/// 0 when there is none.
int64_t weir_file_size(const char *path);

/// Makes the calling thread, and no other, a user without rights. Returns 0 when it now is one.
int weir_become_nobody(void);

/// Undoes weir_become_nobody.
void weir_become_somebody(void);

#endif
