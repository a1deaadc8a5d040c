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

/// A POSIX mutex. ThreadSanitizer understands it, unlike `Synchronization.Mutex` on Linux.
package final class Monitor: @unchecked Sendable {
    // The mutex is a C object with a stable address, safe to use from every thread by its own contract.
    fileprivate let mutex: UnsafeMutablePointer<pthread_mutex_t>

    package init() {
        self.mutex = .allocate(capacity: 1)
        var attributes = pthread_mutexattr_t()
        pthread_mutexattr_init(&attributes)
        #if canImport(Glibc)
        // Spins for some hundred instructions before it sleeps: what is done under a pool's lock is shorter than a
        // sleep and a wake-up, which halved the rate of point reads at 512 tasks.
        pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ADAPTIVE_NP))
        #endif
        let code = pthread_mutex_init(self.mutex, &attributes)
        pthread_mutexattr_destroy(&attributes)
        precondition(code == 0, "pthread_mutex_init failed with \(code)")
    }

    deinit {
        pthread_mutex_destroy(self.mutex)
        self.mutex.deallocate()
    }

    package func lock() { pthread_mutex_lock(self.mutex) }

    package func unlock() { pthread_mutex_unlock(self.mutex) }

    /// Runs `body` with the lock held.
    package func withLock<T>(_ body: () throws -> T) rethrows -> T {
        self.lock()
        defer { self.unlock() }
        return try body()
    }
}

/// A condition variable on the monotonic clock: a step of the wall clock neither ends nor prolongs a wait.
package final class Condition: @unchecked Sendable {
    // As for `Monitor`: a C object made for sharing.
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    package init() {
        self.condition = .allocate(capacity: 1)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        #if !canImport(Darwin)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        #endif
        let code = pthread_cond_init(self.condition, &attributes)
        precondition(code == 0, "pthread_cond_init failed with \(code)")
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(self.condition)
        self.condition.deallocate()
    }

    package func signal() { pthread_cond_signal(self.condition) }

    package func broadcast() { pthread_cond_broadcast(self.condition) }

    /// Waits for a signal, or for ever; the caller holds `monitor`.
    package func wait(_ monitor: Monitor) { pthread_cond_wait(self.condition, monitor.mutex) }

    /// Waits for a signal for at most `duration` of monotonic time; the caller holds `monitor`.
    ///
    /// - Returns: False when the time ran out.
    package func wait(_ monitor: Monitor, for duration: Duration) -> Bool {
        guard duration > .zero else { return false }
        let capped = min(duration, .seconds(86_400))
        var limit = timespec()
        clock_gettime(CLOCK_MONOTONIC, &limit)
        let nanoseconds = Int64(limit.tv_nsec) + capped.components.attoseconds / 1_000_000_000
        limit.tv_sec += Int(capped.components.seconds + nanoseconds / 1_000_000_000)
        limit.tv_nsec = Int(nanoseconds % 1_000_000_000)
        return pthread_cond_timedwait(self.condition, monitor.mutex, &limit) == 0
    }
}
