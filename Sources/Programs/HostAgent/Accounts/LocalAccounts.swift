/// The accounts that the machine has of its own, read from its files: ours must never clash with them.
///
/// Read by hand: the agent is linked statically, and must not ask the name service that it is itself a part of.
struct LocalAccounts: Hashable, Sendable {
    /// Names of local people and services, in lower case.
    private(set) var names: Set<String> = []
    /// Their numbers.
    private(set) var numbers: Set<UInt32> = []

    /// Reads the text of a passwd file; lines that are none are passed over.
    init(passwd: String) {
        for line in passwd.split(separator: "\n" as Character) {
            let fields = line.split(separator: ":" as Character, omittingEmptySubsequences: false)
            guard fields.count == 7, let number = UInt32(fields[2]), !fields[0].isEmpty else { continue }
            self.names.insert(fields[0].lowercased())
            self.numbers.insert(number)
        }
    }

    /// Whether an account of ours would be taken for a local one.
    func clashes(name: String, number: UInt32) -> Bool {
        self.names.contains(name) || self.numbers.contains(number)
    }
}
