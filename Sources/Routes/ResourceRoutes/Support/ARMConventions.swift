import Federation
import Hummingbird
import HTTPTypes
public import Vocabulary

/// What every call to the resource manager has in common: the api-version, the headers, the form of errors.
public struct ARMConventions: Sendable {
    /// Where to sign in, for answers to callers without a token: `https://…/{tenant}`.
    let authority: String
    /// Scheme, host and port of absolute addresses in answers; empty where none is known, and then lists come whole.
    let origin: String
    let clock: TimeSource
    let random: RandomSource

    /// - Parameter authority: Where to sign in: the address of the sign-in service with the tenant's identifier as its
    ///   path.
    public init(authority: String, origin: String = "", clock: TimeSource, random: RandomSource) {
        self.authority = authority
        self.origin = origin
        self.clock = clock
        self.random = random
    }

    /// Reads the request, runs the route, and writes the answer or the problem that it threw.
    ///
    /// Any `api-version` that is written like one is accepted, because clients change them with every release. The body
    /// waits until it is known who sends it: megabytes of strangers are not taken in.
    func answer(
        _ request: Request,
        authenticate: Authenticate,
        _ route: (ARMRequest, Caller) async throws(Problem) -> ARMResponse
    ) async -> Response {
        let correlation = request.headers[.clientRequestID].flatMap { GUID($0) } ?? GUID(from: self.random)
        do {
            var read = try ARMRequest(reading: request, correlation: correlation)
            try Self.check(version: read.apiVersion)
            let caller = try await authenticate(read.authorization)
            try await read.readBody(of: request)
            return self.written(try await route(read, caller), correlation, echo: read.echo)
        } catch {
            return self.written(ARMError.response(error, authority: self.authority), correlation, echo: nil)
        }
    }

    private static func check(version: String?) throws(Problem) {
        guard let version, !version.isEmpty else {
            throw Problem(
                "MissingApiVersionParameter",
                shown: "The api-version query parameter (?api-version=) is required for all requests."
            )
        }
        let parts = version.split(separator: "-" as Character, omittingEmptySubsequences: false)
        let isDate =
            parts.count >= 3
            && zip(parts, [4, 2, 2]).allSatisfy { part, length in
                part.utf8.count == length
                    && part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            }
        let suffixes = ["preview", "alpha", "beta", "rc", "privatepreview"]
        guard isDate, parts.count == 3 || (parts.count == 4 && suffixes.contains(parts[3].lowercased())) else {
            throw Problem(
                "InvalidApiVersionParameter",
                shown:
                    "The api-version '\(PrintableText.of(version, limit: 64))' is invalid. Write a date such as 2024-11-01."
            )
        }
    }

    private func written(_ answer: ARMResponse, _ correlation: GUID, echo: String?) -> Response {
        var headers = answer.headers
        headers[.requestID] = correlation.description
        headers[.correlationRequestID] = correlation.description
        headers[.routingRequestID] = "SALLYPORT:\(self.compactTime):\(correlation)"
        headers[.clientRequestID] = echo
        headers[.cacheControl] = "no-cache"
        headers[.legacyNoCache] = "no-cache"
        headers[.expires] = "-1"
        headers[.strictTransportSecurity] = "max-age=31536000; includeSubDomains"
        headers[.xContentTypeOptions] = "nosniff"
        guard let document = answer.document else {
            return Response(status: answer.status, headers: headers)
        }
        headers[.contentType] = "application/json; charset=utf-8"
        return Response(
            status: answer.status,
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: document.bytes))
        )
    }

    // `20260101T000000Z`, the form of the routing header.
    private var compactTime: String {
        String(self.clock.now.description.prefix(19).filter { $0 != "-" && $0 != ":" }) + "Z"
    }
}
