/// A relational store: the one contract that every engine keeps and every module of the domain is written against.
///
/// A transaction is a synchronous closure, so nothing can wait inside one. There is one writer at a time; readers see the last committed
/// state. Everything a `write` closure did is kept when it returns and undone when it throws.
public protocol Database: Sendable {
    /// Runs a closure that only reads, on a consistent snapshot.
    func read<Result: Sendable>(_ body: @Sendable (any Reader) throws -> Result) async throws -> Result

    /// Runs a closure in a transaction: committed when it returns, rolled back when it throws.
    @discardableResult
    func write<Result: Sendable>(_ body: @Sendable (any Transaction) throws -> Result) async throws -> Result
}

/// Reading inside a transaction.
public protocol Reader {
    /// The rows that a query gives, all at once: queries carry their own `LIMIT`.
    func rows(_ statement: Statement) throws -> [Row]
}

/// Reading and changing inside a transaction.
public protocol Transaction: Reader {
    /// Runs a statement that changes rows; returns how many it changed.
    @discardableResult
    func run(_ statement: Statement) throws -> Int
}

extension Reader {
    /// The first row of a query.
    public func row(_ statement: Statement) throws -> Row? {
        try self.rows(statement).first
    }
}
