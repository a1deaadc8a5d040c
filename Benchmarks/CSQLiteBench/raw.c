//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#include "CSQLiteBench.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// MARK: Connections

typedef struct {
    sqlite3 *db;
    sqlite3_stmt *begin, *begin_immediate, *commit, *point, *page, *scan, *update;
} connection;

struct weir_bench_raw {
    int64_t rows;
    int readers;
    pthread_mutex_t writing;
    connection writer;
    connection reader[];
};

_Noreturn static void fail(sqlite3 *db, const char *what) {
    fprintf(stderr, "raw: %s: %s\n", what, db != NULL ? sqlite3_errmsg(db) : "out of memory");
    exit(1);
}

static void execute(sqlite3 *db, const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail(db, sql);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) fail(db, sql);
    return statement;
}

static void once(connection *c, sqlite3_stmt *statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) fail(c->db, sqlite3_sql(statement));
    sqlite3_reset(statement);
}

static connection open_connection(const char *path, bool is_full, int cache_kib, const char *vfs) {
    connection c = {0};
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE;
    if (sqlite3_open_v2(path, &c.db, flags, vfs) != SQLITE_OK) fail(c.db, path);
    char text[256];
    snprintf(text, sizeof text,
        "PRAGMA cache_size=%d; PRAGMA temp_store=1; PRAGMA mmap_size=0; PRAGMA foreign_keys=1; PRAGMA secure_delete=FAST; "
        "PRAGMA synchronous=%d", -cache_kib, is_full ? 2 : 1);
    execute(c.db, text);
    sqlite3_busy_timeout(c.db, 5000);
    c.begin = prepare(c.db, "BEGIN");
    c.begin_immediate = prepare(c.db, "BEGIN IMMEDIATE");
    c.commit = prepare(c.db, "COMMIT");
    c.point = prepare(c.db, "SELECT name, status, created, attempts FROM jobs WHERE id = ?");
    c.page = prepare(c.db,
        "SELECT id, repository, name, status, created FROM jobs WHERE id >= ? ORDER BY id LIMIT 25");
    c.scan = prepare(c.db, "SELECT id, status, created, started, completed FROM jobs WHERE id >= ? AND id < ?");
    c.update = prepare(c.db, "UPDATE jobs SET attempts = attempts + 1 WHERE id = ?");
    return c;
}

static void close_connection(connection *c) {
    sqlite3_stmt *all[] = {c->begin, c->begin_immediate, c->commit, c->point, c->page, c->scan, c->update};
    for (size_t index = 0; index < sizeof all / sizeof *all; index++) sqlite3_finalize(all[index]);
    sqlite3_close(c->db);
}

weir_bench_raw *weir_bench_raw_open(
    const char *path, int readers, bool is_full, int reader_cache_kib, int writer_cache_kib, int64_t rows,
    const char *vfs) {
    weir_bench_raw *raw = calloc(1, sizeof *raw + (size_t)readers * sizeof(connection));
    raw->rows = rows;
    raw->readers = readers;
    pthread_mutex_init(&raw->writing, NULL);
    raw->writer = open_connection(path, is_full, writer_cache_kib, vfs);
    for (int index = 0; index < readers; index++)
        raw->reader[index] = open_connection(path, is_full, reader_cache_kib, vfs);
    return raw;
}

void weir_bench_raw_close(weir_bench_raw *raw) {
    for (int index = 0; index < raw->readers; index++) close_connection(&raw->reader[index]);
    close_connection(&raw->writer);
    pthread_mutex_destroy(&raw->writing);
    free(raw);
}

void weir_bench_raw_execute(weir_bench_raw *raw, const char *sql) {
    once(&raw->writer, raw->writer.begin_immediate);
    execute(raw->writer.db, sql);
    once(&raw->writer, raw->writer.commit);
}

// MARK: Operations

static void bind(connection *c, sqlite3_stmt *statement, int index, int64_t value) {
    if (sqlite3_bind_int64(statement, index, value) != SQLITE_OK) fail(c->db, "bind");
}

/// Copies a text out of the row, as the other peers do.
static int64_t take_text(sqlite3_stmt *statement, int column, char *into, size_t capacity) {
    const unsigned char *text = sqlite3_column_text(statement, column);
    size_t bytes = (size_t)sqlite3_column_bytes(statement, column);
    memcpy(into, text, bytes < capacity ? bytes : capacity);
    return (int64_t)bytes;
}

static int64_t point_read(connection *c, int64_t id) {
    char name[64], status[16];
    bind(c, c->point, 1, id);
    if (sqlite3_step(c->point) != SQLITE_ROW) fail(c->db, "no row");
    int64_t sum = take_text(c->point, 0, name, sizeof name) + take_text(c->point, 1, status, sizeof status);
    sum += sqlite3_column_int64(c->point, 2) + (sqlite3_column_int64(c->point, 3) & 0);
    sqlite3_reset(c->point);
    return sum;
}

typedef struct {
    int64_t id, created;
    char repository[64], name[64], status[16];
} job;

static int64_t page_read(connection *c, int64_t first) {
    job jobs[25];
    int64_t sum = 0;
    int count = 0;
    bind(c, c->page, 1, first);
    while (sqlite3_step(c->page) == SQLITE_ROW) {
        job *j = &jobs[count++];
        j->id = sqlite3_column_int64(c->page, 0);
        sum += take_text(c->page, 1, j->repository, sizeof j->repository);
        sum += take_text(c->page, 2, j->name, sizeof j->name);
        sum += take_text(c->page, 3, j->status, sizeof j->status);
        j->created = sqlite3_column_int64(c->page, 4);
        sum += j->id + j->created;
    }
    if (count != 25) fail(c->db, "page");
    sqlite3_reset(c->page);
    return sum;
}

static int64_t scan(connection *c, int64_t first) {
    int64_t sum = 0;
    int count = 0;
    char status[16];
    bind(c, c->scan, 1, first);
    bind(c, c->scan, 2, first + 10000);
    while (sqlite3_step(c->scan) == SQLITE_ROW) {
        sum += sqlite3_column_int64(c->scan, 0) + take_text(c->scan, 1, status, sizeof status);
        sum += sqlite3_column_int64(c->scan, 4) - sqlite3_column_int64(c->scan, 3);
        sum += sqlite3_column_int64(c->scan, 3) - sqlite3_column_int64(c->scan, 2);
        count++;
    }
    if (count != 10000) fail(c->db, "scan");
    sqlite3_reset(c->scan);
    return sum;
}

static int64_t write_rows(weir_bench_raw *raw, uint64_t random, int count) {
    connection *c = &raw->writer;
    int64_t sum = 0;
    pthread_mutex_lock(&raw->writing);
    once(c, c->begin_immediate);
    for (int index = 0; index < count; index++) {
        int64_t id = 1 + (int64_t)(random % (uint64_t)raw->rows);
        bind(c, c->update, 1, id);
        once(c, c->update);
        sum += id;
        weir_bench_next(&random);
    }
    once(c, c->commit);
    pthread_mutex_unlock(&raw->writing);
    return sum;
}

static int64_t read_rows(weir_bench_raw *raw, connection *c, weir_bench_kind kind, uint64_t random) {
    int64_t sum = 0;
    once(c, c->begin);
    switch (kind) {
    case weir_bench_page_read: sum = page_read(c, 1 + (int64_t)(random % (uint64_t)(raw->rows - 25))); break;
    case weir_bench_scan: sum = scan(c, 1 + (int64_t)(random % (uint64_t)(raw->rows - 10000))); break;
    case weir_bench_point_read:
    case weir_bench_mixed: sum = point_read(c, 1 + (int64_t)(random % (uint64_t)raw->rows)); break;
    default: break;
    }
    once(c, c->commit);
    return sum;
}

static int64_t operate(weir_bench_raw *raw, connection *c, weir_bench_kind kind, uint64_t random) {
    switch (kind) {
    case weir_bench_single_write: return write_rows(raw, random, 1);
    case weir_bench_ten_writes: return write_rows(raw, random, 10);
    case weir_bench_mixed:
        if (random % 10 == 0) return write_rows(raw, random / 10, 1);
        return read_rows(raw, c, kind, random / 10);
    default: return read_rows(raw, c, kind, random);
    }
}

// MARK: Threads

static _Atomic bool stopped;

void weir_bench_set_stopped(bool is_stopped) { atomic_store(&stopped, is_stopped); }

bool weir_bench_is_stopped(void) { return atomic_load_explicit(&stopped, memory_order_relaxed); }

typedef struct {
    weir_bench_raw *raw;
    connection *connection;
    weir_bench_kind kind;
    uint64_t end, operations_max, state;
    weir_bench_result result;
} worker;

static void *work(void *argument) {
    worker *w = argument;
    uint64_t began = weir_bench_now();
    while (w->result.operations < w->operations_max && began < w->end && !weir_bench_is_stopped()) {
        w->result.sum += operate(w->raw, w->connection, w->kind, weir_bench_next(&w->state));
        uint64_t now = weir_bench_now();
        uint64_t taken = now - began;
        w->result.counts[weir_bench_bucket(taken)]++;
        if (taken > w->result.max_ns) w->result.max_ns = taken;
        w->result.operations++;
        began = now;
    }
    return NULL;
}

void weir_bench_raw_run(
    weir_bench_raw *raw, weir_bench_kind kind, int threads, double seconds, uint64_t operations_max, uint64_t seed,
    weir_bench_result *result) {
    if (threads > raw->readers) threads = raw->readers;
    worker *workers = calloc((size_t)threads, sizeof *workers);
    pthread_t *ids = calloc((size_t)threads, sizeof *ids);
    uint64_t began = weir_bench_now();
    uint64_t end = began + (uint64_t)(seconds * 1e9);
    for (int index = 0; index < threads; index++) {
        workers[index] = (worker){raw, &raw->reader[index], kind, end, operations_max, seed + (uint64_t)index, {0}};
        if (pthread_create(&ids[index], NULL, work, &workers[index]) != 0) fail(NULL, "pthread_create");
    }
    memset(result, 0, sizeof *result);
    for (int index = 0; index < threads; index++) {
        pthread_join(ids[index], NULL);
        weir_bench_result *part = &workers[index].result;
        result->operations += part->operations;
        result->sum += part->sum;
        if (part->max_ns > result->max_ns) result->max_ns = part->max_ns;
        for (int bucket = 0; bucket < weir_bench_buckets; bucket++) result->counts[bucket] += part->counts[bucket];
    }
    result->elapsed_ns = weir_bench_now() - began;
    free(ids);
    free(workers);
}
