//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import HTTPTypes

/// The header fields that the library does not name.
extension HTTPField.Name {
    static let lastEventID = Self(known: "Last-Event-ID")
    static let accelBuffering = Self(known: "X-Accel-Buffering")
    static let fetchSite = Self(known: "Sec-Fetch-Site")
    static let referrerPolicy = Self(known: "Referrer-Policy")
    static let frameOptions = Self(known: "X-Frame-Options")
    static let openerPolicy = Self(known: "Cross-Origin-Opener-Policy")
    static let resourcePolicy = Self(known: "Cross-Origin-Resource-Policy")
    static let permissionsPolicy = Self(known: "Permissions-Policy")

    private init(known text: String) {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no field name") }
        self = name
    }
}
