//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#define _GNU_SOURCE
#include "CWeirMachine.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

int64_t weir_free_bytes(const char *directory) {
    struct statvfs status;
    return statvfs(directory, &status) == 0 ? (int64_t)status.f_bavail * (int64_t)status.f_frsize : 0;
}

int64_t weir_file_size(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 ? (int64_t)status.st_size : 0;
}

#ifdef __linux__

#include <sys/mount.h>
#include <sys/syscall.h>

enum { nobody = 65534 };

int weir_mount_memory(const char *directory, int64_t bytes) {
    char options[64];
    snprintf(options, sizeof options, "size=%lld", (long long)bytes);
    return mount("tmpfs", directory, "tmpfs", 0, options) == 0 ? 0 : errno;
}

void weir_unmount(const char *directory) { umount2(directory, MNT_DETACH); }

// The system calls themselves: the C library's functions would change every thread of the process.
int weir_become_nobody(void) {
    if (geteuid() != 0) return 0;
    return syscall(SYS_setresuid, -1, nobody, -1) == 0 ? 0 : errno;
}

void weir_become_somebody(void) {
    if (getuid() == 0) syscall(SYS_setresuid, -1, 0, -1);
}

#else

int weir_mount_memory(const char *directory, int64_t bytes) {
    (void)directory;
    (void)bytes;
    return EPERM;
}

void weir_unmount(const char *directory) { (void)directory; }
int weir_become_nobody(void) { return geteuid() == 0 ? EPERM : 0; }
void weir_become_somebody(void) {}

#endif
