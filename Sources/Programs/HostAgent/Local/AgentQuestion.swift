import AgentWire

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One question to the agent that runs on this machine, asked by a command. Blocks, at most a few seconds.
enum AgentQuestion {
    /// Asks and waits for the answer.
    static func ask(_ request: LocalRequest, _ layout: HostLayout) throws(HostAgentError) -> LocalReply {
        let descriptor = try Self.connect(layout)
        defer { close(descriptor) }
        do throws(AgentWireError) {
            let frame = try request.encoded()
            guard (try? HostFile.write(frame, to: descriptor, path: layout.socketFile)) != nil else { throw .truncated }
            var received: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 8192)
            while true {
                if let length = try LocalFrame.length(of: received, limit: LocalFrame.longestReply),
                    received.count >= 4 + length
                {
                    return try LocalReply.decode(Array(received[4..<(4 + length)]))
                }
                let count = HostFile.retrying { recv(descriptor, &chunk, chunk.count, 0) }
                guard count > 0 else { throw .truncated }
                received += chunk[..<count]
            }
        } catch {
            throw .configuration("the agent's answer makes no sense: \(error)")
        }
    }

    /// The process that answers at the socket.
    static func agentProcess(_ layout: HostLayout) throws(HostAgentError) -> Int32 {
        let descriptor = try Self.connect(layout)
        defer { close(descriptor) }
        var credentials: (pid: Int32, uid: UInt32, gid: UInt32) = (0, 0, 0)
        var size = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0, credentials.pid > 1 else {
            throw .system(call: "getsockopt", path: layout.socketFile, code: errno)
        }
        return credentials.pid
    }

    private static func connect(_ layout: HostLayout) throws(HostAgentError) -> Int32 {
        let path = Array(layout.socketFile.utf8)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .configuration("\(layout.socketFile) is too long for a socket")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let descriptor = socket(AF_UNIX, Self.stream, 0)
        guard descriptor >= 0 else { throw .system(call: "socket", path: layout.socketFile, code: errno) }
        var patience = timeval(tv_sec: 15, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                Self.connect(descriptor, pointer)
            }
        }
        guard result == 0 else {
            close(descriptor)
            throw .system(call: "connect", path: layout.socketFile, code: errno)
        }
        return descriptor
    }

    private static func connect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>) -> Int32 {
        systemConnect(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size))
    }

    #if canImport(Glibc)
        private static let stream = Int32(SOCK_STREAM.rawValue)
    #else
        private static let stream = SOCK_STREAM
    #endif
}

// `AgentQuestion` has a `connect` of its own, which would hide the system's.
private func systemConnect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Int32 {
    connect(descriptor, address, size)
}
