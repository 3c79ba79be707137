import Federation
import HTTPTypes
import Resources
import Vocabulary

/// Long-running operations. Source: Azure Resource Manager, "Track asynchronous Azure operations".
extension ResourceRoutes {
    /// What stands below `/providers/{namespace}/locations/{location}`: operations and the catalogue of extensions.
    func located(_ namespace: String, _ rest: [String], _ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard call.request.method == .get, rest.count > 1 else { throw .methodNotAllowed(call.request) }
        let isCompute = namespace.lowercased() == "microsoft.compute"
        switch (rest[1].lowercased(), rest.count) {
        case ("checkdnsnameavailability", 2): return try self.checkLabel(rest[0], call)
        case ("operations", 3): return .progress(of: try self.operation(rest[2], call))
        case ("operationresults", 3): return try self.result(of: try self.operation(rest[2], call), call)
        case ("publishers", _) where isCompute:
            return try self.catalogue(rest[0], Array(rest.dropFirst(2)), call)
        case ("vmsizes", 2) where isCompute: return self.machineSizes()
        case ("usages", 2) where isCompute: return self.computeUsages(rest[0], call)
        case ("runcommands", 2) where isCompute: return .list([RunCommandCatalogue.document])
        case ("runcommands", 3) where isCompute && rest[2].lowercased() == RunCommandCatalogue.shell.lowercased():
            return .ok(RunCommandCatalogue.document)
        case (let word, 2) where namespace.lowercased() == "microsoft.network":
            if let answer = self.networkFacts(rest[0], word, call) { return answer }
            fallthrough
        default: throw Problem("ResourceNotFound", shown: "There is nothing at '\(call.request.path)'.")
        }
    }

    /// The absolute address at which an operation is watched, with the api-version of the request that began it.
    func address(of operation: ResourceOperation, _ word: String, _ call: ResourceCall) -> String? {
        operation.path(word).map { self.absolute($0, ["api-version": call.request.apiVersion ?? ""]) }
    }

    private func operation(_ id: String, _ call: ResourceCall) throws(Problem) -> ResourceOperation {
        guard let id = GUID(id), let subscription = call.request.path.subscription else {
            throw Problem("OperationNotFound", shown: "The operation could not be found.")
        }
        return try self.resources.operation(id, in: subscription, for: call.caller.subject)
    }

    // 202 while it runs, then what the request itself would have answered had it waited.
    private func result(of operation: ResourceOperation, _ call: ResourceCall) throws(Problem) -> ARMResponse {
        switch operation.status {
        case .inProgress:
            return .accepted(location: self.address(of: operation, "operationResults", call))
        case .failed:
            throw operation.problem ?? Problem("Conflict", shown: "The operation failed.")
        case .succeeded:
            // An action has no document of its own: 200 without a body says that it is done.
            if operation.purpose == .action {
                return operation.product.map(ARMResponse.ok) ?? ARMResponse(status: .ok)
            }
            guard operation.purpose == .write else { return .noContent }
            return .ok(
                self.resources.document(of: try self.resources.get(operation.target, for: call.caller.subject))
            )
        }
    }
}
