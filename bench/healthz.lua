-- SPDX-License-Identifier: Apache-2.0
--
-- GET /healthz with wrk: what the server's HTTP side can do at most, and the base the webhook's rate is compared with.
--
--   wrk -t1 -c64 -d8s -s healthz.lua http://127.0.0.1:18080
--
-- Prints the same line of JSON as webhook.lua.

wrk.path = "/healthz"

function done(summary, latency)
  local errors = summary.errors
  io.stdout:write(string.format(
    '{"requests":%d,"seconds":%.6f,"requests_per_s":%.1f,"bytes_read":%d,'
      .. '"p50_ms":%.3f,"p90_ms":%.3f,"p99_ms":%.3f,"p999_ms":%.3f,"max_ms":%.3f,'
      .. '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\n',
    summary.requests, summary.duration / 1e6, summary.requests / (summary.duration / 1e6), summary.bytes,
    latency:percentile(50) / 1e3, latency:percentile(90) / 1e3, latency:percentile(99) / 1e3,
    latency:percentile(99.9) / 1e3, latency.max / 1e3,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
  io.stdout:flush()
end
