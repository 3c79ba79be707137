/// Which of a desktop's side channels are open; what is closed is hidden from the host, whatever the client asks for.
public struct ChannelPolicy: Hashable, Sendable {
    /// Text and files through the clipboard (`cliprdr`).
    public var clipboard: Bool
    /// Drives, printers, ports and smart cards, which are one channel (`rdpdr`).
    public var devices: Bool
    /// Sound from the host (`rdpsnd`).
    public var sound: Bool

    /// Everything is open.
    public static let open = ChannelPolicy()

    /// Makes a policy.
    public init(clipboard: Bool = true, devices: Bool = true, sound: Bool = true) {
        self.clipboard = clipboard
        self.devices = devices
        self.sound = sound
    }

    /// Whether nothing is closed.
    public var isOpen: Bool { self == .open }

    /// The names of the static channels that must not reach the host, in lower case. Source: MS-RDPECLIP, MS-RDPEFS, MS-RDPEA.
    ///
    /// Sound and devices have dynamic channels too (sound, microphones, cameras, USB), which all go over `drdynvc`; the clipboard has none.
    public var hidden: [String] {
        (self.clipboard ? [] : ["cliprdr"]) + (self.devices ? [] : ["rdpdr"]) + (self.sound ? [] : ["rdpsnd"])
            + (self.devices && self.sound ? [] : ["drdynvc"])
    }
}
