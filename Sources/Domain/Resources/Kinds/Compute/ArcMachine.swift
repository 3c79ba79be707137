import Vocabulary

extension ResourceKind {
    static let arcMachineType = "Microsoft.HybridCompute/machines"
    static let arcExtensionType = "Microsoft.HybridCompute/machines/extensions"

    /// Machines that stand somewhere else and are joined by hand. Source: Azure Arc-enabled servers REST.
    static let arcMachine: ResourceKind = {
        var kind = ResourceKind(
            arcMachineType,
            properties: [
                "osType": Member(.word(["linux", "windows"]), initial: "linux"),
                "osProfile": Member(.object(["computerName": Member(.text(64), .readOnly)])),
                "locationData": Member(.object(["name": Member(.text(256))])),
                "parentClusterResourceId": Member(.text(1024)),
                "vmId": Member(.text(36)),
                "clientPublicKey": Member(.text(4096)),
                "status": Member(.anything, .readOnly),
                "lastStatusChange": Member(.anything, .readOnly),
                "agentVersion": Member(.anything, .readOnly),
                "osName": Member(.anything, .readOnly),
                "osVersion": Member(.anything, .readOnly),
                "machineFqdn": Member(.anything, .readOnly),
                "displayName": Member(.anything, .readOnly),
            ]
        )
        kind.patching = .everything
        kind.takesIdentity = true
        kind.names = NameRule(longest: 54, extra: "-_.")
        kind.complete = { machine, previous, plan throws(Problem) in
            if machine.properties["vmId"] == nil {
                machine.properties["vmId"] = .string(GUID(from: plan.random).description)
            }
            guard machine.userIdentities.isEmpty else {
                throw Problem(
                    "IdentityTypeNotSupported",
                    shown: "A machine outside has an identity of its own (SystemAssigned) and no other."
                )
            }
            if previous == nil, !machine.hasSystemIdentity {
                machine.identity = ["type": "SystemAssigned"]
                plan.identities[machine.path.key] = .assign
            }
        }
        return kind
    }()

    /// What is installed on them.
    static let arcExtension = ResourceKind.virtualMachineExtension.called(arcExtensionType)
}

extension Resources {
    /// Adds to the document of a machine outside what its agent reports about it.
    func addReport(of machine: Resource, to document: inout JSONValue) {
        guard machine.path.isOf(type: ResourceKind.arcMachineType) else { return }
        let view = self.hooks.instanceView(machine.path)
        let agent = view?["vmAgent"]?["statuses"]?.array?.first
        let isThere = agent?["displayStatus"] == "Ready"
        document["properties"]?["status"] = view == nil ? "AwaitingConnection" : isThere ? "Connected" : "Disconnected"
        document["properties"]?["statusMessage"] =
            view == nil ? .string(self.hooks.joinAdvice(machine.path)) : Optional.none
        document["properties"]?["lastStatusChange"] = agent?["time"] ?? .string(machine.changedAt.description)
        document["properties"]?["displayName"] = .string(machine.name)
        guard let view else { return }
        // Clients cut the version into four numbers.
        let version = (view["vmAgent"]?["vmAgentVersion"]?.string ?? "").split(separator: "." as Character).map(
            String.init
        )
        let numbers = (version.filter { Int($0) != nil } + ["0", "0", "0", "0"]).prefix(4)
        document["properties"]?["agentVersion"] = .string(numbers.joined(separator: "."))
        document["properties"]?["osName"] = view["osName"]
        document["properties"]?["osVersion"] = view["osVersion"]
        document["properties"]?["machineFqdn"] = view["computerName"]
        document["properties"]?["osProfile"] = view["computerName"].map { ["computerName": $0] }
    }
}
