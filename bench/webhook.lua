-- SPDX-License-Identifier: Apache-2.0
--
-- Sends the deliveries of a corpus (see webhook_corpus.py) with wrk, each at most once:
--
--   wrk -t1 -c64 -d20s -s webhook.lua http://127.0.0.1:18080 -- CORPUS THREADS
--
-- THREADS repeats wrk's -t, because a script cannot ask for it: thread i of n takes the deliveries i, i + n, i + 2n, …
-- Prints one line of JSON. When the deliveries run out the run ends as a failure: "CORPUS EXHAUSTED" and status 3.
--
-- There is no response() here: it would make wrk parse every header into Lua. wrk itself counts what is above 399;
-- that each answer below was a 202 is for the caller to check against the server's own counters.

local ffi = require("ffi")

ffi.cdef [[
  int open(const char *path, int flags);
  void *mmap(void *address, size_t length, int protection, int flags, int descriptor, int64_t offset);
  int close(int descriptor);
  typedef struct { char magic[8]; uint32_t version, record_size; uint64_t deliveries, bytes; } corpus_header;
  typedef struct { uint64_t offset; uint32_t length, body_length; } corpus_record;
]]

local READ_ONLY, PROT_READ, MAP_SHARED = 0, 1, 1

local function map(path, length)
  local descriptor = ffi.C.open(path, READ_ONLY)
  if descriptor < 0 then error("cannot open " .. path) end
  local address = ffi.C.mmap(nil, length, PROT_READ, MAP_SHARED, descriptor, 0)
  ffi.C.close(descriptor)
  if ffi.cast("intptr_t", address) == -1 then error("cannot map " .. path) end
  return ffi.cast("const uint8_t *", address)
end

-- In the main state: setup() is called once for each thread, before the thread's own init().

local threads = {}

function setup(thread)
  thread:set("thread_index", #threads)
  table.insert(threads, thread)
end

-- In each thread's state.

handed_out = 0
exhausted = 0

local data, records, following, step, deliveries
local verified = false

function init(arguments)
  local path, count = arguments[1], tonumber(arguments[2])
  if not path or not count then error("usage: wrk … -s webhook.lua URL -- CORPUS THREADS") end
  if thread_index >= count then error("wrk runs more threads than the " .. count .. " given after --") end
  local file = assert(io.open(path .. ".index", "rb"))
  local header = ffi.cast("const corpus_header *", assert(file:read(ffi.sizeof("corpus_header"))))
  file:close()
  if ffi.string(header.magic, 8) ~= "WEIRCORP" or header.version ~= 1
    or header.record_size ~= ffi.sizeof("corpus_record") then
    error(path .. ".index is no corpus index of version 1")
  end
  deliveries = tonumber(header.deliveries)
  local index = map(path .. ".index", ffi.sizeof("corpus_header") + deliveries * ffi.sizeof("corpus_record"))
  records = ffi.cast("const corpus_record *", index + ffi.sizeof("corpus_header"))
  data = map(path, tonumber(header.bytes))
  following, step = thread_index, count
end

function request()
  -- Before the run wrk asks the first thread for one request and only looks at it; no delivery is spent on that.
  if not verified then
    verified = true
    if thread_index == 0 then return wrk.format("GET", "/healthz") end
  end
  if following >= deliveries then
    exhausted = exhausted + 1
    wrk.thread:stop()
    -- wrk still sends what this returns; it may not be a delivery that was sent before.
    return wrk.format("GET", "/corpus-exhausted")
  end
  local record = records[following]
  following = following + step
  handed_out = handed_out + 1
  return ffi.string(data + record.offset, record.length)
end

-- In the main state again.

function done(summary, latency)
  local sent, missing = 0, 0
  for _, thread in ipairs(threads) do
    sent = sent + thread:get("handed_out")
    missing = missing + thread:get("exhausted")
  end
  local errors = summary.errors
  io.stdout:write(string.format(
    '{"requests":%d,"handed_out":%d,"seconds":%.6f,"requests_per_s":%.1f,"bytes_read":%d,'
      .. '"p50_ms":%.3f,"p90_ms":%.3f,"p99_ms":%.3f,"p999_ms":%.3f,"max_ms":%.3f,'
      .. '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d},"exhausted":%d}\n',
    summary.requests, sent, summary.duration / 1e6, summary.requests / (summary.duration / 1e6), summary.bytes,
    latency:percentile(50) / 1e3, latency:percentile(90) / 1e3, latency:percentile(99) / 1e3,
    latency:percentile(99.9) / 1e3, latency.max / 1e3,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout, missing))
  io.stdout:flush()
  if missing > 0 then
    io.stderr:write("CORPUS EXHAUSTED: make one with more deliveries, or run for a shorter time\n")
    os.exit(3)
  end
end
