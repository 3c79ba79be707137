public import Vocabulary

/// Makes the bodies that answer requests.
enum ResourceDocument {
    /// What a resource says, with what follows from others.
    static func make(_ resource: Resource, _ kind: ResourceKind, _ snapshot: Snapshot, _ settings: ResourceSettings)
        -> JSONValue
    {
        var document = resource.document
        for (name, member) in kind.properties {
            guard case .named = member.shape, let list = resource.properties[name]?.array else { continue }
            let word = kind.type == ResourceKind.bastionHost.type ? "bastionHostIpConfigurations" : name
            document["properties"]?[name] = .array(
                list.map { element in
                    var shown = element
                    let own = element["name"]?.string ?? ""
                    shown["id"] = .string("\(resource.path)/\(word)/\(own)")
                    shown["type"] = .string("\(kind.type)/\(word)")
                    shown["properties"]?["provisioningState"] = "Succeeded"
                    return shown
                }
            )
        }
        for (name, type) in kind.embedded {
            guard let child = KindCatalogue.standard[type: type] else { continue }
            // In the order in which they were made: clients take the first subnet for machines.
            let children = snapshot.list(type: type, below: resource.path).sorted { left, right in
                (left.createdAt, left.path.key) < (right.createdAt, right.path.key)
            }
            document["properties"]?[name] = .array(children.map { self.make($0, child, snapshot, settings) })
        }
        kind.show(&document, resource, snapshot, settings)
        return document
    }
}

extension Resources {
    /// The body that answers a GET. `$expand=instanceView` adds what the machine reports about itself.
    ///
    /// `$expand=userData` adds what was given to the machine to read.
    public func document(
        of resource: Resource,
        expandingInstanceView: Bool = false,
        expandingUserData: Bool = false
    ) -> JSONValue {
        let snapshot = self.current
        guard let kind = self.catalogue.kind(at: resource.path) else { return resource.document }
        var document = ResourceDocument.make(resource, kind, snapshot, self.settings)
        self.addReport(of: resource, to: &document)
        if expandingInstanceView, resource.isMachine {
            document["properties"]?["instanceView"] = self.instanceView(of: resource)
        }
        if expandingInstanceView, resource.isManagedRunCommand {
            document["properties"]?["instanceView"] = resource.properties["instanceView"]
        }
        if expandingUserData, resource.isMachine {
            document["properties"]?["userData"] = resource.properties["userData"]
        }
        return document
    }
}
