public import Vocabulary

/// How large a machine may grow. Source: Azure virtual machine sizes, the letters and numbers of their names.
public struct MachineSize: Sendable, Hashable {
    /// As clients write it, for example `Standard_D2s_v5`.
    public let name: String
    /// Processors.
    public let processors: Int
    /// Megabytes.
    public let memory: Int

    /// The one that stands when nobody chooses.
    public static let initial = MachineSize(name: "Standard_D2s_v5", processors: 2, memory: 8192)

    /// Those in catalogues.
    public static let common: [MachineSize] = [
        "Standard_B1ls", "Standard_B1s", "Standard_B1ms", "Standard_B2s", "Standard_B2ms", "Standard_B4ms",
        "Standard_B2s_v2", "Standard_B2ms_v2", "Standard_D2s_v3", "Standard_D4s_v3", "Standard_D2s_v4",
        "Standard_D2s_v5", "Standard_D4s_v5", "Standard_D8s_v5", "Standard_D2as_v5", "Standard_D4as_v5",
        "Standard_D2ds_v5", "Standard_DS1_v2", "Standard_DS2_v2", "Standard_E2s_v5", "Standard_E4s_v5",
        "Standard_F2s_v2", "Standard_F4s_v2",
    ].compactMap { MachineSize(named: $0) }

    private init(name: String, processors: Int, memory: Int) {
        self.name = name
        self.processors = processors
        self.memory = memory
    }

    /// Reads a size's name: the family says how much memory comes with each processor. Nil for what is no size.
    init?(named name: String?) {
        guard let name, name.utf8.count <= 64 else { return nil }
        let parts = name.split(separator: "_" as Character)
        guard parts.count >= 2, ["standard", "basic"].contains(parts[0].lowercased()) else { return nil }
        let letters = parts[1].prefix { $0.isLetter }
        let digits = parts[1].dropFirst(letters.count).prefix { $0.isNumber }
        guard let family = letters.uppercased().first, let number = Int(digits), (1...416).contains(number),
            parts[1].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
        else { return nil }
        let small = ["b1ls": 512, "b1s": 1024, "b1ms": 2048, "b2s": 4096]
        // The second generation counts steps of doubling: DS1_v2 has one processor, DS4_v2 eight.
        let isStep = ["A", "DS", "D"].contains(letters.uppercased()) && parts.last?.lowercased() == "v2" && number <= 5
        let processors = isStep ? 1 << (number - 1) : number
        let perProcessor = ["E": 8192, "M": 28_672, "F": 2048, "L": 8192, "A": 2048, "B": 4096][String(family)] ?? 4096
        self.init(
            name: name,
            processors: processors,
            memory: small[parts[1].lowercased()] ?? processors * (isStep ? 3584 : perProcessor)
        )
    }

    /// The family in the words of usages and SKU lists, for example `standardDSv5Family`.
    public var family: String {
        let parts = self.name.split(separator: "_" as Character).map(String.init)
        let letters = parts.count > 1 ? parts[1].filter { !$0.isNumber } : ""
        return "standard\(letters.uppercased())\(parts.count > 2 ? parts[2] : "")Family"
    }
}

extension MachineSize {
    /// The size that a machine names; the usual one when it names none.
    public static func of(_ machine: Resource) -> MachineSize { machine.machineSize }
}
