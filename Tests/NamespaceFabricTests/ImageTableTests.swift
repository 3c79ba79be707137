import Fabric
import Testing

@testable import NamespaceFabric

@Suite("Images") struct ImageTableTests {
    let table = ImageTable()

    @Test(
        "starts Debian's releases for themselves",
        arguments: [
            ("debian-11", "11-backports-gen2", "bullseye"), ("debian-12", "12-gen2", "bookworm"),
            ("Debian-13", "13", "trixie"),
        ]
    )
    func debian(offer: String, sku: String, id: String) throws {
        let image = try #require(self.table.image(for: ImageReference(publisher: "Debian", offer: offer, sku: sku)))
        #expect(image.id == id)
        #expect(image.substitutes == nil)
    }

    @Test(
        "says what it starts something else for",
        arguments: [
            ("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2"), ("RedHat", "RHEL", "8-lvm-gen2"),
            ("kinvolk", "flatcar-container-linux-free", "stable-gen2"), ("SUSE", "sles-15-sp5", "gen2"),
            ("Debian", "debian-10", "10"), ("Debian", "debian-112", "112"),
        ]
    )
    func substitutes(publisher: String, offer: String, sku: String) throws {
        let wanted = ImageReference(publisher: publisher, offer: offer, sku: sku)
        let image = try #require(self.table.image(for: wanted))
        #expect(image.id == "bookworm")
        #expect(image.substitutes == wanted)
    }

    @Test("starts nothing for Windows and for publishers that nobody knows")
    func refuses() {
        for (publisher, offer) in [
            ("MicrosoftWindowsServer", "WindowsServer"), ("microsoftwindowsdesktop", "windows-11"), ("acme", "linux"),
            ("RedHat", "windows"),
        ] {
            #expect(self.table.image(for: ImageReference(publisher: publisher, offer: offer, sku: "x")) == nil)
        }
    }

    @Test("substitutes what the operator chose") func choice() {
        let ubuntu = ImageReference(publisher: "Canonical", offer: "ubuntu-24_04-lts", sku: "server")
        #expect(ImageTable(substitute: "trixie").image(for: ubuntu)?.id == "trixie")
        #expect(ImageTable(substitute: "potato").image(for: ubuntu)?.id == "bookworm")
    }
}
