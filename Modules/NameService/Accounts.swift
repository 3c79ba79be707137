// The passwd data base: people by name and by number.

@_cdecl("_nss_sallyport_getpwnam_r")
public func accountByName(
    _ name: UnsafePointer<CChar>,
    _ result: UnsafeMutablePointer<passwd>,
    _ buffer: UnsafeMutablePointer<CChar>,
    _ size: Int,
    _ errnop: UnsafeMutablePointer<Int32>
) -> nss_status {
    guard isOurs(name) else { return missing(errnop) }
    let known: nss_status? = withSnapshot(largest: smallSnapshot, { $0.isNamed(name) }, missing: nil, away: nil) {
        fill(result, from: $0, buffer, size, errnop)
    }
    if let known { return known }
    let answered = answer {
        $0.ask(Question.account, about: name)
    } receive: {
        receiveAccount($0, result, buffer, size, errnop)
    } kept: {
        withSnapshot({ $0.isNamed(name) }, missing: nil, away: nil) { fill(result, from: $0, buffer, size, errnop) }
    }
    if let answered { return answered }
    return withSnapshot({ $0.isNamed(name) }, missing: missing(errnop), away: away(errnop)) {
        fill(result, from: $0, buffer, size, errnop)
    }
}

@_cdecl("_nss_sallyport_getpwuid_r")
public func accountByNumber(
    _ number: UInt32,
    _ result: UnsafeMutablePointer<passwd>,
    _ buffer: UnsafeMutablePointer<CChar>,
    _ size: Int,
    _ errnop: UnsafeMutablePointer<Int32>
) -> nss_status {
    guard isPersons(number) else { return missing(errnop) }
    let known: nss_status? = withSnapshot(largest: smallSnapshot, { $0.uid == number }, missing: nil, away: nil) {
        fill(result, from: $0, buffer, size, errnop)
    }
    if let known { return known }
    let answered = answer {
        $0.ask(Question.accountByNumber, about: number)
    } receive: {
        receiveAccount($0, result, buffer, size, errnop)
    } kept: {
        withSnapshot({ $0.uid == number }, missing: nil, away: nil) { fill(result, from: $0, buffer, size, errnop) }
    }
    if let answered { return answered }
    return withSnapshot({ $0.uid == number }, missing: missing(errnop), away: away(errnop)) {
        fill(result, from: $0, buffer, size, errnop)
    }
}

/// The agent's answer, or nil when it cannot be had and the snapshot is to be asked.
private func receiveAccount(
    _ connection: AgentConnection,
    _ result: UnsafeMutablePointer<passwd>,
    _ buffer: UnsafeMutablePointer<CChar>,
    _ size: Int,
    _ errnop: UnsafeMutablePointer<Int32>
) -> nss_status? {
    switch connection.receive(into: UnsafeMutableRawPointer(buffer), size) {
    case .tooSmall: return tooSmall(errnop)
    case .failed: return nil
    case .received(let kind, let count):
        if kind == Answer.notFound { return missing(errnop) }
        guard kind == Answer.account else { return nil }
        var fields = Fields(UnsafeMutableRawPointer(buffer), count)
        guard let uid = fields.word(), let gid = fields.word(), let name = fields.text(),
            let comment = fields.text(), let home = fields.text(), let shell = fields.text()
        else { return nil }
        // Whatever the agent says, nobody becomes root or a service through this module.
        guard isPersons(uid), isPersons(gid) else { return missing(errnop) }
        result.pointee.pw_name = name
        result.pointee.pw_passwd = emptyPassword(after: buffer, size, used: count)
        result.pointee.pw_uid = uid
        result.pointee.pw_gid = gid
        result.pointee.pw_gecos = comment
        result.pointee.pw_dir = home
        result.pointee.pw_shell = shell
        return result.pointee.pw_passwd == nil ? tooSmall(errnop) : NSS_STATUS_SUCCESS
    }
}

/// `*` in the password field: no password fits, and nobody looks for a shadow entry.
private func emptyPassword(
    after buffer: UnsafeMutablePointer<CChar>,
    _ size: Int,
    used: Int
) -> UnsafeMutablePointer<CChar>? {
    var rest = ResultBuffer(buffer + used, size - used)
    return rest.copy("*")
}

private func fill(
    _ result: UnsafeMutablePointer<passwd>,
    from record: SnapshotRecord,
    _ buffer: UnsafeMutablePointer<CChar>,
    _ size: Int,
    _ errnop: UnsafeMutablePointer<Int32>
) -> nss_status {
    var room = ResultBuffer(buffer, size)
    guard let name = room.copy(record.name), let password = room.copy("*"), let comment = room.copy(record.comment),
        let home = room.copy(record.home), let shell = room.copy(record.shell)
    else { return tooSmall(errnop) }
    result.pointee.pw_name = name
    result.pointee.pw_passwd = password
    result.pointee.pw_uid = record.uid
    result.pointee.pw_gid = record.uid
    result.pointee.pw_gecos = comment
    result.pointee.pw_dir = home
    result.pointee.pw_shell = shell
    return NSS_STATUS_SUCCESS
}
