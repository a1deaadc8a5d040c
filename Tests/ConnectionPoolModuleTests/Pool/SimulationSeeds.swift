//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

/// Seeds of lives in which the simulation once found a fault; they are lived first.
///
/// A failing run prints the line to add.
enum SimulationSeeds {
    static let kept: [UInt64] = []
}
