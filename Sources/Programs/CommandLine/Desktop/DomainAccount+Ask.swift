import Client
import Vocabulary

extension DomainAccount {
    /// Asks for what was not given. Throws `UserNameNotValid` for a name without its domain.
    static func ask(name given: String? = nil, standardInput: Bool = false) throws -> DomainAccount {
        var name = given ?? ""
        if given == nil {
            Output.prompt("User name (alice@CORP.EXAMPLE): ")
            name = readLine(strippingNewline: true) ?? ""
        }
        guard name.contains(where: { $0 == "@" || $0 == "\\" }) else {
            throw Problem(
                "UserNameNotValid",
                shown: "The user name needs its domain: alice@CORP.EXAMPLE or CORP.EXAMPLE\\alice."
            )
        }
        let password = try SecretInput.read(prompt: "Password: ", standardInput: standardInput)
        return DomainAccount(name: name, password: Secret(password))
    }
}
