import Vocabulary

// The codes are Microsoft Graph's, which clients know. Source: Microsoft Graph, "Error responses and resource types".
extension Problem {
    static func badRequest(_ sentence: String) -> Problem {
        Problem("Request_BadRequest", shown: sentence)
    }

    static func badUserName(_ why: String) -> Problem {
        .badRequest("The user principal name cannot be used: \(why).")
    }

    static func notFound(_ what: String) -> Problem {
        Problem(
            "Request_ResourceNotFound",
            shown:
                "Resource '\(PrintableText.of(what))' does not exist or one of its queried references is not present."
        )
    }

    static func taken(_ property: String) -> Problem {
        Problem(
            "Request_MultipleObjectsWithSameKeyValue",
            shown: "Another object with the same value for property \(property) already exists."
        )
    }
}
