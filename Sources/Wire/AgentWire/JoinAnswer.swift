public import Vocabulary

/// The answer to a join: who the host is from now on.
public struct JoinAnswer: Hashable, Sendable, Codable {
    /// The host's own identifier.
    public var hostId: GUID
    /// The resource it has become.
    public var resourceId: String
    /// The tenant it belongs to.
    public var tenantId: GUID
    /// Where its control channel is.
    public var controlPath: String

    /// Makes an answer.
    public init(hostId: GUID, resourceId: String, tenantId: GUID, controlPath: String) {
        self.hostId = hostId
        self.resourceId = resourceId
        self.tenantId = tenantId
        self.controlPath = controlPath
    }
}

/// The body of `POST /hosts/v1/token`: a token for the machine's own identity.
public struct MachineTokenRequest: Hashable, Sendable, Codable {
    /// The resource that the token is for.
    public var resource: String
    /// The metadata endpoint's version that the caller asked with.
    public var apiVersion: String
    /// Which of the machine's identities; nil for its own.
    public var identity: IdentityChoice?

    /// Makes a request.
    public init(resource: String, apiVersion: String, identity: IdentityChoice? = nil) {
        self.resource = resource
        self.apiVersion = apiVersion
        self.identity = identity
    }
}

/// Names one of several identities of a machine, in one of the three ways that SDKs do.
public struct IdentityChoice: Hashable, Sendable, Codable {
    /// What the value is.
    public enum Manner: String, Hashable, Sendable, Codable {
        /// The application id.
        case client
        /// The object id.
        case object
        /// The identity's path among the resources.
        case resource
    }

    /// What the value is.
    public var by: Manner
    /// The value as it was given.
    public var value: String

    /// Makes a choice.
    public init(by manner: Manner, _ value: String) {
        self.by = manner
        self.value = value
    }
}

/// The body of `POST /hosts/v1/attested`: a signed text about the machine.
public struct AttestationRequest: Hashable, Sendable, Codable {
    /// What the caller wants to find in it again; empty for the time.
    public var nonce: String
    /// The metadata endpoint's version that the caller asked with.
    public var apiVersion: String

    /// Makes a request.
    public init(nonce: String, apiVersion: String) {
        self.nonce = nonce
        self.apiVersion = apiVersion
    }
}

/// The proof that a request comes from a host: `Authorization: Sallyport-Host id.seconds.nonce.signature`.
public struct HostAuthorization: Hashable, Sendable {
    /// The scheme's name in the header.
    public static let scheme = "Sallyport-Host"

    /// Which host.
    public let hostId: GUID
    /// When it was signed, in whole seconds since 1970.
    public let seconds: Int64
    /// Unique text, base64url.
    public let nonce: String
    /// The Ed25519 signature over `message(method:path:)`.
    public let signature: [UInt8]

    /// Puts a proof together.
    public init(hostId: GUID, seconds: Int64, nonce: String, signature: [UInt8]) {
        self.hostId = hostId
        self.seconds = seconds
        self.nonce = nonce
        self.signature = signature
    }

    /// Reads a header's value; nil for another scheme or form.
    public init?(header: String) {
        let words = header.split(separator: " " as Character)
        guard words.count == 2, words[0].lowercased() == Self.scheme.lowercased() else { return nil }
        let parts = words[1].split(separator: "." as Character, omittingEmptySubsequences: false)
        guard parts.count == 4, let hostId = GUID(parts[0]), let seconds = Int64(parts[1]),
            (16...64).contains(parts[2].utf8.count), Base64URL.decode(parts[2]) != nil,
            let signature = Base64URL.decode(parts[3]), signature.count == 64
        else { return nil }
        self.init(hostId: hostId, seconds: seconds, nonce: String(parts[2]), signature: signature)
    }

    /// The header's value.
    public var header: String {
        "\(Self.scheme) \(self.hostId).\(self.seconds).\(self.nonce).\(Base64URL.encode(self.signature))"
    }

    /// What is signed: the purpose, the request and when, so that a signature fits one request once.
    public static func message(method: String, path: String, seconds: Int64, nonce: String) -> [UInt8] {
        Array("sallyport-host-v1\n\(method)\n\(path)\n\(seconds)\n\(nonce)".utf8)
    }
}
