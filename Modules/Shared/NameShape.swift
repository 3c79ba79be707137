// Which names and numbers can be ours at all. Everything else is answered without asking anybody.

/// Whether a name could be one of ours: it has an `@` inside, or the shape of a GUID.
func isOurs(_ name: UnsafePointer<CChar>) -> Bool {
    let count = strlen(name)
    guard count <= 256 else { return false }
    var hyphens = 0
    var digits = 0
    for index in 0..<count {
        let unit = UInt8(bitPattern: name[index])
        if unit == 0x40 { return index > 0 && index < count - 1 }
        if unit == 0x2d {
            guard index == 8 || index == 13 || index == 18 || index == 23 else { continue }
            hyphens += 1
        } else if (unit >= 0x30 && unit <= 0x39) || (unit | 0x20 >= 0x61 && unit | 0x20 <= 0x66) {
            digits += 1
        }
    }
    return count == 36 && hyphens == 4 && digits == 32
}

/// Whether a number lies in the range of people's numbers.
func isPersons(_ number: UInt32) -> Bool {
    number >= 1_879_048_192 && number <= 2_147_479_999
}

/// The number of the group of everybody who may log in.
var usersNumber: UInt32 { 2_147_480_001 }
/// The number of the group of administrators.
var administratorsNumber: UInt32 { 2_147_480_002 }

/// Whether a number may be the number of one of our groups.
func isGroups(_ number: UInt32) -> Bool {
    isPersons(number) || number == usersNumber || number == administratorsNumber
}

/// Whether a C string holds exactly this text.
func equal(_ left: UnsafePointer<CChar>, _ right: StaticString) -> Bool {
    right.withUTF8Buffer { bytes in
        guard strlen(left) == bytes.count, let base = bytes.baseAddress else { return false }
        return memcmp(left, base, bytes.count) == 0
    }
}

/// Whether two C strings are equal when the ASCII letters of the first are taken in lower case.
func equalNormalised(_ typed: UnsafePointer<CChar>, _ stored: UnsafePointer<CChar>) -> Bool {
    var index = 0
    while true {
        var unit = UInt8(bitPattern: typed[index])
        if unit >= 0x41 && unit <= 0x5a { unit += 32 }
        guard unit == UInt8(bitPattern: stored[index]) else { return false }
        if unit == 0 { return true }
        index += 1
    }
}
