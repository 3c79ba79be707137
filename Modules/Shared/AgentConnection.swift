// One question to the agent and its answer: a length, a version, a kind, fields. Numbers are big-endian; a text has its length in front and
// a zero byte behind, so that pointers into a received frame serve as C strings. No heap, no globals: these modules live in other people's
// processes.

/// What is asked.
enum Question {
    static let account: UInt8 = 1
    static let accountByNumber: UInt8 = 2
    static let group: UInt8 = 3
    static let groupByNumber: UInt8 = 4
    static let memberships: UInt8 = 5
    static let mayEnter: UInt8 = 11
    static let sessionOpened: UInt8 = 12
    static let sessionClosed: UInt8 = 13
    static let signIn: UInt8 = 14
}

/// What is answered.
enum Answer {
    static let notFound: UInt8 = 0
    static let unavailable: UInt8 = 1
    static let refused: UInt8 = 2
    static let allowed: UInt8 = 3
    static let account: UInt8 = 4
    static let group: UInt8 = 5
    static let memberships: UInt8 = 6
    static let opened: UInt8 = 8
    static let admitted: UInt8 = 10
}

/// How receiving an answer ended.
enum Reception {
    /// The frame's content is in the buffer.
    case received(kind: UInt8, count: Int)
    /// The buffer is too small.
    case tooSmall
    /// No agent, or none that makes sense.
    case failed
}

/// A stream to the agent, for one question.
struct AgentConnection {
    private let descriptor: Int32

    /// Connects, within so many milliseconds; nil when the agent is away. Every later wait ends after `patience`, in seconds.
    init?(promptness: Int, patience: Int) {
        let descriptor = sallyport_connect(promptness, patience)
        guard descriptor >= 0 else { return nil }
        self.descriptor = descriptor
    }

    /// Whether the answer begins to arrive within so many milliseconds.
    func hasAnswer(within promptness: Int) -> Bool {
        sallyport_wait(self.descriptor, Int32(promptness)) != 0
    }

    func close() {
        _ = sallyport_close(self.descriptor)
    }

    /// Asks about a number.
    func ask(_ question: UInt8, about number: UInt32) -> Bool {
        sallyport_ask_number(self.descriptor, version, question, number) == 0
    }

    /// Asks with a text, or with several; false when they cannot be sent.
    func ask(
        _ question: UInt8,
        about first: UnsafePointer<CChar>,
        _ second: UnsafePointer<CChar>? = nil,
        _ third: UnsafePointer<CChar>? = nil,
        _ fourth: UnsafePointer<CChar>? = nil,
        _ fifth: UnsafePointer<CChar>? = nil
    ) -> Bool {
        sallyport_ask(self.descriptor, version, question, first, second, third, fourth, fifth) == 0
    }

    /// Receives the answer's content, without length, version and kind, into the buffer.
    func receive(into buffer: UnsafeMutableRawPointer, _ size: Int) -> Reception {
        var head: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0, 0, 0)
        let complete = withUnsafeMutableBytes(of: &head) { bytes in
            guard let base = bytes.baseAddress else { return false }
            return self.receive(exactly: 6, into: base)
        }
        guard complete, head.4 == version else { return .failed }
        let length = Int(head.0) << 24 | Int(head.1) << 16 | Int(head.2) << 8 | Int(head.3)
        guard length >= 2, length <= longestReply else { return .failed }
        guard length - 2 <= size else { return .tooSmall }
        guard self.receive(exactly: length - 2, into: buffer) else { return .failed }
        return .received(kind: head.5, count: length - 2)
    }

    private func receive(exactly count: Int, into buffer: UnsafeMutableRawPointer) -> Bool {
        var received = 0
        while received < count {
            let step = sallyport_receive(self.descriptor, buffer + received, count - received)
            guard step > 0 else { return false }
            received += step
        }
        return true
    }
}

private var version: UInt8 { 1 }
private var longestReply: Int { 64 * 1024 }

/// Reads fields in place; every length is checked against what is left.
struct Fields {
    private var next: UnsafeMutableRawPointer
    private var left: Int

    init(_ start: UnsafeMutableRawPointer, _ count: Int) {
        self.next = start
        self.left = count
    }

    /// How many bytes have not been read.
    var remaining: Int { self.left }

    mutating func byte() -> UInt8? {
        guard self.left >= 1 else { return nil }
        let value = self.next.load(as: UInt8.self)
        self.skip(1)
        return value
    }

    mutating func short() -> Int? {
        guard let high = self.byte(), let low = self.byte() else { return nil }
        return Int(high) << 8 | Int(low)
    }

    mutating func word() -> UInt32? {
        guard let high = self.short(), let low = self.short() else { return nil }
        return UInt32(high) << 16 | UInt32(low)
    }

    /// A text, where it lies.
    mutating func text() -> UnsafeMutablePointer<CChar>? {
        guard let count = self.short(), self.left > count else { return nil }
        guard (self.next + count).load(as: UInt8.self) == 0 else { return nil }
        let text = self.next.assumingMemoryBound(to: CChar.self)
        self.skip(count + 1)
        return text
    }

    /// The fields of the next `count` bytes, which are passed over here.
    mutating func part(_ count: Int) -> Fields? {
        guard count >= 0, count <= self.left else { return nil }
        let part = Fields(self.next, count)
        self.skip(count)
        return part
    }

    private mutating func skip(_ count: Int) {
        self.next += count
        self.left -= count
    }
}
