public import AgentWire
import Resources
public import Vocabulary

/// An identity that several machines can have: a resource of its own, given to a machine by name.
public struct AssignedIdentity: Sendable, Hashable {
    /// The identity's path, in small letters.
    public var path: String
    /// The object id of its service principal.
    public var principal: GUID
    /// Its application id.
    public var client: GUID

    /// Describes an identity.
    public init(path: String, principal: GUID, client: GUID) {
        self.path = path.lowercased()
        self.principal = principal
        self.client = client
    }

    /// The identities in a resource's `identity.userAssignedIdentities`, sorted by path.
    static func all(of resource: Resource) -> [AssignedIdentity] {
        (resource.identity?["userAssignedIdentities"]?.object ?? [:])
            .compactMap { path, value in
                guard let principal = value["principalId"]?.string.flatMap({ GUID($0) }),
                    let client = value["clientId"]?.string.flatMap({ GUID($0) })
                else { return nil }
                return AssignedIdentity(path: path, principal: principal, client: client)
            }
            .sorted { $0.path < $1.path }
    }
}

/// An identity that a request on a machine may use.
public struct ChosenIdentity: Sendable, Hashable {
    /// The object id of its service principal.
    public var principal: GUID
    /// What the service principal must belong to, in small letters: a machine's description is written by people, and must not lend them
    /// somebody else's identity.
    public var owner: String
    /// What the answer repeats of the request.
    public var echo: [String: String] = [:]
}

extension Machine {
    /// Which identity a request on the machine means. A refusal is in the words of the metadata service. `ownClient` is the application id of
    /// the machine's own identity.
    ///
    /// Source: How to use managed identities on a virtual machine. None named: the machine's own, or the only assigned one when it has none of
    /// its own.
    public func identity(chosen choice: IdentityChoice?, ownClient: GUID?) -> Verdict<ChosenIdentity> {
        let own = self.identity.map { ChosenIdentity(principal: $0, owner: self.path.description.lowercased()) }
        let assigned = self.assigned.map { ChosenIdentity(principal: $0.principal, owner: $0.path) }
        let found: ChosenIdentity?
        switch choice?.by {
        case nil:
            guard own != nil || assigned.count < 2 else { return .refused(Self.several) }
            found = own ?? assigned.first
        case .client:
            let id = choice.flatMap { GUID($0.value) }
            let index = self.assigned.firstIndex { $0.client == id }
            found = id != nil && ownClient == id ? own : index.map { assigned[$0] }
        case .object:
            let id = choice.flatMap { GUID($0.value) }
            found = ([own].compactMap(\.self) + assigned).first { $0.principal == id }
        case .resource:
            found = assigned.first { $0.owner == choice?.value.lowercased() }
        }
        guard var found else { return .refused(Refusal("invalid_request", reason: "Identity not found")) }
        switch choice?.by {
        case .object: found.echo = ["object_id": choice?.value ?? ""]
        case .resource: found.echo = ["msi_res_id": choice?.value ?? ""]
        case .client, nil: break
        }
        return .allowed(found)
    }

    private static let several = Refusal(
        "invalid_request",
        reason:
            "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the "
            + "token request"
    )
}
