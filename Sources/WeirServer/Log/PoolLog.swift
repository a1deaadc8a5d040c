//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import ConnectionPoolModule
import Logging

/// Says what happens in the pools: what an operator may want to act on as a warning, the rest for debugging.
struct PoolLog: PoolDelegate {
    let logger: Logger

    func poolDid(_ event: PoolEvent, pool: String) {
        let metadata: Logger.Metadata = ["pool": "\(pool)"]
        switch event {
        case .opened(let id, let duration):
            self.logger.debug("connection \(id) opened in \(duration)", metadata: metadata)
        case .openFailed(let error):
            self.logger.warning("no connection could be opened: \(error); trying again", metadata: metadata)
        case .closing(let id, let reason):
            self.logger.debug("connection \(id) closes: \(reason)", metadata: metadata)
        // The caller gets the error and decides: at full load there may be thousands a second.
        case .refused(let error): self.logger.debug("\(error)", metadata: metadata)
        case .quarantined(let id):
            self.logger.debug("connection \(id) is set apart until its engine returns", metadata: metadata)
        case .released(let id, let duration):
            self.logger.info("connection \(id) is back; its engine returned after \(duration)", metadata: metadata)
        }
    }
}
