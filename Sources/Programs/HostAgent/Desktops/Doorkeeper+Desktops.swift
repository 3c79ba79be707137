import AgentWire
import Logging
import Vocabulary

extension Doorkeeper {
    /// The PAM service of the only program that may ask about one-time passwords.
    static let desktopService = "xrdp-sesman"

    /// Whether a password is somebody's one-time one, which it spends. The later steps of the same sign-in show the visit's name.
    ///
    /// xrdp's session manager asks for everybody from one process, so the process number cannot tie the steps together as it does for sshd.
    func signIn(_ attempt: SignInAttempt) -> LocalReply {
        guard attempt.service == Self.desktopService,
            let person = self.accounts.read({ $0.person(named: attempt.user) })
        else { return .notFound }
        self.forgetOldVisitors()
        guard self.visitors.count < Self.mostVisitors else { return .unavailable }
        guard let session = self.secrets.spend(attempt.password, of: person.account.objectId) else {
            self.log.notice("refused a password", metadata: ["user": "\(person.account.name)"])
            return .refused("")
        }
        let visit = GUID(from: self.random)
        self.visitors[.desktop(visit)] = Visitor(
            startTime: 0,
            objectId: person.account.objectId,
            keyID: "desktop \(session)",
            seenAt: self.time.now
        )
        return .admitted(visit: visit.description)
    }
}
