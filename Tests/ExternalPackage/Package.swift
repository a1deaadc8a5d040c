// swift-tools-version: 6.2
//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import PackageDescription

// A package of somebody else's, that takes the library products as any other would.
let package = Package(
    name: "Notes",
    // The name, because the directory of a clone may be called anything.
    dependencies: [.package(name: "weir", path: "../..")],
    targets: [
        .executableTarget(
            name: "Notes",
            dependencies: [
                .product(name: "ConnectionPoolModule", package: "weir"),
                .product(name: "SQLCore", package: "weir"),
                .product(name: "SQLiteDriver", package: "weir"),
            ])
    ]
)
