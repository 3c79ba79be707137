public import Vocabulary

/// Somebody signed in and asks for an SSH certificate: everything the certificate authority needs to decide.
public struct CertificateOrder: Sendable {
    /// Who it is for.
    public let subject: Subject
    /// The application that asks.
    public let appID: GUID
    /// The public key as a JSON Web Key, as the client wrote it.
    public let key: JSONValue
    /// The client's name for the key.
    public let keyID: String
    /// How the person or application proved who they are, as in the `amr` claim.
    public let methods: [String]
    /// The network address it came from.
    public let source: String
    /// Joins the lines that belong to one request.
    public let correlation: String

    /// Makes an order.
    public init(
        subject: Subject,
        appID: GUID,
        key: JSONValue,
        keyID: String,
        methods: [String],
        source: String,
        correlation: String
    ) {
        self.subject = subject
        self.appID = appID
        self.key = key
        self.keyID = keyID
        self.methods = methods
        self.source = source
        self.correlation = correlation
    }
}

/// A certificate as the token answer carries it.
public struct IssuedCertificate: Sendable {
    /// The certificate's blob in base 64, without type word and comment.
    public let blobBase64: String
    /// How long it is still good, in whole seconds.
    public let expiresIn: Int64

    /// Makes an answer.
    public init(blobBase64: String, expiresIn: Int64) {
        self.blobBase64 = blobBase64
        self.expiresIn = expiresIn
    }
}

/// The certificate authority as this module sees it.
public struct CertificateIssuer: Sendable {
    /// Decides on an order and carries it out.
    public let issue: @Sendable (CertificateOrder) async -> Verdict<IssuedCertificate>

    /// Makes an issuer from a function.
    public init(_ issue: @escaping @Sendable (CertificateOrder) async -> Verdict<IssuedCertificate>) {
        self.issue = issue
    }
}
