//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Where a series is kept in its registry, so that destroying an instrument needs no search.
struct SeriesOrigin: Sendable {
    /// The family's full name.
    let family: String
    /// The series' labels.
    let labels: LabelSet
}
