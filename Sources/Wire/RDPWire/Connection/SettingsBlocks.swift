/// The blocks of settings that client and host exchange inside the conference's user data, found in place. Source: MS-RDPBCGR 2.2.1.3 and 2.2.1.4.
struct SettingsBlocks {
    /// What a block is about.
    enum Kind: Int {
        case clientCore = 0xc001
        case clientNetwork = 0xc003
        case clientMultitransport = 0xc00a
        case hostCore = 0x0c01
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
    /// Overwrites a number, least significant byte first, at an offset that is known to be inside.
    mutating func put(_ value: UInt32, at offset: Int) {
        self.replaceSubrange(offset..<offset + 4, with: PDUBytes.long(value))
    }
}
