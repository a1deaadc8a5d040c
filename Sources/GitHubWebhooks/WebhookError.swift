//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Why an event was not taken.
public enum WebhookError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The body is not the JSON object that the event's documentation describes.
    case invalidBody(String)
    /// A status, or a conclusion, that is not documented.
    case unknownStatus(String)

    public var description: String {
        switch self {
        case .invalidBody(let text): text
        case .unknownStatus(let text): text
        }
    }
}
