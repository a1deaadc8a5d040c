//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import FoundationEssentials

/// Where a load's deliveries come from: a plan, or a file.
package struct DeliverySource: Sendable {
    enum Content: Sendable {
        case plan(LoadPlan)
        case file(ReplayFile)
    }

    /// A delivery as those who check what became of it need it.
    struct Message: Equatable {
        var event: String
        var json: Data
    }

    let content: Content
    /// Writes what a plan says. Beside the content, not in it, so that it is changed in place.
    var renderer: PayloadRenderer

    /// - Throws: ``LoadError`` when a replay's file cannot be read, or is not what it was.
    package init(_ parameters: LoadParameters) throws {
        self.renderer = PayloadRenderer(parameters)
        guard let source = parameters.replay else {
            self.content = .plan(LoadPlan(parameters))
            return
        }
        let file = try ReplayFile(path: source.path)
        guard file.source.digest == source.digest else {
            throw LoadError("\(source.path) was changed since the load; put back what was sent")
        }
        self.content = .file(file)
    }

    /// A delivery's event and JSON.
    mutating func message(_ number: Int) -> Message {
        switch self.content {
        case .file(let file):
            let line = file.line(number)
            return Message(event: line.event, json: line.body)
        case .plan(let plan):
            let delivery = plan.delivery(number)
            return Message(event: delivery.event.name, json: Data(self.renderer.json(delivery)))
        }
    }

    /// A delivery's id, as it is sent.
    func id(_ number: Int) -> String {
        switch self.content {
        case .file(let file): file.line(number).delivery
        case .plan(let plan): plan.ids.id(number).text
        }
    }

    /// Finds the first deliveries by their ids.
    func index(count: Int) -> DeliveryIndex {
        switch self.content {
        case .plan(let plan): return DeliveryIndex(.space(plan.ids, count: count))
        case .file(let file):
            let ids = (0..<count).map { (file.line($0).delivery, $0) }
            return DeliveryIndex(.texts(Dictionary(ids) { first, _ in first }))
        }
    }
}

/// Finds the number of a delivery by its id.
struct DeliveryIndex: Sendable {
    enum Content: Sendable {
        case space(DeliveryIdentifier.Space, count: Int)
        case texts([String: Int])
    }

    private let content: Content

    init(_ content: Content) { self.content = content }

    /// - Parameter text: The id, as the database has it.
    /// - Returns: Nil for a delivery of somebody else.
    func number(_ text: String) -> Int? {
        switch self.content {
        case .texts(let numbers): return numbers[text]
        case .space(let space, let count):
            guard let id = DeliveryIdentifier(text: text), let number = space.number(id), number < count else {
                return nil
            }
            return number
        }
    }
}
