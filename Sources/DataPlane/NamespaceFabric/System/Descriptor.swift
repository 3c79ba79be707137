import CLinux
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Waits and whole writes on descriptors, for threads that may block.
enum Descriptor {
    /// Waits until a descriptor is ready for some events; false at the deadline.
    static func wait(_ descriptor: Int32, for events: Int32, until end: Stopwatch) -> Bool {
        while true {
            var watched = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let ready = poll(&watched, 1, Int32(end.millisecondsLeft))
            if ready > 0 { return true }
            if ready < 0, errno == EINTR { continue }
            return false
        }
    }

    /// Writes everything; false when the other end is gone.
    static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
}
