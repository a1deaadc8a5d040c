//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite
import SQLCore

/// Copies a database page by page, from one snapshot.
struct PageCopy {
    /// The pages of the snapshot.
    let pages: Int
    let pageSize: Int
    private let source: ToolConnection

    var bytes: Int { self.pages * self.pageSize }

    /// Pages between two looks at the deadline: 1 MiB of the usual pages, some milliseconds.
    private static let pagesPerStep: Int32 = 256

    /// Takes the snapshot and holds it until ``release()``.
    ///
    /// Without a held read transaction every commit of another connection would make SQLite begin the copy anew, and
    /// under load it would never end. Source: sqlite.org/backup.html.
    init(_ source: ToolConnection) throws {
        try source.run("BEGIN")
        // The snapshot is taken by the first statement that reads.
        _ = try source.scalar("SELECT count(*) FROM sqlite_schema")
        self.pages = try source.integer("PRAGMA page_count")
        self.pageSize = try source.integer("PRAGMA page_size")
        self.source = source
    }

    /// Lets the log be emptied again.
    func release() throws { try self.source.run("COMMIT") }

    /// Copies all pages and commits them, synchronised.
    ///
    /// - Parameters:
    ///   - thread: Asked between steps whether to go on.
    ///   - onProgress: Told the pages done.
    func run(to destination: ToolConnection, _ thread: ToolThread, onProgress: (Int) -> Void) throws {
        guard let backup = sqlite3_backup_init(destination.db, "main", self.source.db, "main") else {
            throw DatabaseError.call("copy", destination.db)
        }
        var code = SQLITE_OK
        do {
            while code == SQLITE_OK {
                try thread.check()
                code = sqlite3_backup_step(backup, Self.pagesPerStep)
                onProgress(Int(sqlite3_backup_pagecount(backup) - sqlite3_backup_remaining(backup)))
            }
        } catch {
            sqlite3_backup_finish(backup)
            throw error
        }
        // Finishing reports the error of a failed step on the destination.
        let end = sqlite3_backup_finish(backup)
        guard code == SQLITE_DONE, end == SQLITE_OK else { throw DatabaseError.call("copy", destination.db) }
    }
}
