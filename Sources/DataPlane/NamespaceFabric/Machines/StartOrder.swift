/// What process 1 is told before it begins, on its standard input. It may hold secrets, and none of it touches a disk.
struct StartOrder: Codable, Sendable {
    let hostName: String
    /// Files for `/run/sallyport-machine`, by name.
    var files: [String: [UInt8]]
}
