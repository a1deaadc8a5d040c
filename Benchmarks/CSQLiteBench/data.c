//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#include "CSQLiteBench.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

_Noreturn static void fail(sqlite3 *db, const char *what) {
    fprintf(stderr, "%s: %s\n", what, db != NULL ? sqlite3_errmsg(db) : "out of memory");
    exit(1);
}

/// The text of a job's row comes from its number alone, so that every peer holds the same rows.
static const char fill[] =
    "INSERT INTO jobs SELECT id, 'weir-example/service-' || (id % 97), 'build and test / linux (' || (id % 1000) || ')',"
    " 'feature/' || (id % 311), CASE id % 3 WHEN 0 THEN 'completed' WHEN 1 THEN 'in_progress' ELSE 'queued' END,"
    " 1700000000000 + id * 1000, 1700000000000 + id * 1000 + id % 60000, 1700000000000 + id * 1000 + id % 600000, 0"
    " FROM (WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ?) SELECT id FROM n)";

void weir_bench_fill(const char *path, int64_t rows, int32_t application_id) {
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK) fail(db, path);
    char text[2048];
    snprintf(text, sizeof text,
        "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA application_id=%d; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
        "CREATE TABLE jobs(id INTEGER PRIMARY KEY, repository TEXT NOT NULL, name TEXT NOT NULL, branch TEXT NOT NULL,"
        " status TEXT NOT NULL, created INTEGER NOT NULL, started INTEGER NOT NULL, completed INTEGER NOT NULL,"
        " attempts INTEGER NOT NULL);"
        "CREATE TABLE old(id INTEGER PRIMARY KEY, body TEXT NOT NULL); CREATE INDEX old_body ON old(body)",
        application_id);
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) fail(db, "create");
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, fill, -1, &statement, NULL) != SQLITE_OK) fail(db, "fill");
    if (sqlite3_bind_int64(statement, 1, rows) != SQLITE_OK || sqlite3_step(statement) != SQLITE_DONE) fail(db, "fill");
    sqlite3_finalize(statement);
    if (sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL) != SQLITE_OK) fail(db, "checkpoint");
    sqlite3_close(db);
}

static int64_t integer(sqlite3 *db, const char *sql) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) fail(db, sql);
    if (sqlite3_step(statement) != SQLITE_ROW) fail(db, sql);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

int64_t weir_bench_integer(const char *path, const char *sql) {
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK) fail(db, path);
    int64_t value = integer(db, sql);
    sqlite3_close(db);
    return value;
}

double weir_bench_row_bytes(const char *path) {
    int64_t bytes = weir_bench_integer(path, "PRAGMA page_count") * weir_bench_integer(path, "PRAGMA page_size");
    return (double)bytes / (double)weir_bench_integer(path, "SELECT count(*) FROM jobs");
}

void weir_bench_sleep_until(uint64_t instant) {
    for (uint64_t now = weir_bench_now(); now < instant; now = weir_bench_now()) {
        uint64_t rest = instant - now;
        struct timespec pause = {(time_t)(rest / 1000000000u), (long)(rest % 1000000000u)};
        nanosleep(&pause, NULL);
    }
}

double weir_bench_processor_seconds(double *all) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    *all = 0;
    FILE *file = fopen("/proc/stat", "r");
    if (file != NULL) {
        unsigned long long user, nice, system, idle, wait, irq, softirq, steal;
        if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait, &irq,
                   &softirq, &steal) == 8)
            *all = (double)(user + nice + system + irq + softirq + steal) / (double)sysconf(_SC_CLK_TCK);
        fclose(file);
    }
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

const char *weir_bench_sqlite_version(void) { return sqlite3_libversion(); }
