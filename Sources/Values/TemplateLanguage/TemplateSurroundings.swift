public import Vocabulary

/// What a template may ask about where, when and by whom it is deployed. The evaluator has no other way to learn it.
public struct TemplateSurroundings: Sendable {
    /// Where resources go that name no other place: a resource group or a subscription.
    public var scope: ResourcePath
    /// What `subscription()` gives; nil where there is none.
    public var subscription: JSONValue?
    /// What `resourceGroup()` gives; nil above resource groups.
    public var resourceGroup: JSONValue?
    /// What `tenant()` gives.
    public var tenant: JSONValue
    /// What `deployment()` gives.
    public var deployment: JSONValue
    /// What `deployer()` gives.
    public var deployer: JSONValue
    /// What `environment()` gives.
    public var environment: JSONValue
    /// The versions and places of a type: what `providers()` gives; nil for a type that is not offered.
    public var provider: @Sendable (_ namespace: String, _ type: String) -> JSONValue?
    /// The time of `utcNow()`.
    public var now: Instant
    /// The source of `newGuid()`.
    public var random: RandomSource

    /// Names all of it.
    public init(
        scope: ResourcePath,
        subscription: JSONValue? = nil,
        resourceGroup: JSONValue? = nil,
        tenant: JSONValue = [:],
        deployment: JSONValue = [:],
        deployer: JSONValue = [:],
        environment: JSONValue = ["name": "AzureCloud"],
        now: Instant,
        random: RandomSource,
        provider: @escaping @Sendable (_ namespace: String, _ type: String) -> JSONValue? = { _, _ in nil }
    ) {
        self.scope = scope
        self.subscription = subscription
        self.resourceGroup = resourceGroup
        self.tenant = tenant
        self.deployment = deployment
        self.deployer = deployer
        self.environment = environment
        self.now = now
        self.random = random
        self.provider = provider
    }
}

/// What `reference()` asks for while a deployment runs.
public struct TemplateReference: Sendable, Hashable {
    /// The resource.
    public let path: ResourcePath
    /// Whether the whole resource is asked for instead of its `properties`.
    public let isFull: Bool
}

/// Answers `reference()`; throws when the resource is not there or may not be read.
public typealias TemplateLookup = (TemplateReference) throws(TemplateError) -> JSONValue
