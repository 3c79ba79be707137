import CLinux
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A deadline by the clock that nobody sets.
struct Stopwatch {
    private let end: Double

    init(seconds: Double) {
        self.end = Self.now + seconds
    }

    /// Seconds since the box started.
    static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    var isOver: Bool { Self.now >= self.end }

    /// For `poll`: never negative, at most an hour.
    var millisecondsLeft: Int { Int(max(0, min(3_600_000, ((self.end - Self.now) * 1000).rounded(.up)))) }
}
