import CGSSAPI
import NIOCore
import Tunnel
import Vocabulary

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Carries the library's questions to the domain controller and its answers back, so that the library itself never touches the network.
///
/// Belongs to one sign-in and one thread at a time, which stands still meanwhile: never an event loop's.
final class KerberosExchange {
    /// For all questions of a sign-in together, with the dialling: clients give up after nine seconds, and would not show the reason.
    static let patience: Duration = .seconds(7)
    /// A sign-in needs three or four; a controller that keeps on asking is none.
    static let mostQuestions = 12

    /// Why the controller gave no answer, once it did not.
    private(set) var failure: KerberosFailure?
    private let realm: KerberosRealm
    private let eventLoop: any EventLoop
    private let deadline: NIODeadline
    private var questions = 0

    init(_ realm: KerberosRealm, on eventLoop: any EventLoop, patience: Duration = KerberosExchange.patience) {
        self.realm = realm
        self.eventLoop = eventLoop
        self.deadline = .now() + TimeAmount(patience)
    }

    /// Makes a context of the library ask here. This must outlive it. Source: MIT Kerberos 1.15, `krb5_set_kdc_send_hook`.
    func attach(to context: krb5_context) {
        krb5_set_kdc_send_hook(
            context,
            { _, data, realm, message, _, reply in
                // Never "go on by yourself": that would be the library's own sockets.
                let unreachable = krb5_error_code(KRB5_KDC_UNREACH)
                guard let data, let realm, let message, let reply else { return unreachable }
                let exchange = Unmanaged<KerberosExchange>.fromOpaque(data).takeUnretainedValue()
                guard KerberosExchange.bytes(realm.pointee).elementsEqual(exchange.realm.name.utf8),
                    let answer = exchange.ask(KerberosExchange.bytes(message.pointee)),
                    let made = KerberosExchange.lend(answer)
                else { return unreachable }
                reply.pointee = made
                return 0
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    /// The controller's answer; nil when there is none, with the reason in `failure`.
    func ask(_ question: [UInt8]) -> [UInt8]? {
        self.questions += 1
        guard self.questions <= Self.mostQuestions, question.count <= ControllerReply.limit else {
            self.failure = .controllerMisspoke
            return nil
        }
        do {
            return try self.answer(to: question).wait()
        } catch {
            self.failure = KerberosFailure.ofController(error)
            return nil
        }
    }

    private func answer(to question: [UInt8]) -> EventLoopFuture<[UInt8]> {
        let answer = self.eventLoop.makePromise(of: [UInt8].self)
        let timeout = self.eventLoop.scheduleTask(deadline: self.deadline) {
            answer.fail(KerberosFailure.controllerSilent)
        }
        answer.futureResult.whenComplete { _ in timeout.cancel() }
        self.eventLoop.flatSubmit { [call = self.realm.call, eventLoop = self.eventLoop] in call(eventLoop) }
            .flatMapThrowing { channel in
                // Whichever way it ends, also when it came too late.
                answer.futureResult.whenComplete { _ in channel.close(promise: nil) }
                try channel.pipeline.syncOperations.addHandler(ControllerHandler(question, answer: answer))
                try channel.syncOptions?.setOption(.autoRead, value: true)
                channel.read()
            }
            .whenFailure { answer.fail($0) }
        return answer.futureResult
    }

    private static func bytes(_ data: krb5_data) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: data.data, count: Int(data.length)))
    }

    // The library frees both parts with `free`.
    private static func lend(_ bytes: [UInt8]) -> UnsafeMutablePointer<krb5_data>? {
        guard let memory = calloc(1, MemoryLayout<krb5_data>.size), let copy = malloc(bytes.count) else { return nil }
        copy.copyMemory(from: bytes, byteCount: bytes.count)
        let data = memory.bindMemory(to: krb5_data.self, capacity: 1)
        data.pointee.length = UInt32(bytes.count)
        data.pointee.data = copy.bindMemory(to: CChar.self, capacity: bytes.count)
        return data
    }
}
