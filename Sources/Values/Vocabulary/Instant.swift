/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored.
public struct Instant: Hashable, Comparable, Sendable {
    /// Milliseconds since the Unix epoch.
    public let milliseconds: Int64

    /// Makes an instant from milliseconds since the Unix epoch.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Makes an instant from whole seconds since the Unix epoch; what is out of range becomes the nearest instant there is.
    ///
    /// Seconds come from outside, in tokens and certificates: no number may stop the program.
    public init(seconds: Int64) {
        self.milliseconds = seconds.multipliedSaturating(by: 1000)
    }

    /// Whole seconds since the Unix epoch, rounded down: what tokens and certificates carry.
    public var seconds: Int64 {
        self.milliseconds / 1000 - (self.milliseconds % 1000 < 0 ? 1 : 0)
    }

    public static func < (left: Instant, right: Instant) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// The instant that much later; the last one there is instead of one beyond it.
    public static func + (instant: Instant, duration: Duration) -> Instant {
        Instant(milliseconds: instant.milliseconds.addingSaturating(duration.milliseconds))
    }

    /// The instant that much earlier; the first one there is instead of one before it.
    public static func - (instant: Instant, duration: Duration) -> Instant {
        Instant(milliseconds: instant.milliseconds.subtractingSaturating(duration.milliseconds))
    }

    /// How long after the right instant the left one is; negative when it is before.
    public static func - (left: Instant, right: Instant) -> Duration {
        .milliseconds(left.milliseconds.subtractingSaturating(right.milliseconds))
    }
}

extension Instant: Codable {
    public init(from decoder: any Decoder) throws {
        self.init(milliseconds: try decoder.singleValueContainer().decode(Int64.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.milliseconds)
    }
}

extension Instant: CustomStringConvertible {
    /// The UTC time as RFC 3339 with milliseconds, for example `2026-01-01T00:00:00.000Z`.
    public var description: String {
        let parts = self.civil
        let milliseconds = (self.milliseconds % 1000 + 1000) % 1000
        return "\(parts.date)T\(parts.time).\(Self.padded(milliseconds, 3))Z"
    }

    /// The UTC time in the form that error answers carry, for example `2026-01-01 00:00:00Z`.
    public var sentence: String {
        let parts = self.civil
        return "\(parts.date) \(parts.time)Z"
    }

    // Days to a civil date by the era method: 400 Gregorian years are 146,097 days.
    private var civil: (date: String, time: String) {
        let seconds = self.seconds
        let days = seconds / 86_400 - (seconds % 86_400 < 0 ? 1 : 0)
        let second = seconds - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (
            "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))",
            "\(Self.padded(second / 3600, 2)):\(Self.padded(second / 60 % 60, 2)):\(Self.padded(second % 60, 2))"
        )
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number.magnitude)
        return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Duration {
    /// The whole duration in milliseconds, rounded towards zero; the nearest number there is when it does not fit.
    public var milliseconds: Int64 {
        self.components.seconds.multipliedSaturating(by: 1000)
            .addingSaturating(self.components.attoseconds / 1_000_000_000_000_000)
    }
}

extension Int64 {
    fileprivate func addingSaturating(_ other: Int64) -> Int64 {
        let (sum, overflow) = self.addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    fileprivate func subtractingSaturating(_ other: Int64) -> Int64 {
        let (difference, overflow) = self.subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }

    fileprivate func multipliedSaturating(by factor: Int64) -> Int64 {
        let (product, overflow) = self.multipliedReportingOverflow(by: factor)
        return overflow ? ((self < 0) == (factor < 0) ? .max : .min) : product
    }
}
