/// The scopes that this command line asks for. Source: Microsoft identity platform, scopes.
public enum Scope {
    /// The resource API of the server at an address.
    public static func resourceManager(_ base: String) -> String { base + "/management/.default" }
    /// The directory of the server at an address.
    public static func graph(_ base: String) -> String { base + "/.default" }
    /// An SSH certificate.
    public static let sshCertificate = "https://pas.windows.net/CheckMyAccess/Linux/.default"
    /// What a person's sign-in adds, so that it can be renewed.
    public static let person = "offline_access openid profile"
}
