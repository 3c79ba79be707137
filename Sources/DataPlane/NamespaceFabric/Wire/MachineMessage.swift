import Fabric
import FoundationEssentials
import Vocabulary

/// A machine's order as it travels to the service: the one place where its secrets are in clear.
struct MachineMessage: Codable, Sendable {
    struct Administrator: Codable, Sendable {
        let name: String
        let publicKeys: [String]
        let password: String?
    }

    struct Enrolment: Codable, Sendable {
        let port: Int
        let serverName: String
        let authority: String
        let token: String
    }

    let path: ResourcePath
    let image: String
    let hostName: String
    let interfaces: [MachineOrder.Interface]
    let administrator: Administrator?
    let enrolment: Enrolment?
    let customData: Data
    let memory: Int?
    let processors: Int?

    init(_ order: MachineOrder) {
        self.path = order.path
        self.image = order.image
        self.hostName = order.hostName
        self.interfaces = order.interfaces
        self.administrator = order.administrator.map { administrator in
            Administrator(
                name: administrator.name,
                publicKeys: administrator.publicKeys,
                password: administrator.password?.withValue { String($0) }
            )
        }
        self.enrolment = order.enrolment.map { enrolment in
            Enrolment(
                port: enrolment.port,
                serverName: enrolment.serverName,
                authority: enrolment.authority,
                token: enrolment.token.withValue { String($0) }
            )
        }
        self.customData = Data(order.customData)
        self.memory = order.memory
        self.processors = order.processors
    }
}
