import AccessControl
public import Vocabulary

/// The problems of resources, in the codes and sentences that Azure's clients know.
extension Problem {
    static func invalidContent(_ place: String, _ what: String) -> Problem {
        Problem(
            "InvalidRequestContent",
            shown: "The request content was invalid: '\(PrintableText.of(place))' \(what)."
        )
    }

    static func subscriptionNotFound(_ id: String) -> Problem {
        Problem("SubscriptionNotFound", shown: "The subscription '\(id)' could not be found.")
    }

    static func resourceGroupNotFound(_ name: String) -> Problem {
        Problem("ResourceGroupNotFound", shown: "Resource group '\(name)' could not be found.")
    }

    static func groupIsGoing(_ group: Resource) -> Problem {
        Problem(
            "ResourceGroupBeingDeleted",
            shown: "The resource group '\(group.name)' is in deprovisioning state and cannot perform this operation."
        )
    }

    static func resourceNotFound(_ path: ResourcePath) -> Problem {
        guard let group = path.resourceGroup, let type = path.type else {
            return Problem("ResourceNotFound", shown: "The resource '\(path)' was not found.")
        }
        let names = path.segments.lastIndex { $0.lowercased() == "providers" }.map { provider in
            stride(from: provider + 3, to: path.segments.count, by: 2).map { path.segments[$0] }
        }
        return Problem(
            "ResourceNotFound",
            shown: "The Resource '\(type)/\((names ?? []).joined(separator: "/"))' under resource group '\(group)' "
                + "was not found."
        )
    }

    static func parentNotFound(_ parent: ResourcePath) -> Problem {
        Problem(
            "ParentResourceNotFound",
            shown: "Can not perform requested operation on nested resource. Parent resource '\(parent.name)' not found."
        )
    }

    /// What to say when the resource that a request is about is not there.
    static func missing(_ path: ResourcePath) -> Problem {
        switch path.type {
        case "Microsoft.Resources/subscriptions": .subscriptionNotFound(path.name)
        case "Microsoft.Resources/resourceGroups": .resourceGroupNotFound(path.name)
        default: .resourceNotFound(path)
        }
    }

    static func linkNotAuthorized(_ subject: Subject, _ action: Action, from path: ResourcePath, to other: ResourcePath)
        -> Problem
    {
        Problem(
            "LinkedAuthorizationFailed",
            shown: "The client '\(subject.name)' with object id '\(subject.id)' has permission to change '\(path)'; "
                + "however, it does not have permission to perform action '\(action.name)' on the linked scope(s) "
                + "'\(other)' or the linked scope(s) are invalid."
        )
    }

    /// No resource of this type can be here.
    public static func unknownKind(_ type: String) -> Problem {
        Problem(
            "InvalidResourceType",
            shown: "The resource type '\(PrintableText.of(type))' could not be found in this installation."
        )
    }
}
