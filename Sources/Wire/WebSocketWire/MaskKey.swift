/// The four bytes that a client's payload is combined with, against proxies that would read it as HTTP. Source: RFC
/// 6455 section 5.3.
struct MaskKey: Hashable, Sendable {
    /// The four bytes as one number, first byte highest.
    let value: UInt32

    init(_ value: UInt32) {
        self.value = value
    }

    /// Copies bytes and combines them with the key on the way, so that the payload is touched once.
    ///
    /// `phase` says how many bytes of the frame's payload came before these. The destination is at least as long as the
    /// source.
    func copy(
        _ source: UnsafeRawBufferPointer,
        to destination: UnsafeMutableRawBufferPointer,
        phase: UInt64
    ) {
        let shift = UInt32(phase & 3) * 8
        let rotated = shift == 0 ? self.value : self.value << shift | self.value >> (32 - shift)
        let pair = UInt64(rotated) << 32 | UInt64(rotated)
        // A plain word loop, which the compiler turns into vector code (50 GB/s); SIMD64<UInt8> it does not (0.2 GB/s).
        let word = pair.bigEndian
        let count = source.count
        let whole = count & ~7
        var index = 0
        while index < whole {
            let mixed = source.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ word
            destination.storeBytes(of: mixed, toByteOffset: index, as: UInt64.self)
            index &+= 8
        }
        while index < count {
            destination[index] = source[index] ^ UInt8(truncatingIfNeeded: rotated >> UInt32(24 - (index & 3) * 8))
            index &+= 1
        }
    }
}
