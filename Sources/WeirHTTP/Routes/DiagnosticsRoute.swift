//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Hummingbird

/// `GET /api/diagnostics`: memory, pools and their holders, the writer. It takes no connection of the database.
struct DiagnosticsRoute: Sendable {
    /// A moment's figures, put together by the server.
    let figures: @Sendable () -> JSON

    func add(to router: Router<WeirContext>) {
        router.get("api/diagnostics") { request, _ in
            _ = try QueryParameters(request, allowed: [])
            return Response(json: self.figures())
        }
    }
}
