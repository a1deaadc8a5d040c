//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import SQLCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file in the making: beside its final name until it is complete, locked against a second maker, and gone when
/// anything fails.
///
/// The name is fixed, so what a killed maker left behind is taken over by the next one.
final class PartialFile {
    let path: String
    private let descriptor: Int32
    private var isDone = false

    /// - Parameters:
    ///   - path: Where to make it; emptied when it is there.
    /// - Throws: ``DatabaseError`` when it cannot be made, or when another process is making it.
    init(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw DatabaseError.system(
                "make \(path)", remedy: "see that the directory exists and that this user may write to it")
        }
        // The lock is the kernel's and ends with the process. It is of another kind than SQLite's, which do not see it.
        // The file may have been renamed by its maker before the lock was had: then it is no longer ours to empty.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, let now = FileFacts(path),
            now.identity == FileFacts(descriptor: descriptor)?.identity
        else {
            close(descriptor)
            throw DatabaseError(
                code: .sqliteBusy, operation: "make \(path)",
                message: "another process is making this file; wait for it, or choose another name")
        }
        self.path = path
        self.descriptor = descriptor
        guard ftruncate(descriptor, 0) == 0, fchmod(descriptor, 0o600) == 0 else {
            let error = DatabaseError.system("empty \(path)", remedy: "remove the file")
            self.discard()
            throw error
        }
    }

    deinit { self.discard() }

    /// Gives the file to an owner; only root can, and only root needs to.
    func give(to owner: FileFacts) throws {
        guard geteuid() == 0 else { return }
        guard fchown(self.descriptor, owner.owner, owner.group) == 0 else {
            throw DatabaseError.system("change the owner of \(self.path)", remedy: "see who owns its directory")
        }
    }

    /// Makes the content durable.
    func synchronise() throws {
        guard fsync(self.descriptor) == 0 else {
            throw DatabaseError.system("synchronise \(self.path)", remedy: "see the system's log for disk errors")
        }
    }

    /// Gives the file a name, replacing what had it, and makes that durable.
    func rename(to name: String) throws {
        try Self.rename(self.path, to: name)
        self.isDone = true
        close(self.descriptor)
    }

    /// Removes the file.
    func discard() {
        guard !self.isDone else { return }
        self.isDone = true
        // What cannot be removed is taken over by the next maker.
        unlink(self.path)
        close(self.descriptor)
    }

    /// Renames a file and makes that durable.
    static func rename(_ old: String, to new: String) throws {
        #if canImport(Glibc)
        let code = Glibc.rename(old, new)
        #elseif canImport(Musl)
        let code = Musl.rename(old, new)
        #else
        let code = Darwin.rename(old, new)
        #endif
        guard code == 0 else {
            throw DatabaseError.system(
                "rename \(old) to \(new)", remedy: "see that this user may write to the directory")
        }
        try Self.synchroniseDirectory(of: new)
    }

    /// Makes the names in a file's directory durable.
    static func synchroniseDirectory(of path: String) throws {
        let directory = FileFacts.directory(of: path)
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        // Some file systems cannot synchronise a directory, and say EINVAL: there is nothing to be done there.
        guard descriptor >= 0, fsync(descriptor) == 0 || errno == EINVAL else {
            throw DatabaseError.system("synchronise \(directory)", remedy: "see the system's log for disk errors")
        }
    }
}
