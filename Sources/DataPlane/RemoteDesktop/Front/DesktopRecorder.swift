public import NIOCore

/// Takes a copy of what a desktop session carries after TLS, in order; whoever stores it decides how.
///
/// Called on the connection's event loop: an implementation hands the bytes on and returns at once.
public protocol DesktopRecorder: Sendable {
    /// Bytes from the host: pictures, sound, answers; the first ones are the MCS Connect Response.
    func recordHost(_ bytes: ByteBuffer)
    /// Bytes from the client: keys, pointer, clipboard. The sign-in's secrets are not among them.
    func recordClient(_ bytes: ByteBuffer)
    /// The session is over.
    func finish()
}
