// The group data base: a person's own group, and the two groups of users and administrators.

@_cdecl("_nss_sallyport_getgrnam_r")
public func groupByName(
    _ name: UnsafePointer<CChar>,
    _ result: UnsafeMutablePointer<group>,
    _ buffer: UnsafeMutablePointer<CChar>,
    _ size: Int,
    _ errnop: UnsafeMutablePointer<Int32>
) -> nss_status {
    if equal(name, "sallyport-users") { return groupByNumber(usersNumber, result, buffer, size, errnop) }
    if equal(name, "sallyport-admins") { return groupByNumber(administratorsNumber, result, buffer, size, errnop) }
    guard isOurs(name) else { return missing(errnop) }
    let known: nss_status? = withSnapshot(largest: smallSnapshot, { $0.isNamed(name) }, missing: nil, away: nil) {
        fill(result, from: $0, buffer, size, errnop)
    }
    if let known { return known }
    let answered = answer {
        $0.ask(Question.group, about: name)
    } receive: {
        receiveGroup($0, result, buffer, size, errnop)
    } kept: {
        withSnapshot({ $0.isNamed(name) }, missing: nil, away: nil) { fill(result, from: $0, buffer, size, errnop) }
    }
    if let answered { return answered }
    return withSnapshot({ $0.isNamed(name) }, missing: missing(errnop), away: away(errnop)) {
        fill(result, from: $0, buffer, size, errnop)
    }
}

@_cdecl("_nss_sallyport_getgrgid_r")
public func groupByNumber(
    _ number: UInt32,
    _ result: UnsafeMutablePointer<group>,
    _ buffer: UnsafeMutablePointer<CChar>,
    _ size: Int,
    _ errnop: UnsafeMutablePointer<Int32>
) -> nss_status {
    guard isGroups(number) else { return missing(errnop) }
    if isPersons(number) {
        let known: nss_status? = withSnapshot(largest: smallSnapshot, { $0.uid == number }, missing: nil, away: nil) {
            fill(result, from: $0, buffer, size, errnop)
        }
        if let known { return known }
    } else if let known = fillMembers(result, number, buffer, size, errnop) {
        return known
    }
    let answered = answer {
        $0.ask(Question.groupByNumber, about: number)
    } receive: {
        receiveGroup($0, result, buffer, size, errnop)
    } kept: {
        guard isPersons(number) else { return nil }
        return withSnapshot({ $0.uid == number }, missing: nil, away: nil) {
            fill(result, from: $0, buffer, size, errnop)
        }
    }
    if let answered { return answered }
    guard isPersons(number) else { return fillEmpty(result, number, buffer, size, errnop) }
    return withSnapshot({ $0.uid == number }, missing: missing(errnop), away: away(errnop)) {
        fill(result, from: $0, buffer, size, errnop)
    }
}

@_cdecl("_nss_sallyport_initgroups_dyn")
public func memberships(
    _ name: UnsafePointer<CChar>,
    _ primary: UInt32,
    _ start: UnsafeMutablePointer<Int>,
    _ size: UnsafeMutablePointer<Int>,
    _ groups: UnsafeMutablePointer<UnsafeMutablePointer<UInt32>>,
    _ limit: Int,
    _ errnop: UnsafeMutablePointer<Int32>
) -> nss_status {
    guard isOurs(name) else { return missing(errnop) }
    let list = GroupList(primary: primary, count: start, room: size, groups: groups, limit: limit)
    let known: nss_status? = withSnapshot(largest: smallSnapshot, { $0.isNamed(name) }, missing: nil, away: nil) {
        list.addAll(of: $0) ? NSS_STATUS_SUCCESS : NSS_STATUS_TRYAGAIN
    }
    let answered =
        known
        ?? answer {
            $0.ask(Question.memberships, about: name)
        } receive: {
            receiveMemberships($0, list)
        } kept: {
            withSnapshot({ $0.isNamed(name) }, missing: nil, away: nil) {
                list.addAll(of: $0) ? NSS_STATUS_SUCCESS : NSS_STATUS_TRYAGAIN
            }
        }
    switch answered {
    case NSS_STATUS_TRYAGAIN?:
        errnop.pointee = ENOMEM
        return NSS_STATUS_TRYAGAIN
    case NSS_STATUS_NOTFOUND?: return missing(errnop)
    case let answered?: return answered
    case nil: break
    }
    return withSnapshot({ $0.isNamed(name) }, missing: missing(errnop), away: away(errnop)) {
        list.addAll(of: $0) ? NSS_STATUS_SUCCESS : NSS_STATUS_TRYAGAIN
    }
}

/// The agent's answer, or nil when it cannot be had and the snapshot is to be asked.
private func receiveMemberships(_ connection: AgentConnection, _ list: GroupList) -> nss_status? {
    // At most the two groups and the person's own: count and numbers fit into this with room to spare.
    var room: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    return withUnsafeMutableBytes(of: &room) { bytes in
        guard let base = bytes.baseAddress,
            case .received(let kind, let count) = connection.receive(into: base, bytes.count)
        else { return nil }
        if kind == Answer.notFound { return NSS_STATUS_NOTFOUND }
        guard kind == Answer.memberships else { return nil }
        var fields = Fields(base, count)
        guard var left = fields.short() else { return nil }
        while left > 0, let number = fields.word() {
            guard list.add(number) else { return NSS_STATUS_TRYAGAIN }
            left -= 1
        }
        return NSS_STATUS_SUCCESS
    }
}

/// The agent's answer, or nil when it cannot be had and the snapshot is to be asked.
private func receiveGroup(
    _ connection: AgentConnection,
    _ result: UnsafeMutablePointer<group>,
    _ buffer: UnsafeMutablePointer<CChar>,
    _ size: Int,
    _ errnop: UnsafeMutablePointer<Int32>
) -> nss_status? {
    switch connection.receive(into: UnsafeMutableRawPointer(buffer), size) {
    case .tooSmall: return tooSmall(errnop)
    case .failed: return nil
    case .received(let kind, let count):
        if kind == Answer.notFound { return missing(errnop) }
        guard kind == Answer.group else { return nil }
        var fields = Fields(UnsafeMutableRawPointer(buffer), count)
        guard let gid = fields.word(), let name = fields.text(), let members = fields.short() else { return nil }
        guard isGroups(gid) else { return missing(errnop) }
        var rest = ResultBuffer(buffer + count, size - count)
        guard let password = rest.copy("*"), let list = rest.list(members) else { return tooSmall(errnop) }
        for index in 0..<members {
            guard let member = fields.text() else { return nil }
            list[index] = member
        }
        result.pointee.gr_name = name
        result.pointee.gr_passwd = password
        result.pointee.gr_gid = gid
        result.pointee.gr_mem = list
        return NSS_STATUS_SUCCESS
    }
}

/// One of the two groups with its members, or nil without a small snapshot.
private func fillMembers(
    _ result: UnsafeMutablePointer<group>,
    _ number: UInt32,
    _ buffer: UnsafeMutablePointer<CChar>,
    _ size: Int,
    _ errnop: UnsafeMutablePointer<Int32>
) -> nss_status? {
    let isForAll = number == usersNumber
    var count = 0
    guard forEachRecord(largest: smallSnapshot, { if isForAll ? $0.mayEnter : $0.isAdministrator { count += 1 } })
    else { return nil }
    var room = ResultBuffer(buffer, size)
    let name = room.copy(groupName(number))
    guard let name, let password = room.copy("*"), let list = room.list(count) else { return tooSmall(errnop) }
    var next = 0
    var fits = true
    // The file may have been replaced in between by one with more people.
    let isThere = forEachRecord(largest: smallSnapshot) { record in
        guard isForAll ? record.mayEnter : record.isAdministrator, next < count, fits else { return }
        list[next] = room.copy(record.name)
        fits = list[next] != nil
        next += 1
    }
    guard isThere else { return nil }
    guard fits else { return tooSmall(errnop) }
    list[next] = nil
    result.pointee.gr_name = name
    result.pointee.gr_passwd = password
    result.pointee.gr_gid = number
    result.pointee.gr_mem = list
    return NSS_STATUS_SUCCESS
}

private func groupName(_ number: UInt32) -> StaticString {
    number == usersNumber ? "sallyport-users" : "sallyport-admins"
}

/// One of the two groups without its members, so that its number keeps its name while the agent is away.
private func fillEmpty(
    _ result: UnsafeMutablePointer<group>,
    _ number: UInt32,
    _ buffer: UnsafeMutablePointer<CChar>,
    _ size: Int,
    _ errnop: UnsafeMutablePointer<Int32>
) -> nss_status {
    var room = ResultBuffer(buffer, size)
    let name = room.copy(groupName(number))
    guard let name, let password = room.copy("*"), let list = room.list(0) else { return tooSmall(errnop) }
    result.pointee.gr_name = name
    result.pointee.gr_passwd = password
    result.pointee.gr_gid = number
    result.pointee.gr_mem = list
    return NSS_STATUS_SUCCESS
}

private func fill(
    _ result: UnsafeMutablePointer<group>,
    from record: SnapshotRecord,
    _ buffer: UnsafeMutablePointer<CChar>,
    _ size: Int,
    _ errnop: UnsafeMutablePointer<Int32>
) -> nss_status {
    var room = ResultBuffer(buffer, size)
    guard let name = room.copy(record.name), let password = room.copy("*"), let list = room.list(0) else {
        return tooSmall(errnop)
    }
    result.pointee.gr_name = name
    result.pointee.gr_passwd = password
    result.pointee.gr_gid = record.uid
    result.pointee.gr_mem = list
    return NSS_STATUS_SUCCESS
}
