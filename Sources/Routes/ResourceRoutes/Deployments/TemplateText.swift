/// Templates as people write them: JSON with comments and with texts over several lines, which the command line passes on unread,
/// beside a name without quotation marks of its own making: `{"properties": {"mode": "Incremental", template:{…}}}`.
///
/// Source: Azure Resource Manager, "Comments and metadata" and "Multi-line strings"; the Azure CLI's requests.
struct TemplateText {
    private enum Place {
        case outside
        case text
        case escape
        case line
        case block
    }

    private var out: [UInt8] = []
    private var place = Place.outside
    private var held: UInt8?
    private var word: [UInt8] = []
    private var blanks: [UInt8] = []

    /// The same document as strict JSON.
    static func plain(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var text = TemplateText()
        for byte in bytes { text.take(byte) }
        text.endWord(before: 0)
        return text.out
    }

    private mutating func take(_ byte: UInt8) {
        switch self.place {
        case .text: self.inText(byte)
        case .escape:
            self.out.append(byte)
            self.place = .text
        case .line:
            guard byte == 0x0a else { return }
            self.place = .outside
            self.outside(byte)
        case .block:
            let isEnd = self.held == UInt8(ascii: "*") && byte == UInt8(ascii: "/")
            self.held = isEnd ? nil : byte
            if isEnd { self.place = .outside }
        case .outside:
            if self.held != nil {
                self.held = nil
                switch byte {
                case UInt8(ascii: "/"):
                    self.place = .line
                    return
                case UInt8(ascii: "*"):
                    self.place = .block
                    return
                default: self.outside(UInt8(ascii: "/"))
                }
            }
            if byte == UInt8(ascii: "/") {
                self.held = byte
            } else {
                self.outside(byte)
            }
        }
    }

    private mutating func inText(_ byte: UInt8) {
        switch byte {
        case 0x0a: self.out += "\\n".utf8
        case 0x0d: self.out += "\\r".utf8
        case 0x09: self.out += "\\t".utf8
        default: self.out.append(byte)
        }
        if byte == UInt8(ascii: "\"") { self.place = .outside }
        if byte == UInt8(ascii: "\\") { self.place = .escape }
    }

    private mutating func outside(_ byte: UInt8) {
        let isBlank = byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d
        if Self.isWord(byte), self.blanks.isEmpty {
            self.word.append(byte)
        } else if isBlank, !self.word.isEmpty {
            self.blanks.append(byte)
        } else {
            self.endWord(before: byte)
            if Self.isWord(byte) {
                self.word.append(byte)
                return
            }
            self.out.append(byte)
            if byte == UInt8(ascii: "\"") { self.place = .text }
        }
    }

    // A word before a colon is a name; any other is true, false, null or a number.
    private mutating func endWord(before byte: UInt8) {
        let isName = byte == UInt8(ascii: ":")
        if !self.word.isEmpty {
            if isName { self.out.append(UInt8(ascii: "\"")) }
            self.out += self.word
            if isName { self.out.append(UInt8(ascii: "\"")) }
        }
        self.out += self.blanks
        self.word = []
        self.blanks = []
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), UInt8(ascii: "-"),
            UInt8(ascii: "+"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
