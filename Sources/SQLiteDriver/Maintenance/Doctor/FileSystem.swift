//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import CWeirSQLite

/// The kind of file system a directory is on.
struct FileSystem: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        /// On a disk of this machine.
        case local
        /// In this machine's memory.
        case memory
        /// The upper layer of a container's image.
        case container
        /// Whatever a program makes of it.
        case userSpace
        /// On another machine, or shared with one.
        case network
        case unknown
    }

    let name: String
    let kind: Kind

    /// - Returns: Nil when the system does not say.
    static func of(_ directory: String) -> FileSystem? {
        UInt32(exactly: weir_file_system(directory)).map(Self.named)
    }

    /// The file system of a magic number. Source: linux/magic.h and statfs(2).
    static func named(_ magic: UInt32) -> FileSystem {
        switch magic {
        case 0xef53: FileSystem(name: "ext4", kind: .local)
        case 0x5846_5342: FileSystem(name: "xfs", kind: .local)
        case 0x9123_683e: FileSystem(name: "btrfs", kind: .local)
        case 0x2fc1_2fc1: FileSystem(name: "zfs", kind: .local)
        case 0xf2f5_2010: FileSystem(name: "f2fs", kind: .local)
        case 0xca45_1a4e: FileSystem(name: "bcachefs", kind: .local)
        case 0x0102_1994: FileSystem(name: "tmpfs", kind: .memory)
        case 0x8584_58f6: FileSystem(name: "ramfs", kind: .memory)
        case 0x794c_7630: FileSystem(name: "overlayfs", kind: .container)
        case 0x6573_5546: FileSystem(name: "fuse", kind: .userSpace)
        case 0x6969: FileSystem(name: "nfs", kind: .network)
        case 0x517b: FileSystem(name: "smb", kind: .network)
        case 0xff53_4d42: FileSystem(name: "cifs", kind: .network)
        case 0xfe53_4d42: FileSystem(name: "smb2", kind: .network)
        case 0x0102_1997: FileSystem(name: "9p", kind: .network)
        case 0x00c3_6400: FileSystem(name: "ceph", kind: .network)
        case 0x5346_414f: FileSystem(name: "afs", kind: .network)
        case 0x0116_1970: FileSystem(name: "gfs2", kind: .network)
        case 0x786f_4256: FileSystem(name: "vboxsf", kind: .network)
        default: FileSystem(name: "0x\(String(magic, radix: 16))", kind: .unknown)
        }
    }
}
