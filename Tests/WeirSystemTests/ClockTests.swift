//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Foundation
import TestSupport
import Testing

/// A wall clock that is wrong, or steps, times nothing out.
@Suite("Clock", .serialized, .timeLimit(.minutes(2)))
struct ClockTests {
    @Test("an hour's step of the wall clock ahead, then back: deliveries are taken, queries answered, streams live")
    func step() async throws {
        let directory = try TemporaryDirectory()
        let clock = directory.file("clock")
        try Data("+0".utf8).write(to: URL(filePath: clock))
        let library = try await Self.makeLibrary(directory)
        let server = try await ServerProcess.start(
            database: directory.file("weir.db"),
            environment: ["LD_PRELOAD": library, "CLOCK_OFFSET_FILE": clock])
        let stream = try await onThread {
            let client = try HTTPClient(port: server.port)
            try client.send(HTTPClient.head("GET", "/events"))
            _ = try client.take(until: Array("event: ingest".utf8))
            return client
        }
        var stepsSeen = 0
        for (number, offset) in ["+3600", "-3600", "+0"].enumerated() {
            let before = try await self.serverTime(server)
            try Data(offset.utf8).write(to: URL(filePath: clock))
            _ = try await eventually(within: .seconds(10)) { abs(try await self.serverTime(server) - before) > 1_800 }
            if abs(try await self.serverTime(server) - before) > 1_800 { stepsSeen += 1 }
            let body = TestWebhook.job(id: Int64(number), run: 9, status: "queued", created: 1_800_000_000)
            let webhook = TestWebhook(event: "workflow_job", body: body)
            let started = ContinuousClock.now
            try await onThread {
                #expect(try webhook.post(HTTPClient(port: server.port)).status == 202)
                _ = try stream.take(until: Array("\"queued\":\(number + 1),".utf8))
            }
            #expect(ContinuousClock.now - started < .seconds(8))
            #expect(try await server.get("/readyz").status == 200)
        }
        // Control: the clock did step, three times.
        #expect(stepsSeen == 3)
        stream.disconnect()
        #expect(try await server.stop() == 0)
    }

    private func serverTime(_ server: ServerProcess) async throws -> Double {
        let text = try await server.json("/api/summary")["at"] as? String ?? ""
        let seconds = text.prefix { $0 != "." && $0 != "Z" } + "Z"
        return try Date(String(seconds), strategy: .iso8601).timeIntervalSince1970
    }

    /// A library that moves the wall clock of a process, and that alone, by the seconds in a file.
    ///
    /// libfaketime moves absolute timers of the monotonic clock too, which no real step of the wall clock does.
    private static func makeLibrary(_ directory: TemporaryDirectory) async throws -> String {
        let source = directory.file("clock.c")
        let library = directory.file("clock.so")
        let code = """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <fcntl.h>
            #include <stdlib.h>
            #include <sys/time.h>
            #include <time.h>
            #include <unistd.h>

            static time_t offset(void) {
                char text[32] = {0};
                const char *path = getenv("CLOCK_OFFSET_FILE");
                int file = path ? open(path, O_RDONLY) : -1;
                if (file < 0) return 0;
                long count = read(file, text, sizeof text - 1);
                close(file);
                return count > 0 ? atol(text) : 0;
            }

            int clock_gettime(clockid_t clock, struct timespec *now) {
                static int (*real)(clockid_t, struct timespec *);
                if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
                int code = real(clock, now);
                if (clock == CLOCK_REALTIME) now->tv_sec += offset();
                return code;
            }

            int gettimeofday(struct timeval *restrict now, void *restrict zone) {
                struct timespec time;
                (void)zone;
                int code = clock_gettime(CLOCK_REALTIME, &time);
                now->tv_sec = time.tv_sec;
                now->tv_usec = time.tv_nsec / 1000;
                return code;
            }

            time_t time(time_t *result) {
                struct timespec now;
                clock_gettime(CLOCK_REALTIME, &now);
                if (result) *result = now.tv_sec;
                return now.tv_sec;
            }
            """
        try Data(code.utf8).write(to: URL(filePath: source))
        try await onThread {
            let compiler = Process()
            compiler.executableURL = URL(filePath: "/usr/bin/env")
            compiler.arguments = ["clang", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
            try compiler.run()
            compiler.waitUntilExit()
            try #require(compiler.terminationStatus == 0)
        }
        return library
    }
}
