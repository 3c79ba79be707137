#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import ArgumentParser
import Client
import Vocabulary

/// Makes `sally` the program that opens `.rdp` files of this person's. Source: freedesktop.org, Desktop Entry and Shared MIME-info.
struct DesktopRegistration {
    /// Where a person's own programs and types are declared.
    let dataDirectory: String
    /// This program.
    let program: String

    static let entry = "sally-rdp.desktop"
    static let type = "application/x-rdp"

    /// `XDG_DATA_HOME`, or what stands for it.
    init(environment: [String: String], program: String) throws(Problem) {
        if let path = environment["XDG_DATA_HOME"], path.hasPrefix("/") {
            self.dataDirectory = path
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            self.dataDirectory = home + "/.local/share"
        } else {
            throw Problem("NoHome", shown: "Neither XDG_DATA_HOME nor HOME is set.")
        }
        self.program = program
    }

    /// The files to write, with what is in them.
    var files: [(path: String, text: String)] {
        let quoted = self.program.flatMap { "\"`$\\".contains($0) ? "\\\\\($0)" : $0 == "%" ? "%%" : String($0) }
        let entry = """
            [Desktop Entry]
            Type=Application
            Name=Sallyport desktop
            Comment=Sign in and open the desktop that a saved .rdp file is for
            Exec="\(String(quoted))" rdp open %f
            Terminal=true
            NoDisplay=true
            MimeType=\(Self.type);

            """
        let types = """
            <?xml version="1.0" encoding="UTF-8"?>
            <mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
              <mime-type type="\(Self.type)">
                <comment>Remote Desktop connection</comment>
                <glob pattern="*.rdp"/>
              </mime-type>
            </mime-info>

            """
        return [
            (self.dataDirectory + "/applications/" + Self.entry, entry),
            (self.dataDirectory + "/mime/packages/sally-rdp.xml", types),
        ]
    }

    /// What makes the desktop environment look at them, as far as it is installed.
    var commands: [(program: String, words: [String])] {
        [
            ("update-mime-database", [self.dataDirectory + "/mime"]),
            ("update-desktop-database", [self.dataDirectory + "/applications"]),
            ("xdg-mime", ["default", Self.entry, Self.type]),
        ]
    }
}

extension DesktopFileCommands {
    /// `sally rdp register`.
    struct Register: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let this computer's file manager open .rdp files with sally (Linux).",
            discussion:
                "Other programs that open them stay where they are; 'xdg-mime default' chooses another one again."
        )

        func run() async throws {
            #if os(Linux)
                let environment = Context.environment
                let state = try StateDirectory(environment: environment)
                let registration = try DesktopRegistration(environment: environment, program: ChildProcess.own)
                for file in registration.files {
                    var above = ""
                    for part in file.path.split(separator: "/").dropLast() {
                        above += "/" + part
                        mkdir(above, 0o755)
                    }
                    try state.write(Array(file.text.utf8), toFile: file.path)
                }
                var missing: [String] = []
                for (name, words) in registration.commands {
                    guard let path = ChildProcess.find(name, along: environment["PATH"]) else {
                        missing.append(name)
                        continue
                    }
                    _ = try ChildProcess.capture(path, words, environment: environment)
                }
                Output.note(
                    missing.contains("xdg-mime")
                        ? "\(registration.files[0].path): written. 'xdg-mime' (package xdg-utils) is not here: choose 'Sallyport "
                            + "desktop' for .rdp files in your file manager."
                        : "Saved .rdp files open with 'sally rdp open' now."
                )
            #else
                throw Problem("NotHere", shown: "Only on Linux: elsewhere run 'sally rdp open FILE'.")
            #endif
        }
    }
}
