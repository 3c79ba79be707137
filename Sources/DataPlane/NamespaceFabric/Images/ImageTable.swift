import Fabric

/// Which image stands for which: Debian's own releases for themselves, one of them for every other Linux, nothing for Windows.
///
/// Source: Azure platform images; publishers and offers as `az vm image list` names them.
struct ImageTable: Sendable, Hashable {
    /// What stands in where nothing else was chosen.
    static let standardSubstitute = "bookworm"

    private static let releases: [(name: String, number: String)] = [
        ("bullseye", "11"), ("bookworm", "12"), ("trixie", "13"),
    ]

    // Publishers whose offers are Linux systems.
    private static let linuxPublishers: Set<String> = [
        "almalinux", "canonical", "cloudlinux", "credativ", "kinvolk", "kalilinux", "microsoft-aks",
        "microsoftcblmariner",
        "openlogic", "oracle", "redhat", "resf", "rockylinux", "suse",
    ]

    let substitute: String

    /// Makes a table; `substitute` names a release. An unknown one is replaced by the standard one.
    init(substitute: String = Self.standardSubstitute) {
        self.substitute = Self.isKnown(substitute) ? substitute : Self.standardSubstitute
    }

    /// Whether there is such a release.
    static func isKnown(_ release: String) -> Bool {
        self.releases.contains { $0.name == release }
    }

    /// The images themselves.
    var images: [MachineImage] {
        Self.releases.map { Self.image($0.name, $0.number, insteadOf: nil) }
    }

    /// What would be started for a reference; nil for Windows and for publishers nobody knows.
    func image(for reference: ImageReference) -> MachineImage? {
        let publisher = reference.publisher.lowercased()
        let words = (reference.offer + "-" + reference.sku).lowercased()
        if publisher == "debian" {
            // The number stands as a word of its own: `debian-12`, `12-gen2`; not as part of `debian-112`.
            let parts = words.split { !$0.isNumber && !$0.isLetter }.map(String.init)
            if let release = Self.releases.first(where: { parts.contains($0.number) }) {
                return Self.image(release.name, release.number, insteadOf: nil)
            }
        }
        guard publisher == "debian" || Self.linuxPublishers.contains(publisher), !words.contains("windows"),
            let release = Self.releases.first(where: { $0.name == self.substitute })
        else { return nil }
        return Self.image(release.name, release.number, insteadOf: reference)
    }

    private static func image(_ name: String, _ number: String, insteadOf wanted: ImageReference?) -> MachineImage {
        MachineImage(
            id: name,
            reference: ImageReference(publisher: "Debian", offer: "debian-\(number)", sku: "\(number)-gen2"),
            title: "Debian GNU/Linux \(number)",
            substitutes: wanted
        )
    }
}
