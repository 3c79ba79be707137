// The snapshot file, mapped for the length of one question.

/// A record of the file, and what to do with it.
struct SnapshotRecord {
    let uid: UInt32
    let mayEnter: Bool
    let isAdministrator: Bool
    let name: UnsafeMutablePointer<CChar>
    let comment: UnsafeMutablePointer<CChar>
    let home: UnsafeMutablePointer<CChar>
    let shell: UnsafeMutablePointer<CChar>
    private let aliases: Fields

    init?(_ fields: Fields) {
        var fields = fields
        guard let uid = fields.word(), let flags = fields.byte(), let name = fields.text(),
            let comment = fields.text(), let home = fields.text(), let shell = fields.text()
        else { return nil }
        self.uid = uid
        self.mayEnter = flags & 1 != 0
        self.isAdministrator = flags & 2 != 0
        self.name = name
        self.comment = comment
        self.home = home
        self.shell = shell
        self.aliases = fields
    }

    /// The object id, which is the first alias.
    var objectID: UnsafeMutablePointer<CChar>? {
        var aliases = self.aliases
        guard let count = aliases.short(), count > 0 else { return nil }
        return aliases.text()
    }

    /// Whether the account is found by this name.
    func isNamed(_ typed: UnsafePointer<CChar>) -> Bool {
        if equalNormalised(typed, self.name) { return true }
        var aliases = self.aliases
        guard var count = aliases.short() else { return false }
        while count > 0, let alias = aliases.text() {
            if equalNormalised(typed, alias) { return true }
            count -= 1
        }
        return false
    }
}

/// Shows every record to `body`; false without a usable file of at most so many bytes.
@inline(__always)
func forEachRecord(largest: Int, _ body: (SnapshotRecord) -> Void) -> Bool {
    withSnapshot(
        largest: largest,
        {
            body($0)
            return false
        },
        missing: true,
        away: false
    ) { _ in true }
}

/// Looks for the record that `matches` and lends it to `body`, whose result it returns; `missing` when nothing matches, and `away` without a
/// usable file of at most so many bytes.
@inline(__always)
func withSnapshot<Result>(
    largest: Int = Int.max,
    _ matches: (SnapshotRecord) -> Bool,
    missing: @autoclosure () -> Result,
    away: @autoclosure () -> Result,
    _ body: (SnapshotRecord) -> Result
) -> Result {
    let descriptor = sallyport_open_snapshot()
    guard descriptor >= 0 else { return away() }
    defer { _ = sallyport_close(descriptor) }
    let size = sallyport_trusted_size(descriptor)
    guard size >= 12, size <= largest else { return away() }
    guard let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), sallyport_map_failed(base) == 0 else {
        return away()
    }
    defer { _ = munmap(base, size) }
    let isMarked: Bool = ("SALLYNS1" as StaticString).withUTF8Buffer { mark in
        guard let start = mark.baseAddress else { return false }
        return memcmp(base, start, 8) == 0
    }
    var file = Fields(base + 8, size - 8)
    guard isMarked, var count = file.word() else { return away() }
    while count > 0 {
        guard let length = file.word(), let part = file.part(Int(length)), let record = SnapshotRecord(part) else {
            return away()
        }
        if isPersons(record.uid) && matches(record) { return body(record) }
        count -= 1
    }
    return missing()
}
