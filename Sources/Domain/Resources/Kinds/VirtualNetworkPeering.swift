import Vocabulary

extension ResourceKind {
    /// Peerings: one half of a connection between two virtual networks. Traffic flows when both halves exist and are Connected.
    ///
    /// Source: Azure virtual network peerings REST.
    static let virtualNetworkPeering: ResourceKind = {
        var kind = ResourceKind(
            "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
            properties: [
                "remoteVirtualNetwork": Member(
                    .reference(ReferenceRule("Microsoft.Network/virtualNetworks", action: "peer", range: .tenant)),
                    .required
                ),
                "allowVirtualNetworkAccess": Member(.flag, initial: true),
                "allowForwardedTraffic": Member(.flag, initial: false),
                "allowGatewayTransit": Member(.flag, initial: false),
                "useRemoteGateways": Member(.flag, initial: false),
                "peeringState": Member(.word(["Initiated", "Connected", "Disconnected"]), .readOnly),
                "peeringSyncLevel": Member(.text(32), .readOnly),
            ]
        )
        kind.isTracked = false
        kind.claims = { peering in
            guard let network = peering.path.parent, let remote = peering.remoteNetwork else { return [] }
            return [
                Claim(key: "peering:\(network.key):\(remote.key)") { holder in
                    Problem(
                        "AnotherPeeringAlreadyReferencesRemoteVnet",
                        shown: "The peering '\(holder)' already leads to the same remote virtual network."
                    )
                }
            ]
        }
        kind.complete = { peering, previous, plan throws(Problem) in
            guard
                let network = peering.path.parent.flatMap({ plan[$0] }),
                let remote = peering.remoteNetwork.flatMap({ plan[$0] })
            else { return }
            guard network.path != remote.path else {
                throw Problem("InvalidResourceReference", shown: "A virtual network cannot be peered with itself.")
            }
            if let old = previous?.remoteNetwork, old != remote.path {
                throw Problem(
                    "ChangingRemoteVnetNotAllowed",
                    shown: "The remote virtual network of a peering cannot change."
                )
            }
            try ResourceKind.checkApart(network, remote)
            guard var reverse = plan.reverse(of: peering) else {
                let wasConnected = previous.map { $0.peeringState != "Initiated" } ?? false
                peering.setPeeringState(wasConnected ? "Disconnected" : "Initiated")
                return
            }
            // The half that lost its partner has to be written again before the two connect.
            guard reverse.peeringState != "Disconnected" else {
                peering.setPeeringState("Initiated")
                return
            }
            peering.setPeeringState("Connected")
            reverse.setPeeringState("Connected")
            plan.store(reverse)
        }
        kind.mayRemove = { peering, plan in
            guard var reverse = plan.reverse(of: peering) else { return }
            reverse.setPeeringState("Disconnected")
            plan.store(reverse)
        }
        return kind
    }()

    /// Two networks that are peered must not share addresses.
    static func checkApart(_ network: Resource, _ remote: Resource) throws(Problem) {
        for prefix in network.addressSpace {
            for other in remote.addressSpace where other.overlaps(prefix) {
                throw Problem(
                    "VnetAddressSpacesOverlap",
                    shown: "Cannot peer '\(network.path)' with '\(remote.path)': \(prefix) and \(other) overlap."
                )
            }
        }
    }
}

extension Resource {
    /// The network at the other end of a peering.
    var remoteNetwork: ResourcePath? {
        self.properties["remoteVirtualNetwork"]?["id"]?.string.flatMap { ResourcePath($0) }
    }

    /// How far a peering is.
    var peeringState: String { self.properties["peeringState"]?.string ?? "Initiated" }

    fileprivate mutating func setPeeringState(_ state: String) {
        self.properties["peeringState"] = .string(state)
        self.properties["peeringSyncLevel"] = .string(state == "Connected" ? "FullyInSync" : "RemoteNotInSync")
    }
}

extension Plan {
    /// The other half of a peering, which lies in the remote network and leads back.
    fileprivate func reverse(of peering: Resource) -> Resource? {
        guard let network = peering.path.parent, let remote = peering.remoteNetwork else { return nil }
        return self.children(of: remote, type: ResourceKind.virtualNetworkPeering.type)
            .first { $0.remoteNetwork == network }
    }
}
