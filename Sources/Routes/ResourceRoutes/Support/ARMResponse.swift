import Hummingbird
import HTTPTypes
import Resources
import Vocabulary

/// An answer of the resource manager: status, document and the headers that say something about this answer alone.
struct ARMResponse: Sendable {
    var status: HTTPResponse.Status
    /// Nil for no body.
    var document: JSONValue?
    var headers: HTTPFields = [:]

    /// 200 with a document.
    static func ok(_ document: JSONValue) -> ARMResponse {
        ARMResponse(status: .ok, document: document)
    }

    /// 201 for something new, 200 for something replaced.
    static func put(_ document: JSONValue, created: Bool) -> ARMResponse {
        ARMResponse(status: created ? .created : .ok, document: document)
    }

    /// 204.
    static let noContent = ARMResponse(status: .noContent)

    /// 202 with the address to ask how it goes, once a second: without the interval clients wait 30 seconds.
    static func accepted(_ document: JSONValue? = nil, operation: String? = nil, location: String? = nil) -> ARMResponse
    {
        var headers: HTTPFields = [.retryAfter: "1"]
        headers[.asyncOperation] = operation
        headers[.location] = location
        return ARMResponse(status: .accepted, document: document, headers: headers)
    }

    /// How far an operation is. One that still runs is asked about again after a second: clients that read no interval here wait 30.
    static func progress(of operation: ResourceOperation) -> ARMResponse {
        var answer = ARMResponse.ok(operation.document)
        if operation.status == .inProgress { answer.headers[.retryAfter] = "1" }
        return answer
    }

    /// A page of a list; `next` is an absolute address that clients follow as it is, nil at the end.
    static func list(_ values: [JSONValue], next: String? = nil) -> ARMResponse {
        var document: JSONValue = ["value": .array(values)]
        document["nextLink"] = next.map(JSONValue.string)
        return .ok(document)
    }
}
