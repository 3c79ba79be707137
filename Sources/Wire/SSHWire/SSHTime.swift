public import Vocabulary

/// A point in time as certificates and revocation lists carry it: whole seconds since 1970, unsigned, with a value for "always".
public struct SSHTime: Hashable, Comparable, Sendable, RawRepresentable {
    /// Seconds since the Unix epoch.
    public let rawValue: UInt64

    /// Takes seconds since the Unix epoch.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Rounds an instant down to the second; what lies before 1970 becomes 1970.
    public init(_ instant: Instant) {
        self.rawValue = UInt64(max(0, instant.seconds))
    }

    /// The beginning of time, as an end of validity never and as a start "always".
    public static let always = SSHTime(rawValue: 0)

    /// The same point as an instant; times too far away for one become the farthest.
    public var instant: Instant {
        Instant(seconds: Int64(min(self.rawValue, UInt64(Int64.max / 1000))))
    }

    public static func < (left: SSHTime, right: SSHTime) -> Bool {
        left.rawValue < right.rawValue
    }
}
