/// The two modules that the agent installs, and where a system wants them.
struct ModuleFiles: Hashable, Sendable {
    static let nameService = "libnss_sallyport.so.2"
    static let authentication = "pam_sallyport.so"

    /// Where the name service module goes: beside the C library.
    var nameServicePath: String
    /// Where the PAM module goes: beside `pam_unix`.
    var authenticationPath: String

    /// Finds the places on a host.
    init(_ layout: HostLayout) throws(HostAgentError) {
        let libraries = Self.libraryDirectories.map { layout.path($0) }
        guard let library = libraries.first(where: { HostFile.exists("\($0)/libc.so.6") }) else {
            throw .missing("the C library (glibc) in one of \(Self.libraryDirectories.joined(separator: ", "))")
        }
        guard let security = libraries.first(where: { HostFile.exists("\($0)/security/pam_unix.so") }) else {
            throw .missing("PAM (pam_unix.so)")
        }
        self.nameServicePath = "\(library)/\(Self.nameService)"
        self.authenticationPath = "\(security)/security/\(Self.authentication)"
    }

    /// Both, source name first.
    var all: [(name: String, path: String)] {
        [(Self.nameService, self.nameServicePath), (Self.authentication, self.authenticationPath)]
    }

    #if arch(arm64)
        private static let triplet = "aarch64-linux-gnu"
    #else
        private static let triplet = "x86_64-linux-gnu"
    #endif
    private static let libraryDirectories = [
        "/lib/\(Self.triplet)", "/usr/lib/\(Self.triplet)", "/lib64", "/usr/lib64", "/lib", "/usr/lib",
    ]
}
