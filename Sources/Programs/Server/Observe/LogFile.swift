import FoundationEssentials
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
import Logging
import Vocabulary

/// Writes log lines as JSON, one a line: to standard error or to a file that only its owner may read.
struct JSONLogHandler: LogHandler {
    let label: String
    let descriptor: Int32
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line: JSONValue = [
            "time": .string(TimeSource.system.now.description), "level": .string(event.level.rawValue),
            "label": .string(self.label),
            "message": .string(PrintableText.of(event.message.description, limit: 4000)),
        ]
        for (key, value) in self.metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }) {
            line[key] = .string(PrintableText.of(value.description, limit: 4000))
        }
        // One write a line: O_APPEND keeps lines of several threads apart.
        let bytes = line.bytes + [UInt8(ascii: "\n")]
        _ = bytes.withUnsafeBytes { write(self.descriptor, $0.baseAddress, $0.count) }
    }

    /// Sets the whole program's logging up.
    static func start(level: String, file: String?) throws(Problem) {
        var descriptor: Int32 = 2
        if let file {
            descriptor = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                throw Problem("LogFile", shown: "Cannot write the log \(file): \(String(cString: strerror(errno))).")
            }
        }
        let chosen = descriptor
        let logLevel = Logger.Level(rawValue: level) ?? .info
        LoggingSystem.bootstrap { JSONLogHandler(label: $0, descriptor: chosen, logLevel: logLevel) }
    }
}
