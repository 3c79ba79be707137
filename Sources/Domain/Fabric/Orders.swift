public import Vocabulary

/// An image as clients ask for it: publisher, offer, SKU, version. Source: Azure `imageReference`.
public struct ImageReference: Codable, Hashable, Sendable {
    /// Who publishes it, for example `Debian`.
    public var publisher: String
    /// The product, for example `debian-12`.
    public var offer: String
    /// The edition, for example `12`.
    public var sku: String
    /// A version, or `latest`.
    public var version: String

    /// Names an image.
    public init(publisher: String, offer: String, sku: String, version: String = "latest") {
        self.publisher = publisher
        self.offer = offer
        self.sku = sku
        self.version = version
    }
}

/// An image that a fabric can start.
public struct MachineImage: Codable, Hashable, Sendable {
    /// The fabric's own word for it, for example `bookworm`.
    public let id: String
    /// How clients find it in the catalogue.
    public let reference: ImageReference
    /// What the system calls itself, for example `Debian GNU/Linux 12`.
    public let title: String
    /// `Linux` or `Windows`.
    public let osType: String
    /// What was asked for when it was not this: said in the instance view.
    public let substitutes: ImageReference?

    /// Describes an image.
    public init(
        id: String,
        reference: ImageReference,
        title: String,
        osType: String = "Linux",
        substitutes: ImageReference? = nil
    ) {
        self.id = id
        self.reference = reference
        self.title = title
        self.osType = osType
        self.substitutes = substitutes
    }
}

/// A rule for packets, as a security group's rules come down to one.
public struct TrafficRule: Codable, Hashable, Sendable {
    /// What a rule is about.
    public enum Transport: String, Codable, Sendable {
        case tcp
        case udp
        case icmp
        case any
    }

    /// Whether what fits may come in.
    public let isAllowed: Bool
    /// The protocol that it is about.
    public let transport: Transport
    /// Networks in CIDR form; none means from anywhere.
    public let sources: [String]
    /// Destination ports; none means all.
    public let ports: [ClosedRange<Int>]

    /// Describes a rule.
    public init(isAllowed: Bool, transport: Transport, sources: [String] = [], ports: [ClosedRange<Int>] = []) {
        self.isAllowed = isAllowed
        self.transport = transport
        self.sources = sources
        self.ports = ports
    }
}

/// A virtual network as it shall be.
public struct NetworkOrder: Codable, Hashable, Sendable {
    /// One subnet: a bridge and a prefix of its own.
    public struct Subnet: Codable, Hashable, Sendable {
        /// Its name in the network.
        public let name: String
        /// In CIDR form, for example `10.0.0.0/24`. The first address is the gateway.
        public let prefix: String

        /// Describes a subnet.
        public init(name: String, prefix: String) {
            self.name = name
            self.prefix = prefix
        }
    }

    /// The network's resource.
    public let path: ResourcePath
    /// Its subnets, which do not overlap.
    public let subnets: [Subnet]

    /// Describes a network.
    public init(path: ResourcePath, subnets: [Subnet]) {
        self.path = path
        self.subnets = subnets
    }
}

/// A machine as it shall be.
public struct MachineOrder: Sendable {
    /// A place on a network.
    public struct Interface: Codable, Hashable, Sendable {
        /// The network.
        public let network: ResourcePath
        /// The name of the subnet in it.
        public let subnet: String
        /// The private address that the resource shows.
        public let address: String
        /// The address under which the box's surroundings reach it, when it has one.
        public let publicAddress: String?
        /// What may come in, in order; the first that fits decides, and what none fits is dropped. Connections that the fabric opens itself
        /// (`Fabric.connect`) were judged before and are always let in.
        public let inbound: [TrafficRule]

        /// Describes a place.
        public init(
            network: ResourcePath,
            subnet: String,
            address: String,
            publicAddress: String? = nil,
            inbound: [TrafficRule] = []
        ) {
            self.network = network
            self.subnet = subnet
            self.address = address
            self.publicAddress = publicAddress
            self.inbound = inbound
        }
    }

    /// The local administrator that `az vm create` asks for.
    public struct Administrator: Sendable {
        /// The account on the machine.
        public let name: String
        /// In `authorized_keys` form.
        public let publicKeys: [String]
        /// Set once and then forgotten; never stored by the server.
        public let password: Secret<String>?

        /// Describes an administrator.
        public init(name: String, publicKeys: [String], password: Secret<String>? = nil) {
            self.name = name
            self.publicKeys = publicKeys
            self.password = password
        }
    }

    /// How the machine's agent finds and joins the server.
    public struct Enrolment: Sendable {
        /// The server's port, reached at the gateway of the machine's subnet.
        public let port: Int
        /// The name in the server's certificate under which machines reach it.
        public let serverName: String
        /// The certificate authority to trust, as PEM.
        public let authority: String
        /// Single use, short-lived.
        public let token: Secret<String>

        /// Describes how to join.
        public init(port: Int, serverName: String, authority: String, token: Secret<String>) {
            self.port = port
            self.serverName = serverName
            self.authority = authority
            self.token = token
        }
    }

    /// The machine's resource.
    public let path: ResourcePath
    /// The fabric's word for the image.
    public let image: String
    /// What the machine calls itself.
    public let hostName: String
    /// The primary one first.
    public let interfaces: [Interface]
    /// The local administrator; nil for none.
    public var administrator: Administrator?
    /// Nil when the machine has joined already.
    public var enrolment: Enrolment?
    /// Decoded `customData`: a script that starts with `#!` is run once at the first start.
    public var customData: [UInt8]
    /// Megabytes of memory; nil for no limit.
    public var memory: Int?
    /// Processors; nil for no limit.
    public var processors: Int?

    /// Describes a machine.
    public init(
        path: ResourcePath,
        image: String,
        hostName: String,
        interfaces: [Interface],
        administrator: Administrator? = nil,
        enrolment: Enrolment? = nil,
        customData: [UInt8] = [],
        memory: Int? = nil,
        processors: Int? = nil
    ) {
        self.path = path
        self.image = image
        self.hostName = hostName
        self.interfaces = interfaces
        self.administrator = administrator
        self.enrolment = enrolment
        self.customData = customData
        self.memory = memory
        self.processors = processors
    }
}
