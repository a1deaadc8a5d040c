//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#ifndef CWEIRJSON_H
#define CWEIRJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// UTF-8 inside the parser's memory; bytes is NULL for a field that is null or missing.
typedef struct {
    const uint8_t *bytes;
    int64_t count;
} weir_json_text;

typedef struct {
    bool is_present;
    int64_t value;
} weir_json_number;

/// Why a payload was not read.
typedef enum {
    WEIR_JSON_OK = 0,
    /// The text is not JSON.
    WEIR_JSON_INVALID = 1,
    /// A field that must be there is missing or null.
    WEIR_JSON_MISSING = 2,
    /// A field has another type than documented.
    WEIR_JSON_MISMATCH = 3,
} weir_json_code;

typedef struct {
    weir_json_code code;
    /// The path of the field at fault, a constant; NULL for WEIR_JSON_INVALID.
    const char *field;
} weir_json_result;

/// The fields of a workflow_job payload that Weir keeps.
typedef struct {
    int64_t id, run_id;
    weir_json_number run_attempt;
    weir_json_text name, workflow_name, head_branch, head_sha, status, conclusion;
    weir_json_text created_at, started_at, completed_at, runner_name, runner_group_name;
    weir_json_text failed_step, sender, repository, repository_url;
    const weir_json_text *labels;
    int64_t label_count;
} weir_json_job;

/// The fields of a workflow_run payload that Weir keeps.
typedef struct {
    int64_t id;
    weir_json_number run_attempt;
    weir_json_text name, path, display_title, head_branch, head_sha, commit_message, event, status, conclusion;
    weir_json_text actor, created_at, run_started_at, updated_at, workflow_name, repository, repository_url;
} weir_json_run;

/// Reads a payload. What the texts point to is valid on this thread until the next call.
weir_json_result weir_json_read_job(const uint8_t *json, size_t length, weir_json_job *job);
weir_json_result weir_json_read_run(const uint8_t *json, size_t length, weir_json_run *run);

#ifdef __cplusplus
}
#endif

#endif
