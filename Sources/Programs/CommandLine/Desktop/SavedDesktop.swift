import Client
import FoundationEssentials
import RDPWire
import Vocabulary

/// A connection file that somebody kept: its token is dead, but it says which machine it was for, how it was signed in to, and how the
/// desktop is to look.
///
/// Nothing else of it counts. A file may come from anywhere, so neither the server nor what of this computer the machine gets to see is taken from
/// it: a new file is asked for, of the server that this computer knows.
struct SavedDesktop: Equatable {
    /// The machine, or an address as a resource of the bastion's.
    let target: ResourcePath
    /// The bastion host that the file was made by.
    let bastion: ResourcePath
    /// The machine's port.
    let port: Int
    /// How the person proved who they are.
    let signIn: DesktopSignIn
    /// How the desktop looks, as the person left it.
    let looks: [RDPFile.Property]

    /// What a person changes about a desktop's looks. All of them are numbers, and none opens anything of this computer.
    static let looksNames: Set<String> = [
        "screen mode id", "use multimon", "desktopwidth", "desktopheight", "session bpp", "smart sizing",
        "dynamic resolution", "desktopscalefactor", "displayconnectionbar", "pinconnectionbar", "keyboardhook",
    ]

    /// Reads a file. Throws `NotADesktopFile` when it is none of this product's, or says too little.
    init(_ bytes: [UInt8], named name: String) throws(Problem) {
        let file: RDPFile
        do {
            file = try RDPFile(parsing: bytes)
        } catch {
            throw Self.unknown(name)
        }
        guard case .text(let target)? = file["sallyport target"], let target = ResourcePath(target),
            case .text(let bastion)? = file["sallyport bastion"], let bastion = ResourcePath(bastion),
            target.subscription != nil, bastion.isOf(type: "Microsoft.Network/bastionHosts")
        else { throw Self.unknown(name) }
        let port = if case .number(let port)? = file["server port"], (1...65_535).contains(port) { port } else { 3389 }
        self.target = target
        self.bastion = bastion
        self.port = port
        self.signIn =
            if file["enablerdsaadauth"] == .number(1) {
                .webAccount
            } else if file["prompt for credentials"] == .number(1) {
                .password
            } else if file["targetisaadjoined"] == nil {
                .kerberos
            } else {
                .gateway
            }
        self.looks = file.properties.filter { property in
            if case .number = property.value { Self.looksNames.contains(property.name.lowercased()) } else { false }
        }
    }

    /// A fresh file with the looks of this one.
    func dressing(_ bytes: [UInt8]) throws(Problem) -> [UInt8] {
        do {
            var file = try RDPFile(parsing: bytes)
            for property in self.looks { try file.set(property.name, property.value) }
            return file.bytes
        } catch {
            throw Problem("BadAnswer", shown: "The bastion's answer is no .rdp file.")
        }
    }

    /// The file at a path of this computer.
    static func read(_ path: String) throws(Problem) -> [UInt8] {
        do {
            let data = try Data(contentsOf: URL(filePath: StateDirectory.absolute(path)))
            guard data.count <= RDPFile.longest else { throw Self.unknown(path) }
            return [UInt8](data)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem("NoFile", shown: "'\(PrintableText.of(path, limit: 300))' cannot be read.")
        }
    }

    private static func unknown(_ name: String) -> Problem {
        Problem(
            "NotADesktopFile",
            shown:
                "'\(PrintableText.of(name, limit: 300))' is not a connection file of a Sallyport server, or one from before they "
                + "said which machine they are for: open the desktop with 'sally network bastion rdp'."
        )
    }
}
