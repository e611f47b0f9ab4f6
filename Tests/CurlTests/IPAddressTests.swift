import Curl
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        "127.0.0.1", "127.9.9.9", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "::1", "::ffff:127.0.0.1",
        "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "127.0.0.1.",
    ])
    func `this machine is found under each of its names`(_ host: String) throws {
        #expect(try #require(IPAddress(host: host)).place == .loopback)
    }

    @Test(arguments: [
        ("10.0.0.1", IPAddress.Place.privateNetwork), ("172.16.0.1", .privateNetwork), ("172.31.255.255", .privateNetwork),
        ("192.168.1.1", .privateNetwork), ("100.64.0.1", .privateNetwork), ("167772161", .privateNetwork),
        ("0xc0a80101", .privateNetwork), ("::ffff:10.0.0.1", .privateNetwork), ("fd00:ec2::254", .privateNetwork),
        ("fec0::1", .privateNetwork), ("169.254.169.254", .linkLocal), ("2852039166", .linkLocal),
        ("::ffff:169.254.169.254", .linkLocal), ("64:ff9b::a9fe:a9fe", .linkLocal), ("fe80::1%eth0", .linkLocal),
        ("2002:a9fe:a9fe::1", .linkLocal), ("168.63.129.16", .linkLocal), ("0.0.0.0", .reserved), ("0", .reserved),
        ("::", .reserved), ("192.0.0.192", .reserved), ("224.0.0.1", .reserved), ("255.255.255.255", .reserved),
        ("ff02::1", .reserved), ("2001:db8::1", .reserved), ("2001::1", .reserved), ("198.18.0.1", .reserved),
    ])
    func `what is not the public network is told apart`(_ host: String, _ place: IPAddress.Place) throws {
        let address = try #require(IPAddress(host: host))
        #expect(address.place == place, "\(address)")
        #expect(!AddressScope.public.allows(address) && !AddressScope.publicOrLoopback.allows(address))
        #expect(AddressScope.all.allows(address))
    }

    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "169.253.0.1", "192.169.0.1",
        "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
    ])
    func `the public network may be called`(_ host: String) throws {
        #expect(AddressScope.public.allows(try #require(IPAddress(host: host))))
    }

    @Test(arguments: ["example.com", "localhost", "", "a.b", "1.2.3.4.5", "face.example", "[", "[]"])
    func `a name is no address`(_ host: String) { #expect(IPAddress(host: host) == nil) }

    @Test func `addresses are shown as people know them`() {
        #expect(IPAddress(host: "0x7f.1").map { "\($0)" } == "127.0.0.1")
        #expect(IPAddress(host: "[0:0::1]").map { "\($0)" } == "::1")
    }
}
