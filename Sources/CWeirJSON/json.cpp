//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

// Reads the few fields Weir keeps out of a payload of many, with simdjson: Foundation's decoder builds a dictionary of
// every object it looks into, which took more than half of the time of a delivery before its commit.

#include "CWeirJSON.h"

#include <simdjson.h>
#include <vector>

namespace {

using simdjson::dom::element;
using simdjson::dom::object;

/// A parser keeps the memory of its largest document; above this it is given back.
constexpr size_t kept_capacity = 1 << 20;

struct Memory {
    simdjson::dom::parser parser;
    std::vector<weir_json_text> labels;
};

Memory &memory() {
    static thread_local Memory instance;
    return instance;
}

struct Failure {
    weir_json_code code;
    const char *field;
};

[[noreturn]] void fail(weir_json_code code, const char *field) { throw Failure{code, field}; }

weir_json_text as_text(std::string_view view) {
    return {reinterpret_cast<const uint8_t *>(view.data()), static_cast<int64_t>(view.size())};
}

/// The field, or nothing when it is missing or null.
bool find(object from, const char *key, element &result) {
    return from.at_key(key).get(result) == simdjson::SUCCESS && !result.is_null();
}

weir_json_text text(object from, const char *key, const char *path) {
    element value;
    if (!find(from, key, value)) return {nullptr, 0};
    std::string_view view;
    if (value.get(view) != simdjson::SUCCESS) fail(WEIR_JSON_MISMATCH, path);
    return as_text(view);
}

weir_json_text required_text(object from, const char *key, const char *path) {
    weir_json_text result = text(from, key, path);
    if (result.bytes == nullptr) fail(WEIR_JSON_MISSING, path);
    return result;
}

weir_json_number number(object from, const char *key, const char *path) {
    element value;
    if (!find(from, key, value)) return {false, 0};
    int64_t result;
    if (value.get(result) != simdjson::SUCCESS) fail(WEIR_JSON_MISMATCH, path);
    return {true, result};
}

int64_t required_number(object from, const char *key, const char *path) {
    weir_json_number result = number(from, key, path);
    if (!result.is_present) fail(WEIR_JSON_MISSING, path);
    return result.value;
}

bool find_object(object from, const char *key, const char *path, object &result) {
    element value;
    if (!find(from, key, value)) return false;
    if (value.get(result) != simdjson::SUCCESS) fail(WEIR_JSON_MISMATCH, path);
    return true;
}

object required_object(object from, const char *key) {
    object result;
    if (!find_object(from, key, key, result)) fail(WEIR_JSON_MISSING, key);
    return result;
}

void read_repository(object root, weir_json_text &name, weir_json_text &url) {
    object repository = required_object(root, "repository");
    name = required_text(repository, "full_name", "repository.full_name");
    url = text(repository, "html_url", "repository.html_url");
}

void read_labels(object job, weir_json_job &result) {
    auto &labels = memory().labels;
    labels.clear();
    element value;
    if (find(job, "labels", value)) {
        simdjson::dom::array array;
        if (value.get(array) != simdjson::SUCCESS) fail(WEIR_JSON_MISMATCH, "workflow_job.labels");
        for (element label : array) {
            std::string_view view;
            if (label.get(view) != simdjson::SUCCESS) fail(WEIR_JSON_MISMATCH, "workflow_job.labels");
            labels.push_back(as_text(view));
        }
    }
    result.labels = labels.data();
    result.label_count = static_cast<int64_t>(labels.size());
}

weir_json_text read_failed_step(object job) {
    element value;
    if (!find(job, "steps", value)) return {nullptr, 0};
    simdjson::dom::array steps;
    if (value.get(steps) != simdjson::SUCCESS) fail(WEIR_JSON_MISMATCH, "workflow_job.steps");
    for (element item : steps) {
        object step;
        if (item.get(step) != simdjson::SUCCESS) fail(WEIR_JSON_MISMATCH, "workflow_job.steps");
        element conclusion;
        std::string_view word;
        if (find(step, "conclusion", conclusion) && conclusion.get(word) == simdjson::SUCCESS && word == "failure")
            return text(step, "name", "workflow_job.steps.name");
    }
    return {nullptr, 0};
}

void read_job(object root, weir_json_job &result) {
    object job = required_object(root, "workflow_job");
    result.id = required_number(job, "id", "workflow_job.id");
    result.run_id = required_number(job, "run_id", "workflow_job.run_id");
    result.run_attempt = number(job, "run_attempt", "workflow_job.run_attempt");
    result.name = text(job, "name", "workflow_job.name");
    result.workflow_name = text(job, "workflow_name", "workflow_job.workflow_name");
    result.head_branch = text(job, "head_branch", "workflow_job.head_branch");
    result.head_sha = text(job, "head_sha", "workflow_job.head_sha");
    result.status = required_text(job, "status", "workflow_job.status");
    result.conclusion = text(job, "conclusion", "workflow_job.conclusion");
    result.created_at = text(job, "created_at", "workflow_job.created_at");
    result.started_at = text(job, "started_at", "workflow_job.started_at");
    result.completed_at = text(job, "completed_at", "workflow_job.completed_at");
    result.runner_name = text(job, "runner_name", "workflow_job.runner_name");
    result.runner_group_name = text(job, "runner_group_name", "workflow_job.runner_group_name");
    read_labels(job, result);
    result.failed_step = read_failed_step(job);
    read_repository(root, result.repository, result.repository_url);
    object sender;
    if (find_object(root, "sender", "sender", sender)) result.sender = text(sender, "login", "sender.login");
}

void read_run(object root, weir_json_run &result) {
    object run = required_object(root, "workflow_run");
    result.id = required_number(run, "id", "workflow_run.id");
    result.run_attempt = number(run, "run_attempt", "workflow_run.run_attempt");
    result.name = text(run, "name", "workflow_run.name");
    result.path = text(run, "path", "workflow_run.path");
    result.display_title = text(run, "display_title", "workflow_run.display_title");
    result.head_branch = text(run, "head_branch", "workflow_run.head_branch");
    result.head_sha = text(run, "head_sha", "workflow_run.head_sha");
    result.event = text(run, "event", "workflow_run.event");
    result.status = required_text(run, "status", "workflow_run.status");
    result.conclusion = text(run, "conclusion", "workflow_run.conclusion");
    result.created_at = text(run, "created_at", "workflow_run.created_at");
    result.run_started_at = text(run, "run_started_at", "workflow_run.run_started_at");
    result.updated_at = text(run, "updated_at", "workflow_run.updated_at");
    object part;
    if (find_object(run, "head_commit", "workflow_run.head_commit", part))
        result.commit_message = text(part, "message", "workflow_run.head_commit.message");
    if (find_object(run, "actor", "workflow_run.actor", part))
        result.actor = text(part, "login", "workflow_run.actor.login");
    if (find_object(root, "workflow", "workflow", part)) result.workflow_name = text(part, "name", "workflow.name");
    read_repository(root, result.repository, result.repository_url);
}

template <typename Payload>
weir_json_result read(const uint8_t *json, size_t length, Payload *payload, void (*fields)(object, Payload &)) {
    *payload = {};
    auto &parser = memory().parser;
    if (parser.capacity() > kept_capacity) parser = simdjson::dom::parser();
    try {
        object root;
        if (parser.parse(json, length).get(root) != simdjson::SUCCESS) return {WEIR_JSON_INVALID, nullptr};
        fields(root, *payload);
    } catch (const Failure &failure) {
        return {failure.code, failure.field};
    }
    return {WEIR_JSON_OK, nullptr};
}

} // namespace

weir_json_result weir_json_read_job(const uint8_t *json, size_t length, weir_json_job *job) {
    return read(json, length, job, read_job);
}

weir_json_result weir_json_read_run(const uint8_t *json, size_t length, weir_json_run *run) {
    return read(json, length, run, read_run);
}
