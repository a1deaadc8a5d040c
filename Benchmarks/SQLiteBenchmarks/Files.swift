//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Removes a file that may not be there.
func removeFile(_ path: String) { unlink(path) }

/// Makes a directory and those above it.
func makeDirectories(_ path: String) {
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
        made += "/" + part
        mkdir(made, 0o755)
    }
}

/// Writes a line at once, also into a pipe.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

func exitProcess(_ status: Int32) -> Never { exit(status) }
