import HTTPTypes
import HummingbirdCore
import NIOCore

/// The header field that tells routes where a request came from: set here from the connection, whatever the client wrote there.
///
/// Nothing a client says about its own address is believed; there is no option to trust a proxy's word yet.
enum SourceField {
    static let name = HTTPField.Name("x-sallyport-source")

    /// A responder that sees the field as the connection has it.
    static func setting(_ responder: @escaping HTTPChannelHandler.Responder) -> HTTPChannelHandler.Responder {
        { request, writer, channel in
            var head = request.head
            if let name = Self.name {
                head.headerFields[name] = (channel.remoteAddress ?? channel.parent?.remoteAddress)?.ipAddress
            }
            try await responder(Request(head: head, body: request.body), writer, channel)
        }
    }
}
