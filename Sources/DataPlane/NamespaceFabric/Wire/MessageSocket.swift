import CLinux
import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Messages over a local socket: four bytes of length, most significant first, then that much JSON. A descriptor may come along.
struct MessageSocket: ~Copyable {
    /// The longest message. The largest thing in one is `customData`, of which Azure allows 64 KiB.
    static let limit = 4 << 20

    let descriptor: Int32

    /// Takes over a connected socket, and closes it at its own end.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(self.descriptor)
    }

    /// Connects to the socket of a service; throws `away` when nobody listens.
    static func to(_ path: String) throws(FabricError) -> MessageSocket {
        let made = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard made >= 0 else { throw .last("socket", of: path) }
        let connection = MessageSocket(made)
        try Self.withAddress(path) { address, size throws(FabricError) in
            guard connect(made, address, size) == 0 else { throw .away("\(path): \(String(cString: strerror(errno)))") }
        }
        return connection
    }

    /// Ends a wait on this socket after a time; nil for never.
    func setDeadline(_ seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    /// The user at the other end, as the kernel noted it when the connection was made.
    var peer: UInt32? {
        var user: UInt32 = 0
        return clinux_peer(self.descriptor, &user) == 0 ? user : nil
    }

    /// Sends a message, with a copy of a descriptor unless that is negative.
    func send(_ message: some Encodable, descriptor: Int32 = -1) throws(FabricError) {
        guard let body = try? JSONEncoder().encode(message), body.count <= Self.limit else {
            throw .message("A message to or from the fabric is too long.")
        }
        let count = UInt32(body.count)
        let bytes = [UInt8(count >> 24), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)] + body
        var done = 0
        while done < bytes.count {
            let sent = bytes[done...].withUnsafeBytes {
                clinux_send(self.descriptor, $0.baseAddress, $0.count, done == 0 ? descriptor : -1)
            }
            if sent < 0, errno == EINTR { continue }
            guard sent > 0 else { throw .away("The other side of the fabric's socket is gone.") }
            done += sent
        }
    }

    /// Receives a message and the descriptor that came with it, or -1; nil when the other side ended the connection properly.
    func receive<Message: Decodable>(_ type: Message.Type) throws(FabricError) -> (Message, descriptor: Int32)? {
        var first: Int32 = -1
        guard let head = try self.receive(4, &first) else { return nil }
        let count = head.reduce(0) { $0 << 8 | Int($1) }
        var second: Int32 = -1
        do throws(FabricError) {
            guard count <= Self.limit else { throw .message("A message of \(count) bytes is too long.") }
            guard let body = try self.receive(count, &second) else { throw .message("A message was cut off.") }
            guard let message = try? JSONDecoder().decode(type, from: Data(body)) else {
                throw .message("A message was not understood: do the versions of server and fabric differ?")
            }
            if second >= 0 { close(second) }
            return (message, first)
        } catch {
            if first >= 0 { close(first) }
            if second >= 0 { close(second) }
            throw error
        }
    }

    private func receive(_ count: Int, _ descriptor: inout Int32) throws(FabricError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            var passed: Int32 = -1
            let received = bytes.withUnsafeMutableBytes {
                clinux_receive(self.descriptor, $0.baseAddress?.advanced(by: done), count - done, &passed)
            }
            if passed >= 0 {
                if descriptor >= 0 { close(descriptor) }
                descriptor = passed
            }
            if received < 0, errno == EINTR { continue }
            if received < 0, errno == EAGAIN { throw .late("The service that runs machines took too long.") }
            if received == 0, done == 0 { return nil }
            guard received > 0 else { throw .away("The other side of the fabric's socket is gone.") }
            done += received
        }
        return bytes
    }

    /// Lends a path as a socket address.
    static func withAddress(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(FabricError) -> Void
    ) throws(FabricError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .order(code: "InvalidSetting", "The path \(path) is too long for a socket: at most 107 bytes.")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        var failure: FabricError?
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                do throws(FabricError) {
                    try body(generic, socklen_t(MemoryLayout<sockaddr_un>.size))
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
    }
}
