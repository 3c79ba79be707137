import Vocabulary

extension ResourceKind {
    /// Public keys under a name, for `az vm create --ssh-key-name`. Source: Azure SSH public keys REST.
    static let sshPublicKey: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Compute/sshPublicKeys",
            properties: ["publicKey": Member(.text(16_384))]
        )
        kind.patching = .everything
        kind.names = NameRule(longest: 128, extra: "-_.")
        kind.inspect = { _, key, _ throws(Problem) in
            // A key without its text is what a client makes that wants one generated next.
            guard let text = key.properties["publicKey"]?.string, !text.isEmpty else { return }
            guard AdministratorRules.isPublicKey(text) else {
                throw Problem(
                    "InvalidParameter",
                    shown: "The value of 'publicKey' is no SSH public key in the form of a line of authorized_keys."
                )
            }
        }
        kind.actions = [
            "generatekeypair": .refused(
                "Private keys are not made here: they belong to one person. Make a pair with ssh-keygen, and give its public "
                    + "half (--public-key @key.pub)."
            )
        ]
        kind.show = { document, _, _, _ in
            document["properties"]?["provisioningState"] = nil
        }
        return kind
    }()
}
