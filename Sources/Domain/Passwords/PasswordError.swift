/// Why a password could not be worked on; never whether it was right.
public enum PasswordError: Error, Sendable, Hashable {
    /// Too many are waiting already: ask the person to try again in a moment.
    case busy
    /// There is no memory for the work, or the library did not start.
    case unavailable
}
