/// The few forms of DER that CredSSP, SPNEGO and a certificate's outline need. Source: X.690 sections 8 and 10.
enum DER {
    static let integer: UInt8 = 0x02
    static let bitString: UInt8 = 0x03
    static let octetString: UInt8 = 0x04
    static let objectIdentifier: UInt8 = 0x06
    static let enumerated: UInt8 = 0x0A
    static let sequence: UInt8 = 0x30

    /// The tag of an explicit context-specific field.
    static func field(_ number: UInt8) -> UInt8 { 0xA0 | number }

    /// One element: tag, length, content.
    static func element(_ tag: UInt8, _ content: [UInt8]...) -> [UInt8] {
        let count = content.reduce(0) { $0 + $1.count }
        var bytes: [UInt8] = [tag]
        if count < 0x80 {
            bytes.append(UInt8(count))
        } else {
            let digits = (0..<8).reversed().map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }.drop { $0 == 0 }
            bytes.append(0x80 | UInt8(digits.count))
            bytes += digits
        }
        for part in content {
            bytes += part
        }
        return bytes
    }

    /// A small whole number.
    static func integer(_ value: UInt8) -> [UInt8] {
        self.element(self.integer, value < 0x80 ? [value] : [0, value])
    }

    /// Tag, size of the head and size of the content of the element that begins here; nil when more bytes are needed for the head.
    ///
    /// Only definite lengths in their shortest form, and at most `limit` bytes of content.
    static func head(of bytes: ArraySlice<UInt8>, limit: Int) throws(RDPWireError) -> (
        tag: UInt8, head: Int, content: Int
    )? {
        guard let tag = bytes.first, bytes.count >= 2 else { return nil }
        guard tag & 0x1F != 0x1F else { throw .malformed("DER: a tag of several bytes") }
        let first = bytes[bytes.startIndex + 1]
        var length = Int(first)
        var head = 2
        if first >= 0x80 {
            let digits = Int(first & 0x7F)
            guard (1...4).contains(digits) else { throw .malformed("DER: a length of \(digits) bytes") }
            head += digits
            guard bytes.count >= head else { return nil }
            length = bytes.dropFirst(2).prefix(digits).reduce(0) { $0 << 8 | Int($1) }
            guard length >= 0x80, length >> ((digits - 1) * 8) != 0 else {
                throw .malformed("DER: a length that is not in its shortest form")
            }
        }
        guard length <= limit else { throw .tooLong("DER: an element of \(length) bytes") }
        return (tag, head, length)
    }
}

/// Reads elements one after the other; everything has to be there, and nothing may be left over.
struct DERReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        self.rest = bytes
    }

    var isAtEnd: Bool { self.rest.isEmpty }

    /// The content of the next element, which must have this tag.
    mutating func element(_ tag: UInt8, _ what: String) throws(RDPWireError) -> ArraySlice<UInt8> {
        guard let content = try self.optional(tag) else { throw .malformed("\(what): a field is missing") }
        return content
    }

    /// The content of the next element if it has this tag.
    mutating func optional(_ tag: UInt8) throws(RDPWireError) -> ArraySlice<UInt8>? {
        guard self.rest.first == tag else { return nil }
        guard let found = try DER.head(of: self.rest, limit: self.rest.count),
            found.head + found.content <= self.rest.count
        else { throw .malformed("DER: an element is cut off") }
        let content = self.rest.dropFirst(found.head).prefix(found.content)
        self.rest = self.rest.dropFirst(found.head + found.content)
        return content
    }

    /// The content of the only element in an explicit field; nil when the field is absent.
    mutating func optional(field number: UInt8, _ tag: UInt8, _ what: String) throws(RDPWireError) -> ArraySlice<UInt8>?
    {
        guard let field = try self.optional(DER.field(number)) else { return nil }
        var inner = DERReader(field)
        let content = try inner.element(tag, what)
        try inner.end(what)
        return content
    }

    /// Nothing may follow.
    func end(_ what: String) throws(RDPWireError) {
        guard self.rest.isEmpty else { throw .malformed("\(what): something follows the last field") }
    }

    /// The value of an INTEGER's content, at most five bytes: enough for 32 bits with and without a sign.
    static func number(_ content: ArraySlice<UInt8>, _ what: String) throws(RDPWireError) -> Int64 {
        guard let first = content.first, content.count <= 5 else {
            throw .malformed("\(what): a number of \(content.count) bytes")
        }
        if content.count > 1 {
            let second = content[content.startIndex + 1]
            let padded = first == 0 && second < 0x80 || first == 0xFF && second >= 0x80
            guard !padded else { throw .malformed("\(what): a number that is not in its shortest form") }
        }
        return content.dropFirst().reduce(Int64(Int8(bitPattern: first))) { $0 << 8 | Int64($1) }
    }
}
