//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

package import CWeirCutVFS
import FoundationEssentials
package import TestSupport

/// What a disk holds whose power fails, rebuilt from the log of what SQLite did to it.
///
/// Bytes are there once their file was synchronised, names once their directory was. Of everything else any part may be
/// there, in any order; a write may be torn between any two sectors. What a failed sync lost may be there or not, for
/// ever after, unless it is written again.
package struct Disk {
    /// What a cut did to what had not been synchronised.
    package enum Harm: String, CaseIterable, Sendable {
        case logWriteLost
        case logHeaderLost
        case logWriteTorn
        case databaseWriteLost
        case databaseWriteTorn
        case writesReordered
        case nameLost
        case deletedNameBack
    }

    private static let sector = 512

    private enum Fate {
        case nothing
        case everything
        case some
        case someReordered
    }

    /// Content, apart from its name.
    private struct File {
        /// What is there for certain, up to the first operation of `later`.
        var content: [UInt8] = []
        /// What followed, in order: once a write is uncertain, those after it are kept apart.
        var later: [(operation: weir_cut_operation, certainty: Certainty)] = []

        mutating func settle() {
            let certain = self.later.prefix { $0.certainty == .synced }
            for entry in certain { Disk.apply(entry.operation, to: &self.content) }
            self.later.removeFirst(certain.count)
        }
    }

    private enum Certainty {
        case pending
        case synced
        /// Dropped by the system, which believes that it was written.
        case lost
    }

    private var files: [Int: File] = [:]
    /// The names as the running system sees them, and as they are on the disk.
    private var names: [String: Int] = [:]
    private var durableNames: [String: Int] = [:]
    private var pendingNames: [(path: String, file: Int?)] = []

    package init() {}

    package mutating func perform(_ operation: weir_cut_operation) {
        let path = String(cString: operation.path)
        switch operation.kind {
        case WEIR_CUT_CREATE:
            let file = self.files.count
            self.files[file] = File()
            self.names[path] = file
            self.pendingNames.append((path, file))
        case WEIR_CUT_DELETE:
            self.names[path] = nil
            self.pendingNames.append((path, nil))
        case WEIR_CUT_SYNC_DIRECTORY:
            self.durableNames = self.names
            self.pendingNames.removeAll()
        default:
            guard let number = self.names[path], var file = self.files.removeValue(forKey: number) else { return }
            switch operation.kind {
            case WEIR_CUT_SYNC: Self.mark(&file, .synced)
            case WEIR_CUT_LOSE: Self.mark(&file, .lost)
            default: file.later.append((operation, .pending))
            }
            file.settle()
            self.files[number] = file
        }
    }

    private static func mark(_ file: inout File, _ certainty: Certainty) {
        for index in file.later.indices where file.later[index].certainty == .pending {
            file.later[index].certainty = certainty
        }
    }

    /// Writes what is left after a cut into a directory.
    ///
    /// - Returns: What the cut did.
    package func cut(into directory: String, using generator: inout SeededGenerator) throws -> Set<Harm> {
        var harms: Set<Harm> = []
        var names = self.durableNames
        for (path, file) in self.pendingNames {
            if Bool.random(using: &generator) {
                names[path] = file
            } else {
                harms.insert(file == nil ? .deletedNameBack : .nameLost)
            }
        }
        for (path, number) in names.sorted(by: { $0.key < $1.key }) {
            guard let file = self.files[number] else { continue }
            let content = Self.content(of: file, isLog: path.hasSuffix("-wal"), &harms, using: &generator)
            let name = path.split(separator: "/").last.map(String.init) ?? path
            try Data(content).write(to: URL(filePath: "\(directory)/\(name)"))
        }
        return harms
    }

    private static func content(
        of file: File, isLog: Bool, _ harms: inout Set<Harm>, using generator: inout SeededGenerator
    ) -> [UInt8] {
        var content = file.content
        let fates: [Fate] = [.nothing, .everything, .some, .some, .someReordered]
        let fate = fates.randomElement(using: &generator) ?? .some
        var later = file.later
        if fate == .someReordered, later.count(where: { $0.certainty == .pending }) > 1 {
            // The system may write what is pending in any order; what is certain was certain before.
            let pending = later.indices.filter { later[$0].certainty == .pending }
            for (from, to) in zip(pending, pending.shuffled(using: &generator)) { later.swapAt(from, to) }
            harms.insert(.writesReordered)
        }
        for (operation, certainty) in later {
            let isApplied =
                switch (certainty, fate) {
                case (.synced, _), (_, .everything): true
                case (_, .nothing): false
                default: Bool.random(using: &generator)
                }
            guard isApplied else {
                guard operation.kind == WEIR_CUT_WRITE else { continue }
                harms.insert(isLog ? .logWriteLost : .databaseWriteLost)
                if isLog, operation.offset == 0 { harms.insert(.logHeaderLost) }
                continue
            }
            let mayTear = certainty == .pending && fate != .everything
            if mayTear, operation.kind == WEIR_CUT_WRITE, Int.random(in: 0..<3, using: &generator) == 0 {
                if Self.tear(operation, &content, using: &generator) {
                    harms.insert(isLog ? .logWriteTorn : .databaseWriteTorn)
                }
            } else {
                Self.apply(operation, to: &content)
            }
        }
        return content
    }

    // MARK: - Bytes

    private static func apply(_ operation: weir_cut_operation, to content: inout [UInt8]) {
        let offset = Int(operation.offset)
        guard operation.kind == WEIR_CUT_WRITE else {
            if content.count > offset { content.removeSubrange(offset...) }
            return
        }
        Self.copy(operation, offset..<(offset + Int(operation.length)), to: &content)
    }

    /// Applies a write to some of its sectors: the first ones, the last ones, or any.
    ///
    /// - Returns: Whether something of it is missing.
    private static func tear(
        _ operation: weir_cut_operation, _ content: inout [UInt8], using generator: inout SeededGenerator
    ) -> Bool {
        let start = Int(operation.offset)
        let end = start + Int(operation.length)
        let sectors = (start / Self.sector)...((end - 1) / Self.sector)
        let border = Int.random(in: sectors, using: &generator)
        let manner = Int.random(in: 0..<3, using: &generator)
        var isTorn = false
        for sector in sectors {
            let isWritten =
                switch manner {
                case 0: sector < border
                case 1: sector > border
                default: Bool.random(using: &generator)
                }
            guard isWritten else {
                isTorn = true
                continue
            }
            let range = max(start, sector * Self.sector)..<min(end, (sector + 1) * Self.sector)
            Self.copy(operation, range, to: &content)
        }
        return isTorn
    }

    private static func copy(_ operation: weir_cut_operation, _ range: Range<Int>, to content: inout [UInt8]) {
        guard !range.isEmpty, let source = operation.bytes else { return }
        if content.count < range.upperBound {
            content += [UInt8](repeating: 0, count: range.upperBound - content.count)
        }
        content.withUnsafeMutableBytes { target in
            target.baseAddress?.advanced(by: range.lowerBound).copyMemory(
                from: source.advanced(by: range.lowerBound - Int(operation.offset)), byteCount: range.count)
        }
    }
}
