extension KeyRevocationList {
    private static let magic = Array("SSHKRL\n".utf8) + [0]
    private static let formatVersion: UInt32 = 1
    /// The longest list that is read, in bytes.
    public static let longest = 16 * 1024 * 1024
    /// The most serial ranges that are read: a bitmap can name sixty times more than it weighs.
    public static let mostRanges = 1 << 20

    private enum Section {
        static let certificates: UInt8 = 1
        static let keys: UInt8 = 2
        static let hashesSHA1: UInt8 = 3
        static let hashesSHA256: UInt8 = 5
        static let addition: UInt8 = 255
    }

    private enum Part {
        static let serials: UInt8 = 0x20
        static let range: UInt8 = 0x21
        static let bitmap: UInt8 = 0x22
        static let keyIDs: UInt8 = 0x23
        static let addition: UInt8 = 0x39
    }

    /// The list as a file. The same list gives the same bytes, whatever the order of its parts' contents.
    public var bytes: [UInt8] {
        var writer = SSHWriter()
        writer.write(raw: Self.magic)
        writer.write(uint32: Self.formatVersion)
        writer.write(uint64: self.version)
        writer.write(uint64: self.date.rawValue)
        writer.write(uint64: 0)
        writer.write(text: "")
        writer.write(text: self.comment)
        for section in self.certificates {
            writer.write(byte: Section.certificates)
            writer.writeNested { section.write(to: &$0) }
        }
        for (type, blobs) in [
            (Section.keys, self.keys), (Section.hashesSHA1, self.hashesSHA1), (Section.hashesSHA256, self.hashesSHA256),
        ] where !blobs.isEmpty {
            writer.write(byte: type)
            writer.writeNested { body in
                // Hashes must stand in order.
                for blob in blobs.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                    body.write(string: blob)
                }
            }
        }
        return writer.bytes
    }

    /// Reads a list. Parts that are not understood are skipped when the format lets them, otherwise the list is refused.
    public init(bytes: [UInt8]) throws(SSHWireError) {
        guard bytes.count <= Self.longest else { throw .tooLong }
        var reader = SSHReader(bytes)
        guard try reader.bytes(Self.magic.count) == Self.magic, try reader.uint32() == Self.formatVersion else {
            throw .malformedRevocationList
        }
        let version = try reader.uint64()
        let date = SSHTime(rawValue: try reader.uint64())
        _ = try reader.uint64()
        _ = try reader.string()
        self.init(version: version, date: date, comment: try reader.text())
        var ranges = 0
        while !reader.isAtEnd {
            let type = try reader.byte()
            var body = try reader.nested()
            switch type {
            case Section.certificates: self.certificates.append(try Certificates(from: &body, ranges: &ranges))
            case Section.keys: try Self.read(into: &self.keys, from: &body, width: nil)
            case Section.hashesSHA1: try Self.read(into: &self.hashesSHA1, from: &body, width: 20)
            case Section.hashesSHA256: try Self.read(into: &self.hashesSHA256, from: &body, width: 32)
            case Section.addition: try Self.skipAddition(&body)
            default: throw .malformedRevocationList
            }
            try body.finish()
        }
    }

    private static func read(
        into blobs: inout Set<[UInt8]>,
        from body: inout SSHReader,
        width: Int?
    ) throws(SSHWireError) {
        while !body.isAtEnd {
            let blob = try body.string()
            guard width == nil || blob.count == width else { throw .malformedRevocationList }
            blobs.insert(blob)
        }
    }

    fileprivate static func skipAddition(_ body: inout SSHReader) throws(SSHWireError) {
        _ = try body.string()
        guard try body.byte() == 0 else { throw .malformedRevocationList }
        _ = try body.string()
    }
}

extension KeyRevocationList.Certificates {
    fileprivate func write(to writer: inout SSHWriter) {
        writer.write(string: self.authority?.blob ?? [])
        writer.write(text: "")
        let sorted = self.serials.sorted { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
        let single = sorted.filter { $0.lowerBound == $0.upperBound }
        if !single.isEmpty {
            writer.write(byte: KeyRevocationList.Part.serials)
            writer.writeNested { part in
                for serial in single {
                    part.write(uint64: serial.lowerBound)
                }
            }
        }
        for range in sorted where range.lowerBound < range.upperBound {
            writer.write(byte: KeyRevocationList.Part.range)
            writer.writeNested { part in
                part.write(uint64: range.lowerBound)
                part.write(uint64: range.upperBound)
            }
        }
        if !self.keyIDs.isEmpty {
            writer.write(byte: KeyRevocationList.Part.keyIDs)
            writer.writeNested { part in
                for keyID in self.keyIDs.sorted() {
                    part.write(text: keyID)
                }
            }
        }
    }

    fileprivate init(from body: inout SSHReader, ranges: inout Int) throws(SSHWireError) {
        let authority = try body.string()
        self.init(of: authority.isEmpty ? nil : try SSHPublicKey(blob: authority))
        _ = try body.string()
        while !body.isAtEnd {
            let type = try body.byte()
            var part = try body.nested()
            switch type {
            case KeyRevocationList.Part.serials:
                repeat {
                    let serial = try part.uint64()
                    try self.add(serial...serial, &ranges)
                } while !part.isAtEnd
            case KeyRevocationList.Part.range:
                let low = try part.uint64()
                let high = try part.uint64()
                guard low <= high else { throw .malformedRevocationList }
                try self.add(low...high, &ranges)
            case KeyRevocationList.Part.bitmap:
                let offset = try part.uint64()
                try self.add(bitmap: try part.magnitude(), at: offset, &ranges)
            case KeyRevocationList.Part.keyIDs:
                while !part.isAtEnd {
                    self.keyIDs.insert(try part.text())
                }
            case KeyRevocationList.Part.addition: try KeyRevocationList.skipAddition(&part)
            default: throw .malformedRevocationList
            }
            try part.finish()
        }
    }

    private mutating func add(_ range: ClosedRange<UInt64>, _ ranges: inout Int) throws(SSHWireError) {
        guard range.lowerBound > 0 else { throw .malformedRevocationList }
        guard ranges < KeyRevocationList.mostRanges else { throw .tooLong }
        ranges += 1
        self.serials.append(range)
    }

    /// Adds the serials whose bit is set; bit 0 of the number is `offset`.
    private mutating func add(
        bitmap: [UInt8],
        at offset: UInt64,
        _ ranges: inout Int
    ) throws(SSHWireError) {
        var run: ClosedRange<UInt64>?
        for (index, byte) in bitmap.reversed().enumerated() where byte != 0 {
            for bit in 0..<8 where byte >> UInt8(bit) & 1 == 1 {
                let (serial, overflows) = offset.addingReportingOverflow(UInt64(index * 8 + bit))
                guard !overflows else { throw .malformedRevocationList }
                if let open = run, open.upperBound + 1 == serial {
                    run = open.lowerBound...serial
                } else {
                    if let run { try self.add(run, &ranges) }
                    run = serial...serial
                }
            }
        }
        if let run { try self.add(run, &ranges) }
    }
}
