import Fabric
public import Vocabulary

extension Resources {
    /// What is known of a machine right now: states, agent, extensions. Source: Azure Compute REST, "Instance View".
    public func instanceView(of machine: Resource) -> JSONValue {
        let report = self.hooks.instanceView(machine.path)
        var view = report ?? ["vmAgent": self.absentAgent(of: machine)]
        let reported = (view["statuses"]?.array ?? []).filter { status in
            status["code"]?.string?.hasPrefix("ProvisioningState/") != true
                && (machine.making == nil || status["code"]?.string?.hasPrefix("PowerState/") != true)
        }
        var statuses = [machine.provisioningStatus] + reported
        if machine.making != nil {
            statuses.append(self.powerStatus(of: machine))
        } else if report == nil {
            statuses.append([
                "code": "PowerState/unknown", "level": "Warning", "displayStatus": "VM has not joined yet",
                "message": .string(self.hooks.joinAdvice(machine.path)),
            ])
        }
        if let making = machine.making, let asked = making.substitutes {
            statuses.append([
                "code": "ImageState/substituted", "level": "Warning", "displayStatus": "Image substituted",
                "message": .string(
                    "The image \(asked) is not available here. The machine was made from \(making.title) instead."
                ),
            ])
        }
        view["statuses"] = .array(statuses)
        if view["computerName"] == nil {
            view["computerName"] = machine.properties["osProfile"]?["computerName"] ?? .string(machine.name)
        }
        if let making = machine.making, view["osName"] == nil { view["osName"] = .string(making.title) }
        if !machine.diskPaths.isEmpty || !machine.dataDisks.isEmpty { view["disks"] = self.diskViews(of: machine) }
        let extensions = self.list(type: nil, below: machine.path).filter(\.isExtension)
        view["extensions"] = .array(extensions.map(\.extensionView))
        return view
    }

    private func absentAgent(of machine: Resource) -> JSONValue {
        [
            "vmAgentVersion": "Unknown",
            "statuses": [
                [
                    "code": "ProvisioningState/Unavailable", "level": "Warning", "displayStatus": "Not Ready",
                    "message": .string(
                        "The agent has never reported."
                            + (machine.making == nil ? " \(self.hooks.joinAdvice(machine.path))" : "")
                    ),
                ]
            ],
        ]
    }

    private func powerStatus(of machine: Resource) -> JSONValue {
        let wanted = machine.making?.power.rawValue ?? "unknown"
        let isMade = machine.making?.isMade == true
        // What could not be made holds nothing of the box.
        let unmade = machine.hasFailed ? "deallocated" : "starting"
        let state = self.hooks.fabric.state(of: machine.path)?.rawValue ?? (isMade ? wanted : unmade)
        return [
            "code": .string("PowerState/\(state)"), "level": "Info", "displayStatus": .string("VM \(state)"),
        ]
    }
}

extension Resource {
    /// How far the last operation on a machine is, with the reason when it failed.
    fileprivate var provisioningStatus: JSONValue {
        let state = self.provisioningState.lowercased()
        let code = self.failure.map { "\(state)/\($0.code)" } ?? state
        var status: JSONValue = [
            "code": .string("ProvisioningState/\(code)"), "level": self.hasFailed ? "Error" : "Info",
            "displayStatus": .string("Provisioning \(state)"), "time": .string(self.changedAt.description),
        ]
        if let failure = self.failure { status["message"] = .string(failure.sentence) }
        return status
    }
}
