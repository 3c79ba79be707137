/// The blocks of settings that client and host exchange inside the conference's user data, found in place. Source: MS-RDPBCGR 2.2.1.3 and 2.2.1.4.
struct SettingsBlocks {
    /// What a block is about.
    enum Kind: Int {
        case clientCore = 0xc001
        case clientNetwork = 0xc003
        case clientCluster = 0xc004
        case clientMultitransport = 0xc00a
        case hostCore = 0x0c01
        case hostNetwork = 0x0c03
    }

    private var ranges: [Kind: Range<Int>] = [:]

    /// Finds the blocks from the reader's position to its end; throws when one of those that matter is there twice.
    init(_ reader: PDUReader) throws(RDPWireError) {
        var reader = reader
        while reader.left > 0 {
            let start = reader.position
            let type = try reader.short()
            let length = try reader.short()
            guard length >= 4 else { throw .malformed("a block of settings shorter than its header") }
            _ = try reader.take(length - 4)
            guard let kind = Kind(rawValue: type) else { continue }
            // Two of a kind may be read differently by whoever looks and whoever acts.
            guard self.ranges[kind] == nil else { throw .malformed("a block of settings twice") }
            self.ranges[kind] = start..<start + length
        }
    }

    /// Where a block is, header included.
    subscript(_ kind: Kind) -> Range<Int>? { self.ranges[kind] }
}

extension [UInt8] {
    /// A number, least significant byte first, at an offset that is known to be inside.
    func long(at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(self[offset + $1]) << ($1 * 8) }
    }

    /// Overwrites a number, least significant byte first, at an offset that is known to be inside.
    mutating func put(_ value: UInt32, at offset: Int) {
        self.replaceSubrange(offset..<offset + 4, with: PDUBytes.long(value))
    }
}

// What stands around the settings of both sides; each part is the last one of what it stands in.
extension PDUReader {
    /// The message's own tag, then its length.
    mutating func expectEnvelope(_ tag: [UInt8]) throws(RDPWireError) {
        try self.expect(tag, "its tag")
        guard try self.basicLength() == self.left else {
            throw .malformed("\(self.message) of another length than it says")
        }
    }

    /// The user data with the name of the protocol in it. Source: T.124 section 8.7.
    mutating func expectConference() throws(RDPWireError) {
        try self.expect([0x04], "user data")
        guard try self.basicLength() == self.left else {
            throw .malformed("\(self.message) with bytes after its user data")
        }
        try self.expect([0x00, 0x05, 0x00, 0x14, 0x7c, 0x00, 0x01], "the object identifier of T.124")
    }

    /// The length of the settings, which are what is left.
    mutating func expectSettings() throws(RDPWireError) {
        guard try self.packedLength() == self.left else {
            throw .malformed("\(self.message) with bytes after its settings")
        }
    }
}
