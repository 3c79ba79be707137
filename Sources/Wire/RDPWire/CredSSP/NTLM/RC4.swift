/// The stream cipher of NTLM's sealing, which runs inside TLS here. One value for one direction. Source: RFC 6229 (its vectors), MS-NLMP section 3.4.3.
struct RC4: Sendable {
    private var box: [UInt8]
    private var i: UInt8 = 0
    private var j: UInt8 = 0

    /// Schedules a key of 1 to 256 bytes.
    init(key: [UInt8]) {
        precondition((1...256).contains(key.count))
        self.box = Array(0...255)
        var j: UInt8 = 0
        for i in 0..<256 {
            j = j &+ self.box[i] &+ key[i % key.count]
            self.box.swapAt(i, Int(j))
        }
    }

    /// The bytes, encrypted or decrypted with the next part of the key stream.
    mutating func apply(_ bytes: some Collection<UInt8>) -> [UInt8] {
        bytes.map { byte in
            self.i &+= 1
            self.j &+= self.box[Int(self.i)]
            self.box.swapAt(Int(self.i), Int(self.j))
            return byte ^ self.box[Int(self.box[Int(self.i)] &+ self.box[Int(self.j)])]
        }
    }
}
