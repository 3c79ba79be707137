import TemplateLanguage
import Vocabulary

/// The body of a request to deploy, validate or foresee. Source: Azure Resources REST, "Deployments - Create Or Update".
struct DeploymentRequest {
    let mode: Deployment.Mode
    let template: Template
    let parameters: JSONValue
    let location: String?
    let tags: JSONValue?

    init(reading body: JSONValue, above groups: Bool) throws(Problem) {
        guard let properties = body.member("properties"), properties.object != nil else {
            throw Problem("InvalidRequestContent", shown: "The request content was invalid: 'properties' is missing.")
        }
        switch properties.member("mode")?.string?.lowercased() {
        case "incremental", nil: self.mode = .incremental
        case "complete":
            guard !groups else {
                throw Problem(
                    "InvalidDeploymentMode",
                    shown: "Mode 'Complete' is only for deployments to a resource group. Use 'Incremental'."
                )
            }
            self.mode = .complete
        default:
            throw Problem("InvalidDeploymentMode", shown: "The mode of a deployment is 'Incremental' or 'Complete'.")
        }
        for name in ["templateLink", "parametersLink"] where properties.member(name)?.isNull == false {
            throw Problem(
                "InvalidTemplateLink",
                shown:
                    "'\(name)' is not supported: this installation fetches nothing from elsewhere. Send the file itself "
                    + "(--template-file, --parameters @file)."
            )
        }
        if properties.member("onErrorDeployment")?.isNull == false {
            throw Problem(
                "OnErrorDeploymentNotSupported",
                shown:
                    "'onErrorDeployment' is not supported. Deploy the earlier template again when a deployment fails."
            )
        }
        guard let template = properties.member("template"), !template.isNull else {
            throw Problem("InvalidTemplate", shown: "Deployment template validation failed: there is no 'template'.")
        }
        do throws(TemplateError) {
            self.template = try Template(reading: template)
        } catch {
            throw error.problem
        }
        self.parameters = properties.member("parameters") ?? [:]
        self.location = body.member("location")?.string
        self.tags = body.member("tags")
        guard !groups || self.location != nil else {
            throw Problem("LocationRequired", shown: "The location property is required for this definition.")
        }
    }
}

/// The template as it may be kept and shown.
enum KeptTemplate {
    // Larger ones are deployed but not kept: 800 of them a scope would fill the store.
    private static let largest = 1024 * 1024

    /// Takes out default values of secure parameters, and literal values of members that hold secrets in Azure's own shapes.
    static func of(_ template: JSONValue) -> JSONValue {
        let kept = Self.cleaned(template)
        return kept.bytes.count <= Self.largest ? kept : .null
    }

    private static let hidden: Set<String> = [
        "adminpassword", "customdata", "userdata", "protectedsettings", "protectedsettingsfromkeyvault", "secrets",
        "password", "clientsecret", "securevalue",
    ]

    private static func cleaned(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let elements): return .array(elements.map(Self.cleaned))
        case .object(var members):
            if members.contains(where: {
                $0.key.lowercased() == "type" && $0.value.string?.lowercased().hasPrefix("secure") == true
            }) {
                members = members.filter {
                    !["defaultvalue", "allowedvalues", "value"].contains($0.key.lowercased())
                        || Self.isExpression($0.value)
                }
            }
            return .object(
                Dictionary(
                    uniqueKeysWithValues: members.map { name, member in
                        let isHidden = Self.hidden.contains(name.lowercased()) && !Self.isExpression(member)
                        return (name, isHidden ? .null : Self.cleaned(member))
                    }
                )
            )
        default: return value
        }
    }

    // What asks for a parameter says nothing by itself; a text built around one might.
    private static func isExpression(_ value: JSONValue) -> Bool {
        value.string?.lowercased().hasPrefix("[parameters('") == true
    }
}

/// Takes secrets out of what is told and kept.
struct Redaction: Sendable {
    private let secrets: [Secret<String>]

    /// For what one template, and the templates around it, may not tell.
    init(_ secrets: [Secret<String>], and outer: Redaction? = nil) {
        self.secrets = (outer?.secrets ?? []) + secrets
    }

    func callAsFunction(_ text: String) -> String {
        self.secrets.reduce(text) { text, secret in
            secret.withValue { value in text.contains(value) ? text.replacing(value, with: "***") : text }
        }
    }

    func callAsFunction(_ problem: Problem) -> Problem {
        Problem(
            problem.code,
            shown: self(problem.shown),
            target: problem.target,
            details: problem.details.map { self($0) }
        )
    }

    func callAsFunction(_ value: JSONValue) -> JSONValue {
        guard !self.secrets.isEmpty else { return value }
        switch value {
        case .string(let text): return .string(self(text))
        case .array(let elements): return .array(elements.map { self($0) })
        case .object(let members): return .object(members.mapValues { self($0) })
        default: return value
        }
    }
}
