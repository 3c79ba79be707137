import AccessControl
import Fabric
import Federation
import HTTPTypes
import Hummingbird
import Resources
import Vocabulary

/// What can be had: images, extensions, sizes. Most of it in bare arrays, in which Azure answers for these alone.
///
/// Source: Azure Compute REST, "Virtual Machine Images", "Virtual Machine Extension Images", "Resource Skus", "Usage".
extension ResourceRoutes {
    /// The short names of images; asked for without signing in.
    static var aliases: Response {
        Response(
            status: .ok,
            headers: [.contentType: "application/json; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: ImageCatalogue.aliasDocument.bytes))
        )
    }

    /// What stands below `publishers`.
    func catalogue(_ location: String, _ rest: [String], _ call: ResourceCall) throws(Problem) -> ARMResponse {
        let shelf = Shelf(base: call.request.path.segments.prefix(6).joined(separator: "/"), location: location)
        let images = self.resources.images.images
        let words = rest.map { $0.lowercased() }
        guard let publisher = words.first else {
            let names = Set(images.map(\.reference.publisher) + ExtensionCatalogue.publishers)
            return .ok(.array(names.sorted().map { shelf.entry($0, "") }))
        }
        guard words.count >= 4, words[1] == "artifacttypes" else { throw Self.nothing }
        switch (words[2], words[3]) {
        case ("vmextension", "types"):
            return try self.extensions(publisher, Array(words.dropFirst(4)), shelf)
        case ("vmimage", "offers"):
            var own = images.filter { $0.reference.publisher.lowercased() == publisher }
            own += try self.unlisted(rest, besides: own)
            return try self.offers(own, Array(words.dropFirst(4)), shelf, call)
        default: throw Self.nothing
        }
    }

    /// The image that an address names when it is in no list, but machines can be made for it.
    private func unlisted(_ rest: [String], besides listed: [MachineImage]) throws(Problem) -> [MachineImage] {
        guard rest.count >= 8, rest[5].lowercased() == "skus" else { return [] }
        let isListed = listed.contains {
            $0.reference.offer.lowercased() == rest[4].lowercased()
                && $0.reference.sku.lowercased() == rest[6].lowercased()
        }
        guard !isListed else { return [] }
        let version = rest.count > 8 ? rest[8] : "latest"
        let reference = ImageReference(publisher: rest[0], offer: rest[4], sku: rest[6], version: version)
        return self.resources.unlistedImage(for: reference).map { [$0] } ?? []
    }

    private func offers(_ images: [MachineImage], _ words: [String], _ shelf: Shelf, _ call: ResourceCall)
        throws(Problem) -> ARMResponse
    {
        guard let publisher = images.first?.reference.publisher else {
            if words.isEmpty { return .ok([]) }
            throw Self.noImage
        }
        let above = "/\(publisher)/artifacttypes/vmimage/offers"
        guard let offer = words.first else {
            return .ok(.array(Set(images.map(\.reference.offer)).sorted().map { shelf.entry($0, above) }))
        }
        let ofOffer = images.filter { $0.reference.offer.lowercased() == offer }
        guard let spelled = ofOffer.first?.reference.offer, words.count >= 2, words[1] == "skus" else {
            throw Self.noImage
        }
        let skus = "\(above)/\(spelled)/skus"
        guard words.count > 2 else {
            return .ok(.array(ofOffer.map(\.reference.sku).sorted().map { shelf.entry($0, skus) }))
        }
        guard let image = ofOffer.first(where: { $0.reference.sku.lowercased() == words[2] }), words.count >= 4,
            words[3] == "versions"
        else { throw Self.noImage }
        let version = ImageCatalogue.exactVersion(of: image.reference)
        var entry = shelf.entry(version, "\(skus)/\(image.reference.sku)/versions")
        switch words.count {
        case 4:
            if call.request.expand?.lowercased() == "properties" { entry["properties"] = Self.properties(of: image) }
            return .ok([entry])
        case 5 where words[4] == version || words[4] == "latest":
            entry["properties"] = Self.properties(of: image)
            return .ok(entry)
        default: throw Self.noImage
        }
    }

    private static func properties(of image: MachineImage) -> JSONValue {
        [
            "osDiskImage": ["operatingSystem": .string(image.osType)], "dataDiskImages": [],
            "automaticOSUpgradeProperties": ["automaticOSUpgradeSupported": false], "hyperVGeneration": "V2",
            "architecture": "x64", "features": [], "imageDeprecationStatus": ["imageState": "Active"],
        ]
    }

    private func extensions(_ publisher: String, _ words: [String], _ shelf: Shelf) throws(Problem) -> ARMResponse {
        let known = ExtensionCatalogue.publishers.first { $0.lowercased() == publisher }
        let types = known.map { ExtensionCatalogue.types(of: $0) } ?? []
        let above = "/\(known ?? publisher)/artifacttypes/vmextension/types"
        guard let word = words.first else { return .ok(.array(types.map { shelf.entry($0, above) })) }
        guard let type = types.first(where: { $0.lowercased() == word }) else {
            throw Problem("ArtifactNotFound", shown: "There is no such extension in the catalogue.")
        }
        let number = ExtensionCatalogue.version(of: type)
        let version = shelf.entry(number, "\(above)/\(type)/versions")
        switch words.count {
        case 2 where words[1] == "versions": return .ok([version])
        case 3 where words[1] == "versions" && words[2] == number: return .ok(version)
        default: throw Problem("ArtifactNotFound", shown: "There is no such version in the catalogue.")
        }
    }

    private static var nothing: Problem {
        Problem("ArtifactNotFound", shown: "The catalogue holds images (vmimage) and extensions (vmextension) only.")
    }

    private static var noImage: Problem {
        Problem(
            "ArtifactNotFound",
            shown: "There is no such image in the catalogue. 'az vm image list' shows the short names."
        )
    }

    // MARK: Sizes

    /// `locations/{location}/vmSizes`.
    func machineSizes() -> ARMResponse {
        .list(
            MachineSize.common.map { size in
                [
                    "name": .string(size.name), "numberOfCores": .integer(Int64(size.processors)),
                    "memoryInMB": .integer(Int64(size.memory)), "osDiskSizeInMB": 1_047_552,
                    "resourceDiskSizeInMB": 0, "maxDataDiskCount": 0,
                ]
            }
        )
    }

    /// `{machine}/vmSizes`: what it could be resized to.
    func machineSizes(of call: ResourceCall) throws(Problem) -> ARMResponse {
        guard let machine = ResourcePath("/" + call.request.path.segments.dropLast().joined(separator: "/")) else {
            throw .methodNotAllowed(call.request)
        }
        _ = try self.resources.get(machine, for: call.caller.subject)
        return self.machineSizes()
    }

    /// `Microsoft.Compute/skus`: where each size is offered, and with what.
    func computeSKUs(_ call: ResourceCall) throws(Problem) -> ARMResponse {
        guard call.request.method == .get else { throw .methodNotAllowed(call.request) }
        // Groups may lie in places that are in no list: what is offered is offered there, too.
        let scope = call.request.path.subscription.flatMap { ResourcePath("/subscriptions/\($0)") } ?? .root
        let used = self.resources.list(type: Self.groupType, below: scope)
            .filter { self.resources.mayRead($0.path, call.caller.subject) }.compactMap(\.location)
        let known = self.resources.settings.locations.map(\.name)
        let places = known + Set(used).subtracting(known).sorted()
        let list: [JSONValue] = MachineSize.common.map { size in
            [
                "resourceType": "virtualMachines", "name": .string(size.name), "tier": "Standard",
                "size": .string(String(size.name.dropFirst("Standard_".count))), "family": .string(size.family),
                "locations": .array(places.map { .string($0) }),
                "locationInfo": .array(
                    places.map { ["location": .string($0), "zones": ["1", "2", "3"], "zoneDetails": []] }
                ),
                "capabilities": [
                    ["name": "vCPUs", "value": .string("\(size.processors)")],
                    ["name": "MemoryGB", "value": .string("\(Double(size.memory) / 1024)")],
                    ["name": "CpuArchitectureType", "value": "x64"],
                    ["name": "HyperVGenerations", "value": "V1,V2"], ["name": "PremiumIO", "value": "True"],
                ],
                "restrictions": [],
            ]
        }
        return .list(list)
    }

    /// `locations/{location}/usages`: how many machines and processors there are; no quota is set here.
    func computeUsages(_ location: String, _ call: ResourceCall) -> ARMResponse {
        let scope = call.request.path.subscription.flatMap { ResourcePath("/subscriptions/\($0)") } ?? .root
        let machines = self.resources.list(type: "Microsoft.Compute/virtualMachines", below: scope)
            .filter { $0.location == location.lowercased() && self.resources.mayRead($0.path, call.caller.subject) }
        let processors = machines.map { MachineSize.of($0).processors }.reduce(0, +)
        func usage(_ value: String, _ shown: String, _ count: Int) -> JSONValue {
            [
                "unit": "Count", "currentValue": .integer(Int64(count)), "limit": 100_000,
                "name": ["value": .string(value), "localizedValue": .string(shown)],
            ]
        }
        return .list([
            usage("cores", "Total Regional vCPUs", processors),
            usage("virtualMachines", "Virtual Machines", machines.count),
        ])
    }

    /// Where the entries of a catalogue stand.
    private struct Shelf {
        let base: String
        let location: String

        func entry(_ name: String, _ below: String) -> JSONValue {
            [
                "id": .string("/\(self.base)/publishers\(below)/\(name)"), "name": .string(name),
                "location": .string(self.location),
            ]
        }
    }
}
