import Crypto

extension SSHPublicKey {
    /// Reads one line of a `.pub` or `authorized_keys` file without options: type, base 64, optional comment.
    public init(line: String) throws(SSHWireError) {
        let parts = try SSHTextLine(line, limit: SSHWire.longestKey)
        let type = try SSHKeyType(naming: parts.type)
        try self.init(blob: parts.blob)
        guard self.type == type else { throw .malformedLine }
    }

    /// The line of a `.pub` file, without a line end; line ends in the comment become spaces.
    public func line(comment: String = "") -> String {
        SSHTextLine.text(type: self.type.rawValue, blob: self.blob, comment: comment)
    }

    /// The fingerprint as OpenSSH shows it: `SHA256:` and 43 characters of base 64 without padding.
    public var fingerprint: String {
        let digest = Base64.encode(Array(SHA256.hash(data: self.blob)))
        return "SHA256:" + digest.prefix { $0 != "=" }
    }

    /// The `known_hosts` line that makes a client trust this key as an authority for hosts. Source: sshd(8).
    ///
    /// Patterns are host names or addresses, possibly with wildcards, for example `*.contoso.example`.
    public func authorityLine(for patterns: [String], comment: String = "") -> String {
        "@cert-authority \(patterns.joined(separator: ",")) \(self.line(comment: comment))"
    }
}

/// The three parts of a line of OpenSSH's key files.
struct SSHTextLine {
    let type: String
    let blob: [UInt8]
    let comment: String

    /// Splits a line; `limit` bounds the blob, in bytes.
    init(_ line: String, limit: Int) throws(SSHWireError) {
        let units = Array(line.utf8)
        guard units.count <= limit / 3 * 4 + 2048 else { throw .tooLong }
        let isSpace = { (unit: UInt8) in unit == UInt8(ascii: " ") || unit == UInt8(ascii: "\t") }
        var end = units.count
        while end > 0, isSpace(units[end - 1]) || units[end - 1] == 10 || units[end - 1] == 13 {
            end -= 1
        }
        let parts = units[..<end].split(maxSplits: 2, whereSeparator: isSpace)
        guard parts.count >= 2, !units[..<end].contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }),
            let type = String(validating: parts[0], as: UTF8.self), let blob = Base64.decode(parts[1])
        else { throw .malformedLine }
        self.type = type
        self.blob = blob
        self.comment = parts.count > 2 ? String(decoding: parts[2], as: UTF8.self) : ""
    }

    /// Puts a line together.
    static func text(type: String, blob: [UInt8], comment: String) -> String {
        // A line end in a comment would start a line of somebody else's choosing.
        let safe = String(
            String.UnicodeScalarView(comment.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : $0 })
        )
        return "\(type) \(Base64.encode(blob))" + (safe.isEmpty ? "" : " \(safe)")
    }
}
