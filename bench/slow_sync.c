// SPDX-License-Identifier: Apache-2.0
//
// Preloaded, makes every synchronisation of a file take SLOW_SYNC_MILLISECONDS longer, as a busy network disk does.
//
//   cc -O2 -shared -fPIC -o slow_sync.so slow_sync.c
//   LD_PRELOAD=./slow_sync.so SLOW_SYNC_MILLISECONDS=100 weir serve

#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_as_told(void) {
    const char *text = getenv("SLOW_SYNC_MILLISECONDS");
    long milliseconds = text == NULL ? 0 : atol(text);
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    if (milliseconds > 0) nanosleep(&pause, NULL);
}

int fsync(int descriptor) {
    wait_as_told();
    return (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
    wait_as_told();
    return (int)syscall(SYS_fdatasync, descriptor);
}
