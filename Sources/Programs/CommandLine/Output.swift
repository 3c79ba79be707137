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
}

/// The option that every command with an answer has.
struct OutputOptions: ParsableArguments {
    @Option(name: [.customShort("o"), .customLong("output")], help: "json, table or tsv.")
    var format: OutputFormat = .json
}

/// Prints answers on standard output and complaints on standard error.
enum Output {
    /// Prints a document, or its `columns` as a table or tab-separated lines.
    static func show(_ value: JSONValue, as options: OutputOptions, columns: [(title: String, path: [String])]) {
        if options.format == .json {
            print(Self.pretty(value))
            return
        }
        let rows = (value.array ?? [value]).map { row in
            columns.map { column in Self.cell(column.path.reduce(Optional(row)) { $0?[$1] }) }
        }
        if options.format == .tsv {
            for row in rows { print(row.joined(separator: "\t")) }
            return
        }
        let titles = columns.map(\.title)
        let widths = titles.indices.map { index in ([titles] + rows).map { $0[index].count }.max() ?? 0 }
        for row in [titles, widths.map { String(repeating: "-", count: $0) }] + rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            print(cells.joined(separator: "  ").trimmingSuffix(while: { $0 == " " }))
        }
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
        case let other?: other.text
        }
    }

    private static func pretty(_ value: JSONValue) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? value.text
    }
}

extension String {
    func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, predicate(last) { text.removeLast() }
        return String(text)
    }
}
