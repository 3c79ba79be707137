import CLinux

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Two connected descriptors; programs get theirs by `Command.start` only.
struct Pipe {
    let read: Int32
    let write: Int32

    /// Makes one.
    static func make() throws(FabricError) -> Pipe {
        var ends: [Int32] = [0, 0]
        // Closed to programs from the start: orders with secrets pass here while other threads start other machines.
        guard clinux_pipe(&ends) == 0 else { throw .last("pipe", of: "") }
        return Pipe(read: ends[0], write: ends[1])
    }

    func closeBoth() {
        close(self.read)
        close(self.write)
    }
}
