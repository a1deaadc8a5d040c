//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import WeirModel

/// The templates of all bodies: one per kind of event and repository.
struct PayloadTemplates: Sendable {
    /// What decides which members a body has.
    private enum Kind: Int, CaseIterable {
        /// A job that no runner has: it waits, or was skipped or cancelled while it did.
        case jobWaiting
        case jobEndedUnstarted
        case jobRunning
        case jobEnded
        case runRequested
        case runRunning
        case runEnded

        init(_ delivery: LoadDelivery) {
            switch (delivery.event, delivery.status) {
            case (.job, .completed): self = delivery.hasRunner ? .jobEnded : .jobEndedUnstarted
            case (.job, .inProgress): self = .jobRunning
            case (.job, .queued), (.job, .waiting), (.job, .requested), (.job, .pending): self = .jobWaiting
            case (.run, .completed): self = .runEnded
            case (.run, .inProgress): self = .runRunning
            case (.run, .queued), (.run, .waiting), (.run, .requested), (.run, .pending): self = .runRequested
            }
        }

        func template(repository: Int, bodyBytes: Int, runBodyBytes: Int) -> PayloadTemplate {
            switch self {
            case .jobWaiting: JobTemplate(repository: repository, .waiting).sized(bodyBytes)
            case .jobEndedUnstarted: JobTemplate(repository: repository, .endedUnstarted).sized(bodyBytes)
            case .jobRunning: JobTemplate(repository: repository, .running).sized(bodyBytes)
            case .jobEnded: JobTemplate(repository: repository, .ended).sized(bodyBytes)
            case .runRequested:
                RunTemplate.template(
                    repository: repository, action: "requested", bytesMin: runBodyBytes)
            case .runRunning:
                RunTemplate.template(
                    repository: repository, action: "in_progress", bytesMin: runBodyBytes)
            case .runEnded:
                RunTemplate.template(
                    repository: repository, action: "completed", bytesMin: runBodyBytes)
            }
        }
    }

    private let templates: [PayloadTemplate]
    let bytesMax: Int

    /// - Parameters:
    ///   - bodyBytes: The fewest bytes of a job's JSON.
    ///   - runBodyBytes: The fewest bytes of a run's.
    init(bodyBytes: Int, runBodyBytes: Int) {
        self.templates = Catalogue.repositories.indices.flatMap { repository in
            Kind.allCases.map {
                $0.template(repository: repository, bodyBytes: bodyBytes, runBodyBytes: runBodyBytes)
            }
        }
        self.bytesMax = self.templates.map { max($0.json.bytesMax, $0.form.bytesMax) }.max() ?? 0
    }

    func template(for delivery: LoadDelivery) -> PayloadTemplate {
        self.templates[delivery.repository * Kind.allCases.count + Kind(delivery).rawValue]
    }
}

/// A body's text that can be lengthened.
protocol TemplateText {
    /// The whole body.
    ///
    /// - Parameter properties: Members of the repository's `custom_properties`, of which an organisation can define any
    ///   number: they make up for what a body lacks in size.
    func text(properties: [(String, String)]) -> String
}

extension TemplateText {
    /// The template, made to have at least so many bytes whatever its places are filled with.
    func sized(_ bytesMin: Int) -> PayloadTemplate {
        var properties: [(String, String)] = []
        var template = PayloadTemplate(self.text(properties: properties))
        while template.bytesMin < bytesMin {
            // A property has about eighty bytes; the last step may overshoot by as many.
            let missing = (bytesMin - template.bytesMin + 79) / 80
            for _ in 0..<missing {
                let number = properties.count + 1_000
                let text = "reviewed by the platform team, as entry \(number) of its list"
                properties.append(("control-\(number)", JSONText.text(text)))
            }
            template = PayloadTemplate(self.text(properties: properties))
        }
        return template
    }
}
