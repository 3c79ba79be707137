import Vocabulary

extension Problem {
    /// `az ssh arc` asks for a way through Microsoft's relay (Microsoft.HybridConnectivity); there is none here, and this says which way there is.
    ///
    /// The status is not 404, because that would make the client try to set the relay up.
    static func noRelay(to machine: ResourcePath) -> Problem {
        Problem(
            "OperationNotAllowed",
            shown:
                "'az ssh arc' reaches machines over a relay, and this installation has none. Where there is a route to "
                + "'\(machine.name)', 'az ssh vm --ip' reaches it; so does any ssh with 'az ssh config' or 'az ssh cert'."
        )
    }
}
