#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import Client
import Vocabulary

/// An `.rdp` file that lives as long as its client runs, in a directory that only its owner may enter: its token opens a desktop.
struct DesktopFile {
    /// The file.
    let path: String
    private let directory: String

    /// Writes the file, mode 0600.
    init(_ bytes: [UInt8], named name: String, in state: StateDirectory) throws {
        let above = state.directory("desktops")
        self.directory = "\(above)/\(GUID(from: .system))"
        guard mkdir(self.directory, 0o700) == 0 else {
            throw Problem(
                "StateDirectory",
                shown: "Cannot make \(self.directory): \(String(cString: strerror(errno)))."
            )
        }
        self.path = "\(self.directory)/\(name)"
        do {
            try state.write(bytes, toFile: self.path)
        } catch {
            rmdir(self.directory)
            throw error
        }
    }

    /// Removes it.
    func remove() {
        unlink(self.path)
        rmdir(self.directory)
    }

    /// A file name that every client takes: clients show it as the title of their window.
    static func name(for request: DesktopRequest) -> String {
        let machine = request.address ?? request.target.name
        let plain = machine.unicodeScalars.map { scalar -> Character in
            scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil) || scalar == "."
                || scalar == "_" ? Character(scalar) : "-"
        }
        let name = String(String(plain.prefix(64)).drop { $0 == "-" || $0 == "." })
        return (name.isEmpty ? "desktop" : name) + ".rdp"
    }

    /// Whether a file leads to the machine's own sign-in: a machine without an agent has no other, whatever was asked.
    static func leadsToOwnSignIn(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self).lowercased()
        return text.split(whereSeparator: \.isNewline).contains("prompt for credentials:i:1")
    }

    /// The file for a tunnel: the three lines that the Azure CLI writes.
    static func local(port: Int) -> [UInt8] {
        let lines = [
            "full address:s:localhost:\(port)", "alternate full address:s:localhost:\(port)", "use multimon:i:0",
        ]
        return Array(lines.map { $0 + "\r\n" }.joined().utf8)
    }
}
