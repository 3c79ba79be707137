import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a host can say about itself.
struct HostFacts: Hashable, Sendable {
    var osName: String
    var osVersion: String
    var hostname: String
    var addresses: [String]
    var hostKeys: [String]

    /// Looks. `sshd` knows where its host keys are; without it the usual place is searched.
    static func gather(_ layout: HostLayout, sshd: SSHDControl?) -> HostFacts {
        let release = Self.release(HostFile.text(layout.osReleaseFile) ?? "")
        return HostFacts(
            osName: release["NAME"] ?? "Linux",
            osVersion: release["VERSION_ID"] ?? "",
            hostname: Self.hostname(),
            addresses: Self.interfaces().flatMap(\.addresses).sorted(),
            hostKeys: Self.hostKeys(layout, sshd)
        )
    }

    /// The variables of an os-release file. Source: os-release(5).
    static func release(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        for line in text.split(separator: "\n" as Character) {
            guard let equals = line.firstIndex(of: "=" as Character) else { continue }
            var value = line[line.index(after: equals)...]
            if let quote = value.first, quote == "\"" || quote == "'", value.count >= 2, value.last == quote {
                value = value.dropFirst().dropLast()
            }
            values[String(line[..<equals])] = String(value)
        }
        return values
    }

    /// A network interface besides loopback.
    struct Interface: Hashable, Sendable {
        var name: String
        /// Addresses that others can reach.
        var addresses: [String]
        /// IPv4 addresses with their prefix lengths.
        var networks: [(address: String, prefix: Int)]

        static func == (left: Interface, right: Interface) -> Bool {
            left.name == right.name && left.addresses == right.addresses
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(self.name)
        }
    }

    /// The interfaces besides loopback, in the system's order.
    static func interfaces() -> [Interface] {
        var interfaces: [Interface] = []
        for device in (try? System.enumerateDevices()) ?? [] {
            guard device.name != "lo", let address = device.address?.ipAddress else { continue }
            let lower = address.lowercased()
            guard !lower.hasPrefix("127."), !lower.hasPrefix("169.254."), !lower.hasPrefix("fe80"), lower != "::1"
            else {
                continue
            }
            let index = interfaces.firstIndex { $0.name == device.name } ?? interfaces.count
            if index == interfaces.count {
                interfaces.append(Interface(name: device.name, addresses: [], networks: []))
            }
            interfaces[index].addresses.append(address)
            if let mask = device.netmask?.ipAddress, !address.contains(":" as Character) {
                let ones = mask.split(separator: "." as Character).compactMap { UInt8($0) }.map(\.nonzeroBitCount)
                interfaces[index].networks.append((address, ones.reduce(0, +)))
            }
        }
        return interfaces
    }

    static func hostname() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func hostKeys(_ layout: HostLayout, _ sshd: SSHDControl?) -> [String] {
        let directory = layout.path("/etc/ssh")
        let named = (try? sshd?.settings(for: "root"))?["hostkey"]?.split(separator: " " as Character).map(String.init)
        let files =
            named
            ?? HostFile.names(in: directory).filter { $0.hasPrefix("ssh_host_") && $0.hasSuffix("_key") }
            .map { "\(directory)/\($0)" }
        return files.compactMap { HostFile.text("\($0).pub") }.compactMap { line in
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\n" })
            return words.count >= 2 ? "\(words[0]) \(words[1])" : nil
        }
    }
}
