/// Something that must not be seen: it has no description, no encoding and no reflection that shows it.
///
/// Compare with `==`, which takes the same time wherever the difference is. Long-lived key bytes belong in the crypto library's own key types,
/// which overwrite them at the end of their life.
public struct Secret<Value: Sendable>: Sendable {
    private final class Box: Sendable {
        let value: Value

        init(_ value: Value) {
            self.value = value
        }
    }

    private let box: Box

    /// Hides a value.
    public init(_ value: Value) {
        self.box = Box(value)
    }

    /// Lends the value to the one place that has to use it.
    public borrowing func withValue<Result>(_ body: (borrowing Value) throws -> Result) rethrows -> Result {
        try body(self.box.value)
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "‹secret›" }
    public var debugDescription: String { "‹secret›" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension Secret: Equatable where Value: Collection, Value.Element == UInt8 {
    public static func == (left: Secret, right: Secret) -> Bool {
        ConstantTime.equal(left.box.value, right.box.value)
    }
}

/// Comparison whose time does not depend on where the two sides differ.
public enum ConstantTime {
    /// Whether two byte sequences are equal; lengths are not hidden.
    public static func equal(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for (one, other) in zip(left, right) {
            difference |= one ^ other
        }
        return difference == 0
    }
}
