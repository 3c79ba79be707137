/// What `sallyport fabric` is told.
public struct FabricServiceSettings: Sendable {
    /// The server's data directory; the socket and everything that is made lie in it.
    public var data: String
    /// Where root file systems are kept.
    public var imageCache: String
    /// Where they come from.
    public var debianMirror: String
    /// The release that stands in for images that are not offered.
    public var substitute: String
    /// The folder with the agent and its modules; nil to look in the usual places.
    public var hostPrograms: String?
    /// The port of the server on this box, which machines reach at their gateway.
    public var serverPort: Int
    /// Where it is written down what is there; nil for the data directory when that is root's, and else for a place of root's own.
    public var state: String?
    /// Where machines' disks lie; nil for beside `state`. It must not be an overlay itself.
    public var disks: String?
    /// This very program.
    public var program: String
    /// Variables for programs that fetch, as `NAME=value`.
    public var environment: [String]

    /// Describes a service.
    public init(
        data: String,
        imageCache: String,
        debianMirror: String,
        substitute: String,
        hostPrograms: String?,
        serverPort: Int,
        state: String? = nil,
        disks: String?,
        program: String,
        environment: [String]
    ) {
        self.data = data
        self.imageCache = imageCache
        self.debianMirror = debianMirror
        self.substitute = substitute
        self.hostPrograms = hostPrograms
        self.serverPort = serverPort
        self.state = state
        self.disks = disks
        self.program = program
        self.environment = environment
    }
}

extension FabricServiceSettings {
    /// Makes the root file system of a Debian release ready, which takes a minute the first time: what the first machine would otherwise wait for.
    ///
    /// For boxes whose service has no way to the archive, and for operators who prepare one. Throws `FabricError`.
    public func fetch(_ release: String) throws {
        _ = try self.images.root(of: release)
    }

    var images: ImageCache {
        ImageCache(folder: self.imageCache, mirror: self.debianMirror, environment: self.environment)
    }
}
