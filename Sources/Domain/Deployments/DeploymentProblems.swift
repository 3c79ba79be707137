import Vocabulary

/// The problems of deployments, in the codes and sentences that Azure's clients know.
extension Problem {
    static func deploymentFailed(_ path: ResourcePath, _ details: [Problem]) -> Problem {
        Problem(
            "DeploymentFailed",
            shown: "At least one resource deployment operation failed. Please list deployment operations for details.",
            target: path.description,
            details: details
        )
    }

    /// The code of what is found out about a template before anything is made.
    static let invalidDeploymentCode = "InvalidTemplateDeployment"

    static func invalidDeployment(_ path: ResourcePath, _ correlation: String, _ details: [Problem]) -> Problem {
        Problem(
            Self.invalidDeploymentCode,
            shown:
                "The template deployment '\(path.name)' is not valid according to the validation procedure. The tracking id "
                + "is '\(correlation)'. See inner errors for details.",
            details: details
        )
    }

    static func deploymentNotFound(_ name: String) -> Problem {
        Problem("DeploymentNotFound", shown: "Deployment '\(PrintableText.of(name, limit: 80))' could not be found.")
    }

    static func deploymentIsActive(_ path: ResourcePath, _ deployment: Deployment) -> Problem {
        Problem(
            "DeploymentActiveAndUneditable",
            shown: "Unable to edit or replace deployment '\(path.name)': previous deployment from "
                + "'\(deployment.startedAt.description)' is still active. Wait for it, cancel it, or choose another name."
        )
    }

    static func storeFailed(_ error: any Error) -> Problem {
        Problem("InternalServerError", shown: "The deployment could not be stored or read.", logged: "\(error)")
    }
}
