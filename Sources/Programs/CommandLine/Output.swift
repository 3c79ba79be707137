import ArgumentParser
import FoundationEssentials
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import Vocabulary

/// How answers are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case json
    case table
    case tsv
    case none
}

/// The option that every command with an answer has.
struct OutputOptions: ParsableArguments {
    @Option(name: [.customShort("o"), .customLong("output")], help: "How to print the answer.")
    var format: OutputFormat = .json
}

/// Prints answers on standard output and complaints on standard error.
enum Output {
    /// Prints a document, or its `columns` as a table or tab-separated lines.
    static func show(_ value: JSONValue, as options: OutputOptions, columns: [(title: String, path: [String])]) {
        let text = Self.text(value, as: options.format, columns: columns)
        if !text.isEmpty { print(text) }
    }

    /// What `show` prints, without the last line end.
    static func text(_ value: JSONValue, as format: OutputFormat, columns: [(title: String, path: [String])]) -> String
    {
        switch format {
        case .json: return Self.pretty(value)
        case .none: return ""
        case .table, .tsv: break
        }
        let rows = (value.array ?? [value]).map { row in
            columns.map { column in Self.cell(column.path.reduce(Optional(row)) { $0?[$1] }) }
        }
        if format == .tsv {
            return rows.map { $0.joined(separator: "\t") }.joined(separator: "\n")
        }
        let titles = columns.map(\.title)
        let widths = titles.indices.map { index in ([titles] + rows).map { $0[index].count }.max() ?? 0 }
        let lines = [titles, widths.map { String(repeating: "-", count: $0) }] + rows
        return lines.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                .joined(separator: "  ").trimmingSuffix(while: { $0 == " " })
        }
        .joined(separator: "\n")
    }

    /// Prints a problem as `az` does: the code in brackets, then the sentence.
    static func complain(_ problem: Problem) {
        Self.note("ERROR: (\(problem.code)) \(problem.shown)")
    }

    /// Prints one line on standard error.
    static func note(_ line: String) {
        var text = line + "\n"
        text.withUTF8 { bytes in
            _ = write(2, bytes.baseAddress, bytes.count)
        }
    }

    private static func cell(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null?: ""
        case .string(let text)?: PrintableText.of(text, limit: 2000)
        case let other?: PrintableText.of(other.text, limit: 2000)
        }
    }

    private static func pretty(_ value: JSONValue) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let text = (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? value.text
        // JSON lets terminal controls beyond ASCII stand as they are; escaped they mean the same and do nothing.
        var safe = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\n" || PrintableText.isHarmless(scalar) {
                safe.append(scalar)
            } else {
                for unit in UTF16.encode(scalar) ?? .init() {
                    let digits = Hex.encode([UInt8(unit >> 8), UInt8(unit & 0xff)])
                    safe.append(contentsOf: "\\u\(digits)".unicodeScalars)
                }
            }
        }
        return String(safe)
    }
}

extension String {
    func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, predicate(last) { text.removeLast() }
        return String(text)
    }
}
