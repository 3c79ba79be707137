public import NIOCore

extension GatewayPacket {
    /// The longest text or field in one packet: its length is sixteen bits.
    static let longestField = 65_535

    /// The packet as bytes. Texts and fields beyond 65,535 bytes are cut. Source: MS-TSGU section 2.2.5.3.
    public var bytes: ByteBuffer {
        var body = ByteBuffer()
        self.writeBody(to: &body)
        var packet = ByteBuffer()
        packet.writeGatewayHead(self.type, length: body.readableBytes)
        packet.writeImmutableBuffer(body)
        return packet
    }

    private func writeBody(to body: inout ByteBuffer) {
        switch self {
        case .handshakeRequest(let major, let minor, let version, let authentication):
            body.writeMultipleIntegers(major, minor, endianness: .little)
            body.writeMultipleIntegers(version, authentication.rawValue, endianness: .little)
        case .handshakeResponse(let code, let major, let minor, let version, let authentication):
            body.writeMultipleIntegers(code.rawValue, major, minor, endianness: .little)
            body.writeMultipleIntegers(version, authentication.rawValue, endianness: .little)
        case .extendedAuthentication(let code, let blob):
            body.writeInteger(code.rawValue, endianness: .little)
            body.writeGatewayBlob(blob)
        case .tunnelCreate(let capabilities, let token, let context):
            let fields = UInt16((token == nil ? 0 : 1) | (context == nil ? 0 : 2))
            body.writeMultipleIntegers(capabilities.rawValue, fields, UInt16(0), endianness: .little)
            if let token { body.writeGatewayText(token) }
            if let context { body.writeInteger(context, endianness: .little) }
        case .tunnelResponse(let code, let fields):
            self.write(code, fields, to: &body)
        case .tunnelAuthorization(let machine, let health):
            body.writeInteger(UInt16(health == nil ? 0 : 1), endianness: .little)
            body.writeGatewayText(machine)
            if let health { body.writeGatewayBlob(health) }
        case .tunnelAuthorizationResponse(let code, let redirection, let idle, let health):
            let fields = UInt16((redirection == nil ? 0 : 1) | (idle == nil ? 0 : 2) | (health == nil ? 0 : 4))
            body.writeMultipleIntegers(code.rawValue, fields, UInt16(0), endianness: .little)
            if let redirection { body.writeInteger(redirection.rawValue, endianness: .little) }
            if let idle { body.writeInteger(idle, endianness: .little) }
            if let health { body.writeGatewayBlob(health) }
        case .channelCreate(let names, let alternatives, let port, let transport):
            body.writeMultipleIntegers(UInt8(clamping: names.count), UInt8(clamping: alternatives.count))
            body.writeMultipleIntegers(port, transport, endianness: .little)
            (names.prefix(255) + alternatives.prefix(255)).forEach { body.writeGatewayText($0) }
        case .channelResponse(let code, let channel, let port, let cookie):
            let fields = UInt16((channel == nil ? 0 : 1) | (cookie == nil ? 0 : 2) | (port == nil ? 0 : 4))
            body.writeMultipleIntegers(code.rawValue, fields, UInt16(0), endianness: .little)
            if let channel { body.writeInteger(channel, endianness: .little) }
            if let port { body.writeInteger(port, endianness: .little) }
            if let cookie { body.writeGatewayBlob(cookie) }
        case .serviceMessage(let text): body.writeGatewayText(text)
        case .reauthenticate(let context): body.writeInteger(context, endianness: .little)
        case .keepAlive: break
        case .closeChannel(let code), .closeChannelResponse(let code):
            body.writeInteger(code.rawValue, endianness: .little)
        }
    }

    private func write(_ code: GatewayCode, _ fields: GatewayTunnelFields, to body: inout ByteBuffer) {
        var present: UInt16 = 0
        if fields.tunnel != nil { present |= 1 }
        if fields.capabilities != nil { present |= 2 }
        if fields.quarantine != nil { present |= 4 }
        if fields.consent != nil { present |= 0x10 }
        body.writeMultipleIntegers(UInt16(0), code.rawValue, present, UInt16(0), endianness: .little)
        if let tunnel = fields.tunnel { body.writeInteger(tunnel, endianness: .little) }
        if let capabilities = fields.capabilities { body.writeInteger(capabilities.rawValue, endianness: .little) }
        if let quarantine = fields.quarantine {
            body.writeBytes((quarantine.nonce + Array(repeating: 0, count: 20)).prefix(20))
            body.writeGatewayText(quarantine.certificate)
        }
        if let consent = fields.consent { body.writeGatewayText(consent) }
    }

    /// What a stretch of the desktop's own bytes is preceded by, for at most 65,535 of them.
    public static func writeDataHead(of count: Int, to buffer: inout ByteBuffer) {
        buffer.writeGatewayHead(0x0A, length: count + 2)
        buffer.writeInteger(UInt16(clamping: count), endianness: .little)
    }
}

extension ByteBuffer {
    fileprivate mutating func writeGatewayHead(_ type: UInt16, length: Int) {
        self.writeMultipleIntegers(type, UInt16(0), UInt32(clamping: length + 8), endianness: .little)
    }

    fileprivate mutating func writeGatewayBlob(_ bytes: [UInt8]) {
        let bytes = bytes.prefix(GatewayPacket.longestField)
        self.writeInteger(UInt16(bytes.count), endianness: .little)
        self.writeBytes(bytes)
    }

    // UTF-16 with a NUL at its end, which the length counts.
    fileprivate mutating func writeGatewayText(_ text: String) {
        let units = text.utf16.prefix(GatewayPacket.longestField / 2 - 1)
        self.writeInteger(UInt16(units.count * 2 + 2), endianness: .little)
        for unit in units { self.writeInteger(unit, endianness: .little) }
        self.writeInteger(UInt16(0), endianness: .little)
    }
}
