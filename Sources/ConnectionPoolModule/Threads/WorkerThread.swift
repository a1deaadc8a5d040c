//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Starts plain POSIX threads, outside Swift's cooperative pool, for work that may block.
package enum WorkerThread {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Runs `body` on a new detached thread.
    ///
    /// - Parameters:
    ///   - name: Shown by debuggers; Linux keeps the first 15 bytes.
    ///   - stackBytes: Size of the thread's stack. SQLite's parser and a deep Swift frame fit in the default 1 MiB.
    ///   - body: The thread's work; the thread ends when it returns.
    package static func start(
        name: String, stackBytes: Int = 1 << 20, _ body: @escaping @Sendable () -> Void
    ) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, stackBytes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { pthread_attr_destroy(&attributes) }
        let start = Unmanaged.passRetained(Start(name: String(name.prefix(15)), body: body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                Self.setName(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        precondition(
            code == 0, "no thread could be started (pthread_create: \(code)); raise the process limit (ulimit -u)")
    }

    /// Names the calling thread; a name that cannot be set is no reason to fail.
    private static func setName(_ name: String) {
        #if os(Linux)
        guard let file = fopen("/proc/thread-self/comm", "w") else { return }
        fputs(name, file)
        fclose(file)
        #endif
    }

    /// Processor cores that this process may use.
    package static var coreCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// Nice value of a thread that does heavy work: about a tenth of a normal thread's share of a core.
    private static let heavyNice: Int32 = 10

    /// Lets the program's other threads go first.
    ///
    /// - Parameter niceness: 1 to 19; 0 does nothing. A step is some 20 % of a share of a core (sched(7)).
    package static func beNice(_ niceness: Int) {
        if niceness > 0 { _ = Self.setNice(Int32(clamping: niceness)) }
    }

    /// Lets every normal thread go first, until ``restorePriority(niceness:)``.
    ///
    /// - Returns: False when the system does not let it.
    package static func lowerPriority() -> Bool { Self.setNice(Self.heavyNice) }

    /// Ends ``lowerPriority()``.
    ///
    /// - Returns: False when the system does not let it: Linux asks for a privilege to raise a priority.
    package static func restorePriority(niceness: Int) -> Bool { Self.setNice(Int32(clamping: niceness)) }

    /// On Linux "who" zero is the calling thread, against POSIX, which means the process (setpriority(2), "C
    /// library/kernel differences"). Elsewhere nothing is done.
    private static func setNice(_ value: Int32) -> Bool {
        #if os(Linux)
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, value) == 0
        #else
        false
        #endif
    }
}
