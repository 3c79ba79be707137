// The list of groups that the C library fills while somebody logs in. Source: glibc, nss/initgroups.c.

/// The caller's list: it lies on the caller's heap and may have to grow.
struct GroupList {
    /// The person's own group, which is not listed.
    let primary: UInt32
    /// How many are in the list.
    let count: UnsafeMutablePointer<Int>
    /// How many there is room for.
    let room: UnsafeMutablePointer<Int>
    let groups: UnsafeMutablePointer<UnsafeMutablePointer<UInt32>>
    /// The most that the caller wants; none or less means any number.
    let limit: Int

    /// Adds the groups that the snapshot knows of; false without memory.
    func addAll(of record: SnapshotRecord) -> Bool {
        if record.mayEnter, !self.add(usersNumber) { return false }
        return !record.isAdministrator || self.add(administratorsNumber)
    }

    /// Adds a group, unless it is there or none of ours; false without memory.
    func add(_ number: UInt32) -> Bool {
        guard isGroups(number), number != self.primary else { return true }
        for index in 0..<self.count.pointee where self.groups.pointee[index] == number { return true }
        if self.count.pointee == self.room.pointee {
            guard self.limit <= 0 || self.room.pointee < self.limit else { return true }
            var larger = self.room.pointee * 2 + 4
            if self.limit > 0, larger > self.limit { larger = self.limit }
            guard let grown = realloc(self.groups.pointee, larger * MemoryLayout<UInt32>.stride) else { return false }
            self.groups.pointee = grown.assumingMemoryBound(to: UInt32.self)
            self.room.pointee = larger
        }
        self.groups.pointee[self.count.pointee] = number
        self.count.pointee += 1
        return true
    }
}
