import RDPWire

extension FrontMachine {
    /// One turn of CredSSP, which may wait for a key distribution centre.
    struct Negotiation: Sendable {
        private let credSSP: CredSSPClient
        private let request: [UInt8]?

        init(_ credSSP: CredSSPClient, _ request: [UInt8]?) {
            self.credSSP = credSSP
            self.request = request
        }

        /// Whether it has to run on a thread that may stand still.
        var blocks: Bool { self.credSSP.blocks }

        func run() -> Negotiated {
            var credSSP = self.credSSP
            do throws(RDPWireError) {
                let answer: CredSSPClient.Answer
                if let request = self.request {
                    answer = try credSSP.receive(request)
                } else {
                    answer = .send(try credSSP.start())
                }
                return Negotiated(credSSP: credSSP, answer: .success(answer))
            } catch {
                return Negotiated(credSSP: credSSP, answer: .failure(error))
            }
        }
    }

    /// What a turn came to.
    struct Negotiated: Sendable {
        let credSSP: CredSSPClient
        let answer: Result<CredSSPClient.Answer, RDPWireError>
    }

    /// The turn that `negotiate` asks for.
    var negotiation: Negotiation? {
        guard !self.isOver, case .negotiating(let credSSP, let request) = self.host else { return nil }
        return Negotiation(credSSP, request)
    }

    /// Nobody could be found who carries out the negotiation.
    mutating func isOverloaded() -> [Action] {
        self.hostBroke(
            .refused("Too many people sign in by Kerberos at this moment. Try again in a minute, with a new file.")
        )
    }

    mutating func negotiated(_ outcome: Negotiated) -> [Action] {
        guard !self.isOver, case .negotiating = self.host else { return [] }
        switch outcome.answer {
        case .failure(let error):
            return self.hostBroke(error)
        case .success(.send(let bytes)):
            self.actions.append(.toHost(bytes))
            self.host = .credSSP(outcome.credSSP)
        case .success(.finish(let bytes)):
            self.actions.append(.toHost(bytes))
            self.host = .ready
        }
        return self.advance()
    }
}
