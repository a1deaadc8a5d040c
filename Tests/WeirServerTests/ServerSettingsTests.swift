//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials
import TestSupport
import Testing

@testable import WeirServer

@Suite("ServerSettings")
struct ServerSettingsTests {
    private func settings(
        flags: [SettingKey: String] = [:], environment: [String: String] = [:], file: String? = nil,
        isDemo: Bool = false
    ) throws -> ServerSettings {
        try ServerSettings(
            SettingSources(flags: flags, environment: environment, file: file), isDemo: isDemo)
    }

    @Test("without any configuration the defaults hold")
    func defaults() throws {
        let settings = try self.settings()
        #expect(settings.databasePath == "weir.db" && settings.host == "127.0.0.1" && settings.port == 8080)
        #expect(settings.queryTimeout == .seconds(5) && settings.acquireTimeout == .seconds(2))
        #expect(settings.databaseMemoryBytes == nil && settings.ingestBytes == 64 << 20)
        #expect(settings.webhookSecrets.isEmpty && settings.publicURL == nil && settings.readers == 4)
    }

    @Test("every key fed a wrong value names the key, the value and what is accepted", arguments: SettingKey.all)
    func wrongValues(_ key: SettingKey) throws {
        let wrong = key == .webhookSecret ? "a,,b" : key == .host ? "" : "\u{7}-wrong"
        for (sources, origin) in [
            (try SettingSources(flags: [key: wrong], environment: [:], file: nil), key.flag),
            (try SettingSources(flags: [:], environment: [key.variable: wrong], file: nil), key.variable),
        ] {
            #expect {
                _ = try ServerSettings(sources, isDemo: false)
            } throws: { error in
                let text = (error as? StartError)?.description ?? ""
                let namesValue = key.isSecret ? !text.contains("a,,b") : text.contains("\"\(wrong)\"")
                return text.contains(origin) && text.contains(key.accepts) && namesValue
            }
        }
    }

    @Test(
        "values at and beyond the edges",
        arguments: [
            (SettingKey.port, "0", true), (.port, "65535", true), (.port, "65536", false), (.port, "-1", false),
            (.port, "80 ", false), (.readers, "0", false), (.readers, "64", true), (.queryTimeout, "9ms", false),
            (.queryTimeout, "1h", true), (.queryTimeout, "61m", false), (.databaseMemory, "1GB", true),
            (.databaseMemory, "1", false), (.databaseMemory, "9999999999GB", false), (.ingestBytes, "32MiB", true),
            (.logLevel, "INFO", false), (.database, "postgres://x", false), (.database, "sqlite:", false),
            (.database, "sqlite::memory:", false), (.publicURL, "ci.example.org", false),
            (.publicURL, "https://ci.example.org/x", true), (.outbox, "/var/spool/weir.db", true),
            (.outbox, "weir.db", false),
            (.outbox, "sqlite:x", false), (.allowAnonymous, "yes", false),
        ])
    func edges(_ key: SettingKey, _ value: String, _ isAccepted: Bool) {
        let result = Result { try self.settings(flags: [key: value]) }
        let wasAccepted = (try? result.get()) != nil
        #expect(wasAccepted == isAccepted)
    }

    @Test("a budget too small for the readers names both, and a fitting one is taken")
    func memoryOfReaders() throws {
        #expect {
            _ = try self.settings(flags: [.readers: "16"], environment: ["WEIR_DATABASE_MEMORY": "63MB"])
        } throws: { error in
            let text = (error as? StartError)?.description ?? ""
            return ["WEIR_DATABASE_MEMORY", "63MB", "16 readers", "at least 64MB"].allSatisfy(text.contains)
        }
        let settings = try self.settings(flags: [.readers: "16", .databaseMemory: "64MB"])
        #expect(settings.databaseMemoryBytes == 64 << 20)
    }

    @Test("flags win over variables, variables over the file")
    func precedence() throws {
        let directory = try TemporaryDirectory()
        let file = directory.file("weir.json")
        try Data(#"{"port": 1111, "readers": "7", "host": "localhost", "allow_anonymous": true}"#.utf8).write(
            to: URL(filePath: file))
        let settings = try self.settings(
            flags: [.port: "3333"], environment: ["WEIR_PORT": "2222", "WEIR_READERS": "9"], file: file)
        #expect(settings.port == 3333 && settings.readers == 9 && settings.host == "localhost")
    }

    @Test("unknown names are refused, wherever they stand")
    func unknown() throws {
        let directory = try TemporaryDirectory()
        let file = directory.file("weir.json")
        #expect(throws: StartError.self) { try self.settings(environment: ["WEIR_WEBHOOK_SECERT": "x"]) }
        #expect(throws: StartError.self) { try self.settings(environment: ["WEIR_PORT_FILE": "x"]) }
        for content in [#"{"prot": 1}"#, #"{"port": [1]}"#, "[]", "{"] {
            try Data(content.utf8).write(to: URL(filePath: file))
            #expect(throws: StartError.self, "\(content)") { try self.settings(file: file) }
        }
        _ = try self.settings(environment: ["WEIRD_PORT": "x", "HOME": "/"])
    }

    @Test("a secret is read from a file, without its last line break, and never shown")
    func secretFile() throws {
        let directory = try TemporaryDirectory()
        let file = directory.file("secret")
        try Data("first,second\n".utf8).write(to: URL(filePath: file))
        let settings = try self.settings(environment: ["WEIR_WEBHOOK_SECRET_FILE": file])
        #expect(settings.webhookSecrets == ["first", "second"])
        #expect(throws: StartError.self) {
            try self.settings(environment: ["WEIR_WEBHOOK_SECRET_FILE": file, "WEIR_WEBHOOK_SECRET": "x"])
        }
        #expect(throws: StartError.self) { try self.settings(environment: ["WEIR_WEBHOOK_SECRET_FILE": "/none"]) }
    }

    @Test("an address that others can reach needs a word")
    func anonymous() throws {
        for host in ["0.0.0.0", "::", "192.168.1.1", "weir.example.org"] {
            #expect(throws: StartError.self) { try self.settings(flags: [.host: host]) }
            #expect(try self.settings(flags: [.host: host, .allowAnonymous: "true"]).host == host)
        }
        for host in ["127.0.0.1", "127.9.9.9", "localhost", "::1"] {
            #expect(try self.settings(flags: [.host: host]).host == host)
        }
    }

    @Test("a demo keeps its data only while it runs, unless told where")
    func demo() throws {
        #expect(try self.settings(isDemo: true).databasePath == nil)
        #expect(try self.settings(flags: [.database: "sqlite:x.db"], isDemo: true).databasePath == "x.db")
    }
}
