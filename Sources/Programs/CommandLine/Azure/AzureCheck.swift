import Vocabulary

/// One thing that was looked at.
struct Finding: Hashable {
    enum Judgement: Hashable {
        case good(String)
        case note(String)
        case failed(String)
    }

    let name: String
    let judgement: Judgement

    init(_ name: String, _ judgement: Judgement) {
        self.name = name
        self.judgement = judgement
    }

    var isFailure: Bool {
        if case .failed = self.judgement { true } else { false }
    }

    var line: String {
        switch self.judgement {
        case .good(let text): "ok   \(self.name): \(text)"
        case .note(let text): "note \(self.name): \(text)"
        case .failed(let text): "FAIL \(self.name): \(text)"
        }
    }
}

/// Looks whether the Azure CLI is set up for a server: what it says of itself, not what it was told.
struct AzureCheck {
    let az: AzureProgram
    let settings: AzureSettings
    /// The extensions in the server's own index; none when it has no index.
    let offered: [String]

    /// Everything that was looked at, in the order in which it matters.
    func findings() throws(Problem) -> [Finding] {
        var findings = [self.version(try self.json(["version"]))]
        let cloud = try self.json(["cloud", "show"])
        findings.append(Self.cloud(cloud, base: self.settings.base))
        findings.append(
            Self.discovery(try self.json(["config", "get", "core.instance_discovery", "--only-show-errors"]))
        )
        if !self.offered.isEmpty {
            let names = self.offered.map { PrintableText.of($0, limit: 64) }.joined(separator: ", ")
            findings.append(Finding("index", .good(names)))
        }
        findings += Self.extensions(try self.json(["extension", "list"]), offered: self.offered)
        findings.append(self.trust())
        if let port = Self.port(of: self.settings.base) {
            findings.append(
                Finding(
                    "port",
                    .note(
                        "the server is on port \(port): 'az login -u NAME -p …' asks port 443 first and fails; sign in with a browser "
                            + "or --use-device-code."
                    )
                )
            )
        }
        return findings
    }

    private func json(_ arguments: [String]) throws(Problem) -> JSONValue? {
        let outcome = try self.az.run(arguments + ["-o", "json"])
        guard outcome.status == 0, let start = outcome.text.firstIndex(where: { $0 == "{" || $0 == "[" }) else {
            return nil
        }
        return try? JSONValue(parsing: Array(outcome.text[start...].utf8))
    }

    private func version(_ answer: JSONValue?) -> Finding {
        guard let version = answer?["azure-cli"]?.string else {
            return Finding("az", .failed("\(self.az.path) does not say its version."))
        }
        return Finding("az", .good("\(PrintableText.of(version)) at \(self.az.path)"))
    }

    static func cloud(_ answer: JSONValue?, base: String) -> Finding {
        let name = answer?["name"]?.string ?? ""
        guard ["azurecloud", "azureusgovernment", "azurechinacloud"].contains(name.lowercased()) else {
            return Finding(
                "cloud",
                .failed(
                    "the cloud in use is '\(PrintableText.of(name))', which az's SSH extension does not know. Run: az cloud set -n AzureCloud"
                )
            )
        }
        let endpoints = answer?["endpoints"]
        for key in ["resourceManager", "activeDirectory", "microsoftGraphResourceId"] {
            let address = endpoints?[key]?.string ?? ""
            guard address == base || address.hasPrefix(base + "/") else {
                return Finding("cloud", .failed("\(name)'s \(key) is '\(PrintableText.of(address))', not \(base)."))
            }
        }
        return Finding("cloud", .good("\(name) is \(base)"))
    }

    static func discovery(_ answer: JSONValue?) -> Finding {
        let value = answer?["value"]?.string?.lowercased() ?? ""
        guard ["false", "no", "off", "0"].contains(value) else {
            return Finding(
                "discovery",
                .failed(
                    "core.instance_discovery is on, and az would ask Microsoft about this server. Run: az config set core.instance_discovery=false"
                )
            )
        }
        return Finding("discovery", .good("core.instance_discovery is off"))
    }

    static func extensions(_ answer: JSONValue?, offered: [String]) -> [Finding] {
        let known = (answer?.array ?? []).reduce(into: [String: String]()) { known, one in
            known[one["name"]?.string ?? ""] = one["version"]?.string ?? ""
        }
        return ["ssh", "bastion"].map { name in
            if let version = known[name] { return Finding(name, .good("extension \(PrintableText.of(version))")) }
            // With an index of the server's own, az looks there and nowhere else.
            let line =
                if offered.contains(name) {
                    "az extension add --name \(name)   (from this server's index)"
                } else if offered.isEmpty {
                    "az extension add --name \(name)   (from Microsoft's index)"
                } else {
                    "az extension add --source FILE.whl   (this server's index does not have it)"
                }
            return Finding(name, .note("the extension is not installed. Run: \(line)"))
        }
    }

    private func trust() -> Finding {
        guard self.settings.authorityFile != nil || self.settings.folder != nil else {
            return Finding("trust", .good("the system's authorities"))
        }
        let missing = self.settings.variables.filter { Context.environment[$0.key] != $0.value }.keys.sorted()
        guard !missing.isEmpty else { return Finding("trust", .good(self.settings.bundleFile)) }
        let file = AzureSettings.quoted(self.settings.variablesFile)
        return Finding(
            "shell",
            .note("\(missing.joined(separator: ", ")) must be set. In each shell that uses az: source \(file)")
        )
    }

    static func port(of base: String) -> String? {
        let host = base.dropFirst("https://".count)
        guard let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") else { return nil }
        let port = String(host[host.index(after: colon)...])
        return port == "443" ? nil : port
    }
}
