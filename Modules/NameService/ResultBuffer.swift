// The caller's buffer, which everything in a result must lie in.

/// Hands out pieces of the caller's buffer from the front.
struct ResultBuffer {
    private(set) var next: UnsafeMutableRawPointer
    private(set) var left: Int

    init(_ start: UnsafeMutablePointer<CChar>, _ size: Int) {
        self.next = UnsafeMutableRawPointer(start)
        self.left = size
    }

    /// Copies a text in; nil when there is no room.
    mutating func copy(_ text: UnsafePointer<CChar>) -> UnsafeMutablePointer<CChar>? {
        let count = strlen(text) + 1
        guard let place = self.take(count) else { return nil }
        memcpy(place, text, count)
        return place.assumingMemoryBound(to: CChar.self)
    }

    /// Copies a fixed text in; nil when there is no room.
    mutating func copy(_ text: StaticString) -> UnsafeMutablePointer<CChar>? {
        guard let place = self.take(text.utf8CodeUnitCount + 1) else { return nil }
        text.withUTF8Buffer { bytes in
            if let base = bytes.baseAddress { memcpy(place, base, bytes.count) }
        }
        (place + text.utf8CodeUnitCount).storeBytes(of: 0, as: UInt8.self)
        return place.assumingMemoryBound(to: CChar.self)
    }

    /// Room for a list of that many pointers and its end; nil when there is none.
    mutating func list(_ count: Int) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
        let stride = MemoryLayout<UnsafeMutablePointer<CChar>?>.stride
        let skew = Int(UInt(bitPattern: self.next) % UInt(stride))
        if skew != 0, self.take(stride - skew) == nil { return nil }
        guard let place = self.take((count + 1) * stride) else { return nil }
        let list = place.assumingMemoryBound(to: UnsafeMutablePointer<CChar>?.self)
        list[count] = nil
        return list
    }

    private mutating func take(_ count: Int) -> UnsafeMutableRawPointer? {
        guard count <= self.left else { return nil }
        let place = self.next
        self.next += count
        self.left -= count
        return place
    }
}

/// "The buffer is too small": the caller comes back with a larger one.
func tooSmall(_ errnop: UnsafeMutablePointer<Int32>) -> nss_status {
    errnop.pointee = ERANGE
    return NSS_STATUS_TRYAGAIN
}

/// "Nobody can say now."
func away(_ errnop: UnsafeMutablePointer<Int32>) -> nss_status {
    errnop.pointee = EAGAIN
    return NSS_STATUS_UNAVAIL
}

/// "There is no such entry."
func missing(_ errnop: UnsafeMutablePointer<Int32>) -> nss_status {
    errnop.pointee = ENOENT
    return NSS_STATUS_NOTFOUND
}
