import HTTPTypes
import NIOHTTP1

/// Judges the head of a request by more than its parser does: whatever two readers could understand differently is
/// refused.
///
/// Source: RFC 9112 sections 3.2, 6.1, 6.3 and 11.2 on request smuggling; RFC 9113 section 8.2.1.
struct HeadRules: Sendable {
    var longestTarget: Int
    var mostFields: Int

    /// What is wrong with a head.
    enum Fault: Hashable, Sendable {
        case version
        case method
        case target
        case targetTooLong
        case tooManyFields
        case host
        case fieldName
        case fieldValue
        case contentLength
        case transferEncoding

        /// What to answer.
        var status: HTTPResponseStatus {
            switch self {
            case .version: .httpVersionNotSupported
            case .method: .methodNotAllowed
            case .targetTooLong: .uriTooLong
            case .tooManyFields: .requestHeaderFieldsTooLarge
            case .target, .host, .fieldName, .fieldValue, .contentLength, .transferEncoding: .badRequest
            }
        }
    }

    /// The first fault of an HTTP/1 head; nil when there is none.
    func fault(in head: HTTPRequestHead) -> Fault? {
        guard head.version == .http1_1 || head.version == .http1_0 else { return .version }
        guard head.method != .CONNECT, head.method != .TRACE else { return .method }
        if let fault = self.fault(inTarget: head.uri, isOptions: head.method == .OPTIONS) {
            return fault
        }
        guard head.headers.count <= self.mostFields else { return .tooManyFields }
        for (name, value) in head.headers {
            guard Self.isToken(name) else { return .fieldName }
            guard Self.isFieldValue(value) else { return .fieldValue }
        }
        let hosts = head.headers["host"]
        guard hosts.count == 1 || hosts.isEmpty && head.version == .http1_0 else { return .host }
        guard hosts.allSatisfy({ Self.isAuthority($0) }) else { return .host }
        return self.faultInFraming(head)
    }

    private func faultInFraming(_ head: HTTPRequestHead) -> Fault? {
        let lengths = head.headers["content-length"]
        guard lengths.count <= 1 else { return .contentLength }
        if let length = lengths.first {
            let isNumber = length.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard isNumber, (1...18).contains(length.utf8.count) else { return .contentLength }
        }
        let encodings = head.headers["transfer-encoding"]
        guard !encodings.isEmpty else { return nil }
        guard encodings.count == 1, encodings[0].lowercased() == "chunked", lengths.isEmpty,
            head.version == .http1_1
        else { return .transferEncoding }
        return nil
    }

    /// The first fault of an HTTP/2 head; nil when there is none.
    func fault(in head: HTTPRequest) -> Fault? {
        guard head.method != .connect, head.method != .trace else { return .method }
        guard let path = head.path else { return .target }
        if let fault = self.fault(inTarget: path, isOptions: head.method == .options) {
            return fault
        }
        guard head.headerFields.count <= self.mostFields else { return .tooManyFields }
        for field in head.headerFields {
            guard Self.isFieldValue(field.value) else { return .fieldValue }
            guard field.name != .transferEncoding, field.name != .upgrade, field.name != .connection else {
                return .fieldName
            }
        }
        guard let authority = head.authority, Self.isAuthority(authority) else { return .host }
        if let host = HTTPField.Name("host"), head.headerFields[values: host].contains(where: { $0 != authority }) {
            return .host
        }
        return nil
    }

    private func fault(inTarget target: String, isOptions: Bool) -> Fault? {
        guard target.utf8.count <= self.longestTarget else { return .targetTooLong }
        guard target.utf8.first == UInt8(ascii: "/") || target == "*" && isOptions else { return .target }
        let isClean = target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") }
        return isClean ? nil : .target
    }

    private static func isToken(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { unit in
                switch unit {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(unit)
                }
            }
    }

    private static func isFieldValue(_ value: String) -> Bool {
        value.utf8.allSatisfy { $0 == 0x09 || $0 >= 0x20 && $0 != 0x7f }
    }

    private static func isAuthority(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 300
            && text.utf8.allSatisfy { unit in
                switch unit {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: ".-_:[]".utf8.contains(unit)
                }
            }
    }
}
