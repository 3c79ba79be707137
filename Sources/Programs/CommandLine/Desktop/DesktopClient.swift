import Vocabulary

/// A program on this computer that shows desktops.
enum DesktopClient: Equatable, Sendable {
    /// Windows's own, which the Linux inside Windows can start; `pathTool` says how Windows calls a file.
    case mstsc(path: String, pathTool: String)
    /// FreeRDP of some major version.
    case freeRDP(path: String, version: Int)
    /// Whatever macOS opens `.rdp` files with.
    case open

    /// Looks for one, or throws what to install.
    ///
    /// - Parameters:
    ///   - find: the first program of a name along `PATH`.
    ///   - version: what `program /version` prints.
    static func find(
        isMac: Bool,
        environment: [String: String],
        find: (String) -> String?,
        version: (String) throws -> String
    ) throws -> DesktopClient {
        if isMac { return .open }
        // Inside Windows its own client knows the screens and the keyboard best.
        if let path = find("mstsc.exe"), let tool = find("wslpath") { return .mstsc(path: path, pathTool: tool) }
        let names = ["xfreerdp3", "sdl-freerdp3", "wlfreerdp3", "xfreerdp", "sdl-freerdp", "wlfreerdp"]
        let installed = names.compactMap { name in find(name).map { (name: name, path: $0) } }
        guard !installed.isEmpty else { throw Self.notInstalled }
        let hasX11 = !(environment["DISPLAY"] ?? "").isEmpty
        let hasWayland = !(environment["WAYLAND_DISPLAY"] ?? "").isEmpty
        guard hasX11 || hasWayland else { throw Self.noScreen }
        let usable = installed.first { program in
            program.name.hasPrefix("x") ? hasX11 : program.name.hasPrefix("wl") ? hasWayland : true
        }
        guard let usable else { throw Self.notInstalled }
        return .freeRDP(
            path: usable.path,
            version: usable.name.hasSuffix("3") ? 3 : Self.majorVersion(try version(usable.path))
        )
    }

    /// The major version in "This is FreeRDP version 2.11.7 (2.11.7)"; 2 when it says something else, since later ones all say it.
    static func majorVersion(_ text: String) -> Int {
        let words = text.split { $0 == " " || $0.isNewline }
        guard let index = words.firstIndex(of: "version"), index + 1 < words.endIndex else { return 2 }
        return Int(words[index + 1].prefix { $0.isNumber }) ?? 2
    }

    private static let notInstalled = Problem(
        "NoDesktopClient",
        shown: "No program that shows desktops was found. Install FreeRDP, for example 'apt install freerdp3-x11' or "
            + "'freerdp2-x11' (Debian, Ubuntu) or 'dnf install freerdp' (Fedora, RHEL); or write the file for another "
            + "program with --file desktop.rdp."
    )

    private static let noScreen = Problem(
        "NoScreen",
        shown:
            "There is no screen here to show a desktop on: DISPLAY and WAYLAND_DISPLAY are empty. Write the file for "
            + "another computer with --file desktop.rdp."
    )
}
