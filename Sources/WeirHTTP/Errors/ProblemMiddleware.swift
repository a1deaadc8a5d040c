//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

import Hummingbird
import Logging

/// Turns every error into an answer, and logs those that are not the caller's.
struct ProblemMiddleware<Context: RequestContext>: RouterMiddleware {
    let logger: Logger

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            if let problem = Problem(error) {
                if problem.status.code >= 500 {
                    self.logger.warning(
                        "request refused",
                        metadata: [
                            "path": "\(request.uri.path)", "status": "\(problem.status.code)", "cause": "\(error)",
                        ])
                }
                return problem.response
            }
            self.logger.error(
                "request failed", metadata: ["path": "\(request.uri.path)", "error": "\(String(reflecting: error))"])
            return Problem.internal.response
        }
    }
}
