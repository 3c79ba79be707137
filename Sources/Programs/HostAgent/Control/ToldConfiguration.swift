import AgentWire
import Synchronization

/// The configuration that the server told last, for everybody who needs it.
final class ToldConfiguration: Sendable {
    private let state: Mutex<HostConfiguration?>

    init(_ value: HostConfiguration?) {
        self.state = Mutex(value)
    }

    /// The configuration; nil before the first contact.
    var value: HostConfiguration? {
        get { self.state.withLock { $0 } }
        set { self.state.withLock { $0 = newValue } }
    }
}
