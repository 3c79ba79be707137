import Fabric
import Testing
import Vocabulary

@testable import NamespaceFabric

@Suite("Packet filters") struct FilterTextTests {
    let network = ResourcePath.root.appending("subscriptions", "a", "virtualNetworks", "red")

    private func place(_ number: Int, _ address: String, public open: String? = nil, _ rules: [TrafficRule] = [])
        -> MachinePort
    {
        MachinePort(
            machine: "00000000ab",
            number: number,
            interface: .init(
                network: self.network,
                subnet: "default",
                address: address,
                publicAddress: open,
                inbound: rules
            ),
            bridge: "br0"
        )
    }

    private func text(_ places: [MachinePort]) -> String {
        FilterText.network(places, link: LinkAddresses(index: 0), serverPort: 8443)
    }

    @Test("drops what no rule lets in") func dropsByDefault() {
        let text = self.text([self.place(0, "10.0.0.4")])
        #expect(text.contains("ip daddr 10.0.0.4 goto to-m00000000ab-0"))
        #expect(text.contains("chain to-m00000000ab-0 {\n    drop\n  }"))
        #expect(text.contains("hook forward priority filter; policy drop;"))
    }

    @Test("leads the gateway's server port to the box and nothing else") func leadsToServer() {
        let text = self.text([])
        #expect(text.contains("fib daddr type local tcp dport 8443 dnat ip to 169.254.128.1:8443"))
        #expect(text.contains("oifname \"up0\" ip daddr 169.254.128.1 tcp dport 8443 ct status dnat accept"))
        #expect(text.split(separator: "\n").count { $0.contains("oifname \"up0\"") } == 2)
    }

    @Test("pins a port to the addresses of its machine") func pinsPorts() {
        let text = self.text([self.place(0, "10.0.0.4")])
        #expect(text.contains("iifname \"m00000000ab-0\" ether saddr != 02:5a:0a:00:00:04 drop"))
        #expect(text.contains("iifname \"m00000000ab-0\" ip saddr != 10.0.0.4 drop"))
        #expect(text.contains("iifname \"m00000000ab-0\" arp saddr ip != 10.0.0.4 drop"))
    }

    @Test("keeps the order of rules") func keepsOrder() throws {
        let deny = TrafficRule(isAllowed: false, transport: .tcp, sources: ["10.0.0.5"], ports: [22...22])
        let allow = TrafficRule(isAllowed: true, transport: .any)
        let text = self.text([self.place(0, "10.0.0.4", [deny, allow])])
        #expect(
            text.contains(
                "to-m00000000ab-0 {\n    ip saddr 10.0.0.5/32 tcp dport { 22 } drop\n    accept\n    drop\n  }"
            )
        )
    }

    @Test(
        "says a rule in lines",
        arguments: [
            (TrafficRule(isAllowed: true, transport: .icmp), ["meta l4proto icmp accept"]),
            (TrafficRule(isAllowed: true, transport: .udp), ["meta l4proto udp accept"]),
            (TrafficRule(isAllowed: false, transport: .any), ["drop"]),
            (
                TrafficRule(isAllowed: true, transport: .any, ports: [80...81, 81...90, 443...443]),
                ["tcp dport { 80-90, 443 } accept", "udp dport { 80-90, 443 } accept"]
            ),
            (
                TrafficRule(isAllowed: true, transport: .tcp, sources: ["10.0.0.0/8", "10.1.0.0/16"]),
                ["ip saddr 10.0.0.0/8 meta l4proto tcp accept", "ip saddr 10.1.0.0/16 meta l4proto tcp accept"]
            ),
            (TrafficRule(isAllowed: true, transport: .any, sources: ["10.0.0.9/24"]), ["ip saddr 10.0.0.0/24 accept"]),
            (TrafficRule(isAllowed: true, transport: .any, sources: ["0.0.0.0/0"], ports: [0...65_535]), ["accept"]),
        ] as [(TrafficRule, [String])]
    )
    func lines(rule: TrafficRule, expected: [String]) {
        #expect(FilterText.rule(rule) == expected)
    }

    @Test(
        "lets nobody in by a rule whose sources mean nothing here",
        arguments: ["2001:db8::/32", "x; accept", "10.0.0.0/0"]
    )
    func ignoresForeignSources(source: String) {
        #expect(FilterText.rule(TrafficRule(isAllowed: true, transport: .any, sources: [source])) == [])
    }

    @Test("leads a public address to its machine") func leadsPublicAddress() {
        let text = self.text([self.place(0, "10.0.0.4", public: "198.51.100.7")])
        #expect(text.contains("iifname \"up0\" ip daddr 198.51.100.7 dnat ip to 10.0.0.4"))
    }

    @Test("ignores a public address that is none") func ignoresBadPublicAddress() {
        #expect(!self.text([self.place(0, "10.0.0.4", public: "1.2.3.4; accept")]).contains("1.2.3.4"))
    }

    @Test("lets networks reach the server's port on the box only") func guardsBox() throws {
        let record = NetworkRecord(id: "0123456789", path: self.network, subnets: [], link: LinkAddresses(index: 0))
        let text = FilterText.box(table: "spf-1", networks: [record], serverPort: 8443)
        #expect(text.contains("elements = { \"spf-0123456789\" }"))
        #expect(text.contains("iifname @links fib daddr type local tcp dport 8443 accept\n    iifname @links drop"))
    }

    @Test("leaves no filter on a box without networks") func leavesNothing() {
        #expect(
            FilterText.box(table: "spf-1", networks: [], serverPort: 1) == "table inet spf-1\ndelete table inet spf-1\n"
        )
    }
}
