// swift-tools-version: 6.2
import PackageDescription

// Settings shared by every target; docs/floor-plan.md says which target may import which.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// One target of ours on its floor: `Sources/<floor>/<name>`.
func room(_ floor: String, _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil)
    -> Target
{
    .target(
        name: name,
        dependencies: dependencies,
        path: "Sources/\(floor)/\(name)",
        resources: resources,
        swiftSettings: strict
    )
}

func program(_ name: String, _ folder: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name,
        dependencies: dependencies,
        path: "Sources/Programs/\(folder)",
        swiftSettings: strict
    )
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.target(name: name)] + dependencies,
        path: "Tests/\(name)Tests",
        swiftSettings: strict
    )
}

let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let posix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let embedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let http1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let http2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let tls: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypes1: Target.Dependency = .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdHTTP2: Target.Dependency = .product(name: "HummingbirdHTTP2", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let yaml: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "sallyport",
    products: [
        .executable(name: "sallyport", targets: ["sallyport"]),
        .executable(name: "sally", targets: ["sally"]),
        .executable(name: "sally-agent", targets: ["sally-agent"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", exact: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // Values
        room("Values", "Vocabulary"),
        room("Values", "TemplateLanguage", ["Vocabulary", crypto]),

        // System
        .systemLibrary(
            name: "CSodium",
            path: "Sources/System/CSodium",
            pkgConfig: "libsodium",
            providers: [.apt(["libsodium-dev"])]
        ),
        .systemLibrary(name: "CLinux", path: "Sources/System/CLinux"),
        .systemLibrary(
            name: "CGSSAPI",
            path: "Sources/System/CGSSAPI",
            pkgConfig: "krb5-gssapi",
            providers: [.apt(["libkrb5-dev"])]
        ),

        // Wire
        room("Wire", "WebSocketWire", ["Vocabulary", nio]),
        room("Wire", "SSHWire", ["Vocabulary", nio, crypto, cryptoExtras]),
        room("Wire", "AgentWire", ["Vocabulary"]),
        room("Wire", "RDPWire", ["Vocabulary", nio, crypto, cryptoExtras, asn1]),

        // Storage
        room("Storage", "Storage", ["Vocabulary"]),
        room("Storage", "SQLiteStorage", ["Vocabulary", "Storage", grdb]),

        // Domain
        room("Domain", "Audit", ["Vocabulary", "Storage", crypto]),
        room("Domain", "Keys", ["Vocabulary", "Storage", "Audit", crypto, cryptoExtras, x509, asn1]),
        room("Domain", "Passwords", ["Vocabulary", "CSodium"]),
        room("Domain", "Identity", ["Vocabulary", "Storage", "Audit", "Passwords", crypto]),
        room("Domain", "AccessControl", ["Vocabulary", "Storage", "Audit"]),
        room(
            "Domain",
            "Federation",
            ["Vocabulary", "Storage", "Audit", "Identity", "Keys", "AccessControl", crypto, cryptoExtras, x509, asn1]
        ),
        room(
            "Domain",
            "SSHAuthority",
            [
                "Vocabulary", "Storage", "Audit", "Identity", "Keys", "AccessControl", "SSHWire", nio, crypto,
                cryptoExtras,
            ]
        ),
        room("Domain", "Fabric", ["Vocabulary"]),
        room("Domain", "Resources", ["Vocabulary", "Storage", "Audit", "AccessControl", "Fabric"]),
        room(
            "Domain",
            "Deployments",
            ["Vocabulary", "Storage", "Audit", "AccessControl", "Resources", "TemplateLanguage"]
        ),
        room("Domain", "Sessions", ["Vocabulary", "Storage", "Audit", "AccessControl", "Resources", crypto]),
        room(
            "Domain",
            "Hosts",
            [
                "Vocabulary", "Storage", "Audit", "Identity", "Keys", "AccessControl", "Resources", "AgentWire",
                "SSHAuthority", "SSHWire", crypto,
            ]
        ),

        // Data plane
        room(
            "DataPlane",
            "Edge",
            [
                "Vocabulary", "WebSocketWire", nio, posix, http1, nioTLS, tls, http2, httpTypes, nioHTTPTypes,
                nioHTTPTypes1, hummingbirdCore, hummingbirdHTTP2, log,
            ]
        ),
        room("DataPlane", "Tunnel", ["Vocabulary", "WebSocketWire", "AccessControl", nio, posix, log]),
        room(
            "DataPlane",
            "RemoteDesktop",
            [
                "Vocabulary", "RDPWire", "WebSocketWire", "AccessControl", "Tunnel", "Edge", "CGSSAPI", nio, posix,
                http1,
                tls, nioTLS, crypto, log,
            ]
        ),
        room("DataPlane", "NamespaceFabric", ["Vocabulary", "Fabric", "CLinux", log]),

        // Routes
        room(
            "Routes",
            "SignInRoutes",
            [
                "Vocabulary", "Identity", "Federation", "SSHAuthority", "Keys", "AccessControl", hummingbird, mustache,
                httpTypes, crypto, log,
            ]
        ),
        room(
            "Routes",
            "GraphRoutes",
            ["Vocabulary", "Identity", "Federation", "AccessControl", hummingbird, httpTypes, log]
        ),
        room(
            "Routes",
            "ResourceRoutes",
            [
                "Vocabulary", "Identity", "Federation", "AccessControl", "Resources", "Hosts", "Fabric", "Deployments",
                hummingbird, httpTypes, log,
            ]
        ),
        room(
            "Routes",
            "BastionRoutes",
            [
                "Vocabulary", "Federation", "AccessControl", "Resources", "Sessions", "Tunnel", "WebSocketWire", "Edge",
                "Audit", "RemoteDesktop", "RDPWire",
                hummingbird, nio, http1, httpTypes, log,
            ]
        ),
        room(
            "Routes",
            "HostRoutes",
            [
                "Vocabulary", "Federation", "Hosts", "AgentWire", "Edge", "WebSocketWire", "AccessControl", "Identity",
                "SSHAuthority", "SSHWire", hummingbird, nio, http1, httpTypes, log,
            ]
        ),

        // Programs
        room(
            "Programs",
            "Server",
            [
                "Vocabulary", "Storage", "SQLiteStorage", "Audit", "Keys", "Passwords", "Identity", "AccessControl",
                "Federation",
                "SSHAuthority", "Resources", "Sessions", "Hosts", "Edge", "Tunnel", "SignInRoutes", "GraphRoutes",
                "ResourceRoutes",
                "BastionRoutes", "HostRoutes", "Fabric", "NamespaceFabric", "Deployments", "RemoteDesktop", "RDPWire",
                hummingbird, hummingbirdCore, nio, posix, tls, log, lifecycle, yaml,
                x509, asn1, crypto,
                arguments,
            ]
        ),
        program("sallyport", "sallyport", ["Server", arguments]),
        // Benchmarks: the data plane without the control plane, for Benchmarks/tunnel.py.
        .executableTarget(
            name: "tunnel-relay",
            dependencies: ["Edge", "Tunnel", hummingbird, nio, posix, log],
            path: "Benchmarks/TunnelRelay",
            swiftSettings: strict
        ),
        // Benchmarks: making certificates, for Benchmarks/certificates.py.
        .executableTarget(
            name: "certificate-speed",
            dependencies: ["Vocabulary", "SSHWire", crypto],
            path: "Benchmarks/CertificateSpeed",
            swiftSettings: strict
        ),
        // Benchmarks: decisions among many role assignments, for Benchmarks/decisions.py.
        .executableTarget(
            name: "access-decisions",
            dependencies: ["Vocabulary", "Storage", "SQLiteStorage", "Audit", "AccessControl"],
            path: "Benchmarks/AccessDecisions",
            swiftSettings: strict
        ),
        room(
            "Programs",
            "Client",
            ["Vocabulary", "WebSocketWire", nio, posix, nioTLS, http1, tls, crypto, cryptoExtras]
        ),
        room(
            "Programs",
            "CommandLine",
            ["Vocabulary", "Client", "SSHWire", "RDPWire", "WebSocketWire", nio, posix, http1, tls, crypto, arguments]
        ),
        program("sally", "sally", ["CommandLine", arguments]),
        room(
            "Programs",
            "HostAgent",
            [
                "Vocabulary", "AgentWire", "SSHWire", "Client", "WebSocketWire", nio, posix, http1, tls, crypto,
                arguments, log,
            ]
        ),
        program("sally-agent", "sally-agent", ["HostAgent", arguments]),

        // Support
        room(
            "Support",
            "TestKit",
            ["Vocabulary", "Storage", "SQLiteStorage", httpTypes, hummingbird, hummingbirdTesting]
        ),

        tests("Vocabulary"),
        tests("WebSocketWire", [nio, embedded]),
        tests("SSHWire", ["TestKit", nio, crypto, cryptoExtras]),
        tests("AgentWire"),
        tests("RDPWire", ["TestKit", nio, crypto, cryptoExtras, asn1]),
        tests("Storage", ["SQLiteStorage", "TestKit"]),
        tests("Audit", ["TestKit"]),
        tests("Keys", ["TestKit", crypto, cryptoExtras, x509, asn1]),
        tests("Passwords"),
        tests("Identity", ["TestKit", "Passwords"]),
        tests("AccessControl", ["TestKit"]),
        tests(
            "Federation",
            [
                "TestKit", "Storage", "SQLiteStorage", "Identity", "Keys", "Passwords", "AccessControl", "Audit",
                crypto,
                cryptoExtras, x509, asn1,
            ]
        ),
        tests(
            "SSHAuthority",
            [
                "TestKit", "Identity", "Keys", "Passwords", "AccessControl", "Audit", "SSHWire", crypto, cryptoExtras,
                nio,
            ]
        ),
        tests("Resources", ["TestKit", "AccessControl", "Audit", "Fabric"]),
        tests("TemplateLanguage"),
        tests("NamespaceFabric", ["Fabric"]),
        tests("Deployments", ["TestKit", "AccessControl", "Resources", "Audit", "TemplateLanguage"]),
        tests("Sessions", ["TestKit", "AccessControl", "Resources", "Audit"]),
        tests(
            "Hosts",
            [
                "TestKit", "Identity", "Keys", "Passwords", "AccessControl", "Resources", "SSHAuthority", "SSHWire",
                "AgentWire", "Audit", crypto,
            ]
        ),
        tests(
            "Edge",
            [
                "WebSocketWire", nio, posix, embedded, http1, http2, tls, httpTypes, hummingbird, hummingbirdCore, log,
                lifecycle, x509, asn1, crypto,
            ]
        ),
        tests(
            "RemoteDesktop",
            [
                "TestKit", "RDPWire", "Tunnel", "AccessControl", "WebSocketWire", "Edge", nio, posix, embedded, http1,
                tls,
                x509, asn1, crypto,
            ]
        ),
        tests("Tunnel", ["TestKit", "AccessControl", "WebSocketWire", nio, posix, embedded]),
        tests(
            "SignInRoutes",
            [
                "TestKit", "Identity", "Federation", "Keys", "Passwords", "AccessControl", "Audit", hummingbird,
                hummingbirdTesting, crypto, httpTypes, "Storage", "SQLiteStorage",
            ]
        ),
        tests(
            "GraphRoutes",
            [
                "TestKit", "Identity", "Federation", "Keys", "Passwords", "AccessControl", "Audit", hummingbird,
                httpTypes, "Storage", "SQLiteStorage",
            ]
        ),
        tests(
            "ResourceRoutes",
            [
                "TestKit", "Identity", "Federation", "Keys", "Passwords", "AccessControl", "Resources", "Audit",
                hummingbird, httpTypes, "Storage", "SQLiteStorage", "Hosts", "Deployments",
                "Fabric",
            ]
        ),
        tests(
            "HostRoutes",
            [
                "TestKit", "AgentWire", "Identity", "Federation", "Keys", "Passwords", "AccessControl", "Hosts",
                "SSHAuthority", "SSHWire", "Audit", "Edge", "WebSocketWire", hummingbird, hummingbirdTesting, nio,
                http1,
                embedded, crypto, httpTypes,
            ]
        ),
        tests("Client", ["WebSocketWire", nio, posix, http1, tls, x509, asn1, crypto]),
        tests("CommandLine", ["Client", "SSHWire", "RDPWire", nio, embedded, crypto]),
        tests("HostAgent", ["AgentWire", "Client", nio]),
        tests(
            "Server",
            ["TestKit", "AccessControl", "Identity", "Resources", "Storage", "SQLiteStorage", lifecycle, log]
        ),
    ],
    swiftLanguageModes: [.v6]
)
