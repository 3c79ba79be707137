import Logging
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Writes one line a message to standard error, where the service manager collects it.
///
/// Everything is made printable here, at the one place that all lines pass: names, addresses and other programs' words come from outside, and must
/// neither forge lines nor act on a reader's terminal (X65).
struct StandardErrorLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = self.metadata.merging(event.metadata ?? [:]) { $1 }
        let line = Self.line(event.level, "\(event.message)", all.mapValues { "\($0)" })
        line.withCString { text in
            _ = write(2, text, strlen(text))
        }
    }

    /// A line with its end.
    static func line(_ level: Logger.Level, _ message: String, _ metadata: [String: String]) -> String {
        let details = metadata.sorted { $0.key < $1.key }.map {
            "\($0.key)=\"\(PrintableText.of($0.value, limit: 1000))\""
        }
        return ([level.rawValue.uppercased(), PrintableText.of(message)] + details).joined(separator: " ") + "\n"
    }
}
