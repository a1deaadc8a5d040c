//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Testing

@testable import SQLCore

@Suite("SQLPaging")
struct SQLPagingTests {
    @Test("the first page has no condition, the others begin after the key; none has an offset")
    func statements() {
        let paging = SQLPaging("SELECT id, name FROM jobs WHERE state = \("done")", key: ["started", "id"], size: 50)
        let first = paging.statement(after: nil)
        #expect(
            first.text
                == "SELECT * FROM (SELECT id, name FROM jobs WHERE state = ?) AS page ORDER BY started, id LIMIT ?")
        #expect(first.values == [.text("done"), .integer(51)])
        let next = paging.statement(after: [.integer(5), .integer(9)])
        #expect(next.text.contains("AS page WHERE (started, id) > (?, ?) ORDER BY started, id LIMIT ?"))
        #expect(next.values == [.text("done"), .integer(5), .integer(9), .integer(51)])
    }

    @Test("the greatest key first turns the comparison and every column of the order")
    func descending() {
        let paging = SQLPaging("SELECT * FROM jobs", key: ["started", "id"], size: 1, isDescending: true)
        #expect(
            paging.statement(after: [.integer(5), .integer(9)]).text.hasSuffix(
                "WHERE (started, id) < (?, ?) ORDER BY started DESC, id DESC LIMIT ?"))
    }

    @Test("a page without bounds, a walk without a key and a key of another length end the program")
    func limits() async {
        await #expect(processExitsWith: .failure) { _ = SQLPaging("SELECT 1", key: ["id"], size: 10_001) }
        await #expect(processExitsWith: .failure) { _ = SQLPaging("SELECT 1", key: ["id"], size: 0) }
        await #expect(processExitsWith: .failure) { _ = SQLPaging("SELECT 1", key: []) }
        await #expect(processExitsWith: .failure) {
            _ = SQLPaging("SELECT 1", key: ["id"]).statement(after: [.null, .null])
        }
        await #expect(processExitsWith: .failure) {
            _ = SQLPaging("SELECT 1", key: ["id; DROP TABLE t"]).statement(after: nil)
        }
        #expect(SQLPaging("SELECT 1", key: ["id"], size: 10_000).size == SQLPaging.sizeMax)
    }
}
