public import NIOCore

/// Cuts a stream of gateway packets, from wherever it is split, into packets and stretches of the desktop's bytes.
///
/// Holds at most one unfinished packet about the connection; the desktop's bytes are handed on as they come, whole packet or not. After an error
/// nothing more can be read. Source: MS-TSGU section 2.2.5.3, whose packets begin with two bytes of type, two reserved and four of length, all
/// little-endian; the length counts these eight bytes too.
public struct GatewayDecoder: Sendable {
    /// What the stream holds next.
    public enum Event: Hashable, Sendable {
        /// A packet about the connection.
        case packet(GatewayPacket)
        /// Bytes of the desktop itself: what has come of one packet's.
        case data(ByteBuffer)
    }

    /// The longest packet: a token or a field of 65,535 bytes and what stands around it.
    static let longest = 8 + 65_535 + 1024
    private static let data: UInt16 = 0x0A

    private var held = ByteBuffer()
    /// How many of the desktop's bytes are still to come of the packet that was begun, and how many to pass over behind them.
    private var owed = (data: 0, rest: 0)

    /// Makes a decoder at the beginning of a stream.
    public init() {}

    /// Takes the stream's next bytes.
    public mutating func feed(_ bytes: ByteBuffer) {
        if self.held.readableBytes == 0 {
            self.held = bytes
        } else {
            self.held.discardReadBytes()
            self.held.writeImmutableBuffer(bytes)
        }
    }

    /// What comes next, nil when more bytes are needed. Throws `malformed`, `tooLong`, or `unexpected` for an unknown type.
    public mutating func next() throws(RDPWireError) -> Event? {
        while self.held.readableBytes > 0 {
            if self.owed.data > 0 { return self.takeData().map { .data($0) } }
            if self.owed.rest > 0 {
                self.passOver()
                continue
            }
            guard let (type, length) = try self.head() else { return nil }
            guard type == Self.data else { return try self.packet(type, length).map { .packet($0) } }
            guard try self.beginData(length) else { return nil }
            if self.owed.data == 0 { return .data(ByteBuffer()) }
        }
        // Whoever read them may fill their buffer again.
        self.held = ByteBuffer()
        return nil
    }

    private func head() throws(RDPWireError) -> (type: UInt16, length: Int)? {
        guard
            let (type, _, length) = self.held.getMultipleIntegers(
                at: self.held.readerIndex,
                endianness: .little,
                as: (UInt16, UInt16, UInt32).self
            )
        else { return nil }
        guard length >= 8 else { throw .malformed("a gateway packet of \(length) bytes") }
        guard length <= Self.longest else { throw .tooLong("a gateway packet of \(length) bytes") }
        return (type, Int(length))
    }

    private mutating func packet(_ type: UInt16, _ length: Int) throws(RDPWireError) -> GatewayPacket? {
        guard var packet = self.held.readSlice(length: length) else { return nil }
        packet.moveReaderIndex(forwardBy: 8)
        return try GatewayPacket(type: type, body: &packet)
    }

    /// Reads the head of a packet of the desktop's bytes; false when it has not come as a whole.
    private mutating func beginData(_ length: Int) throws(RDPWireError) -> Bool {
        guard length >= 10 else { throw .malformed("a data packet without a length") }
        guard let count = self.held.getInteger(at: self.held.readerIndex + 8, endianness: .little, as: UInt16.self)
        else { return false }
        guard Int(count) <= length - 10 else { throw .malformed("a data packet shorter than what it holds") }
        self.held.moveReaderIndex(forwardBy: 10)
        self.owed = (Int(count), length - 10 - Int(count))
        return true
    }

    private mutating func takeData() -> ByteBuffer? {
        let data = self.held.readSlice(length: min(self.owed.data, self.held.readableBytes))
        self.owed.data -= data?.readableBytes ?? 0
        return data
    }

    private mutating func passOver() {
        let count = min(self.owed.rest, self.held.readableBytes)
        self.held.moveReaderIndex(forwardBy: count)
        self.owed.rest -= count
    }
}

extension GatewayPacket {
    /// Reads the body of a packet; what follows the known fields is passed over, as later versions may add some.
    init(type: UInt16, body: inout ByteBuffer) throws(RDPWireError) {
        switch type {
        case 0x01:
            let (major, minor, version, authentication) = try body.take((UInt8, UInt8, UInt16, UInt16).self)
            self = .handshakeRequest(major: major, minor: minor, version: version, .init(rawValue: authentication))
        case 0x02:
            let (code, major, minor, version, authentication) = try body.take(
                (UInt32, UInt8, UInt8, UInt16, UInt16).self
            )
            self = .handshakeResponse(
                GatewayCode(rawValue: code),
                major: major,
                minor: minor,
                version: version,
                .init(rawValue: authentication)
            )
        case 0x03: self = .extendedAuthentication(try body.takeCode(), try body.takeBlob())
        case 0x04:
            let (capabilities, fields, _) = try body.take((UInt32, UInt16, UInt16).self)
            let token = fields & 1 == 0 ? nil : try body.takeText()
            let context = fields & 2 == 0 ? nil : try body.take(UInt64.self)
            self = .tunnelCreate(.init(rawValue: capabilities), token: token, context: context)
        case 0x05: self = try Self.tunnelResponse(&body)
        case 0x06:
            let fields = try body.take(UInt16.self)
            let machine = try body.takeText()
            self = .tunnelAuthorization(machine: machine, health: fields & 1 == 0 ? nil : try body.takeBlob())
        case 0x07:
            let (code, fields, _) = try body.take((UInt32, UInt16, UInt16).self)
            let redirection = fields & 1 == 0 ? nil : GatewayRedirection(rawValue: try body.take(UInt32.self))
            let idle = fields & 2 == 0 ? nil : try body.take(UInt32.self)
            self = .tunnelAuthorizationResponse(
                GatewayCode(rawValue: code),
                redirection: redirection,
                idleMinutes: idle,
                health: fields & 4 == 0 ? nil : try body.takeBlob()
            )
        case 0x08: self = try Self.channelCreate(&body)
        case 0x09:
            let (code, fields, _) = try body.take((UInt32, UInt16, UInt16).self)
            let channel = fields & 1 == 0 ? nil : try body.take(UInt32.self)
            let port = fields & 4 == 0 ? nil : try body.take(UInt16.self)
            self = .channelResponse(
                GatewayCode(rawValue: code),
                channel: channel,
                datagramPort: port,
                datagramCookie: fields & 2 == 0 ? nil : try body.takeBlob()
            )
        case 0x0B: self = .serviceMessage(try body.takeText())
        case 0x0C: self = .reauthenticate(context: try body.take(UInt64.self))
        case 0x0D: self = .keepAlive
        case 0x10: self = .closeChannel(try body.takeCode())
        case 0x11: self = .closeChannelResponse(try body.takeCode())
        default: throw .unexpected("a gateway packet of type \(type)")
        }
    }

    private static func tunnelResponse(_ body: inout ByteBuffer) throws(RDPWireError) -> Self {
        let (_, code, fields, _) = try body.take((UInt16, UInt32, UInt16, UInt16).self)
        var found = GatewayTunnelFields()
        if fields & 1 != 0 { found.tunnel = try body.take(UInt32.self) }
        if fields & 2 != 0 { found.capabilities = .init(rawValue: try body.take(UInt32.self)) }
        if fields & 4 != 0 {
            guard let nonce = body.readBytes(length: 20) else {
                throw .malformed("a tunnel response without its nonce")
            }
            found.quarantine = .init(nonce: nonce, certificate: try body.takeText())
        }
        if fields & 0x10 != 0 { found.consent = try body.takeText() }
        return .tunnelResponse(GatewayCode(rawValue: code), found)
    }

    private static func channelCreate(_ body: inout ByteBuffer) throws(RDPWireError) -> Self {
        let (names, alternatives, port, transport) = try body.take((UInt8, UInt8, UInt16, UInt16).self)
        var texts: [String] = []
        for _ in 0..<(Int(names) + Int(alternatives)) { texts.append(try body.takeText()) }
        return .channelCreate(
            names: Array(texts.prefix(Int(names))),
            alternatives: Array(texts.dropFirst(Int(names))),
            port: port,
            transport: transport
        )
    }
}

extension ByteBuffer {
    fileprivate mutating func take<Number: FixedWidthInteger>(_: Number.Type) throws(RDPWireError) -> Number {
        guard let number = self.readInteger(endianness: .little, as: Number.self) else { throw Self.tooShort }
        return number
    }

    fileprivate mutating func take<each Number: FixedWidthInteger>(
        _: (repeat each Number).Type
    ) throws(RDPWireError) -> (repeat each Number) {
        (repeat try self.take((each Number).self))
    }

    fileprivate mutating func takeCode() throws(RDPWireError) -> GatewayCode {
        GatewayCode(rawValue: try self.take(UInt32.self))
    }

    fileprivate mutating func takeBlob() throws(RDPWireError) -> [UInt8] {
        guard let bytes = self.readBytes(length: Int(try self.take(UInt16.self))) else { throw Self.tooShort }
        return bytes
    }

    // UTF-16 with or without a NUL at its end; one in the middle could mean two things to two readers.
    fileprivate mutating func takeText() throws(RDPWireError) -> String {
        let count = Int(try self.take(UInt16.self))
        guard count % 2 == 0, var bytes = self.readSlice(length: count) else { throw Self.tooShort }
        var units: [UInt16] = []
        units.reserveCapacity(count / 2)
        while let unit = bytes.readInteger(endianness: .little, as: UInt16.self) { units.append(unit) }
        if units.last == 0 { units.removeLast() }
        guard !units.contains(0), let text = String(validating: units, as: UTF16.self) else {
            throw .malformed("a text in a gateway packet is not UTF-16")
        }
        return text
    }

    private static var tooShort: RDPWireError { .malformed("a gateway packet shorter than its fields") }
}
