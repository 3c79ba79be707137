import Synchronization
import Vocabulary

/// What a request to make a machine carries and nobody may read again: handed to the fabric once, never stored.
struct MachineSecrets: Sendable {
    let password: Secret<String>?
    /// Decoded.
    let customData: Secret<[UInt8]>?

    /// Reads them from a body; both were checked before.
    init(body: JSONValue) {
        let profile = body.member("properties").flatMap {
            $0.member("osProfile") ?? $0.member("virtualMachineProfile")?.member("osProfile")
        }
        self.password = profile?.member("adminPassword")?.string.map { Secret($0) }
        let script = profile?.member("customData")?.string.flatMap { Base64.decode($0) }
        self.customData = script.flatMap { $0.isEmpty ? nil : Secret($0) }
    }

    /// Whether there are none.
    var isEmpty: Bool { self.password == nil && self.customData == nil }
}

/// The secrets of machines that are being made, until they are.
final class PendingSecrets: Sendable {
    private let known = Mutex<[String: MachineSecrets]>([:])

    /// Keeps them for the time of the making.
    func keep(_ secrets: MachineSecrets, for machine: ResourcePath) {
        self.known.withLock { $0[machine.key] = secrets }
    }

    /// Forgets them.
    func forget(_ machine: ResourcePath) {
        self.known.withLock { $0[machine.key] = nil }
    }

    subscript(machine: ResourcePath) -> MachineSecrets? {
        self.known.withLock { $0[machine.key] }
    }
}

/// The alphabet of RFC 4648 section 4, which bodies use.
enum Base64 {
    /// Decodes; nil for anything that is not base 64.
    static func decode(_ text: String) -> [UInt8]? {
        guard !text.contains(where: { $0 == "-" || $0 == "_" }) else { return nil }
        return Base64URL.decode(
            String(text.filter { !$0.isWhitespace }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
        )
    }
}
