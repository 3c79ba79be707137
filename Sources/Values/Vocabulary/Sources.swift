#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where the time comes from: the system in production, a turned clock in tests.
public struct TimeSource: Sendable {
    private let read: @Sendable () -> Instant

    /// Makes a source from a function.
    public init(_ read: @escaping @Sendable () -> Instant) {
        self.read = read
    }

    /// The time now.
    public var now: Instant { self.read() }

    /// The machine's own clock.
    public static let system = TimeSource {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

/// Where unpredictable bytes come from: the system's generator in production, a seeded one in tests.
public struct RandomSource: Sendable {
    private let fill: @Sendable (Int) -> [UInt8]

    /// Makes a source from a function that returns as many bytes as asked.
    public init(_ fill: @escaping @Sendable (Int) -> [UInt8]) {
        self.fill = fill
    }

    /// That many unpredictable bytes.
    public func bytes(_ count: Int) -> [UInt8] {
        self.fill(count)
    }

    /// An opaque token of that many random bytes, in base64url: 32 bytes are 43 characters.
    public func token(bytes count: Int = 32) -> String {
        Base64URL.encode(self.bytes(count))
    }

    /// The operating system's generator.
    public static let system = RandomSource { count in
        // Each number costs a system call, so all eight bytes of it are used.
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 7)
        while bytes.count < count {
            withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}
