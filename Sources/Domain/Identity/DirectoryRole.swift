public import Vocabulary

/// The rights over the directory itself that somebody can have, apart from rights over resources.
///
/// The identifiers are the role template ids that tokens carry in `wids`. Source: Microsoft Entra built-in roles.
public enum DirectoryRole: String, Sendable, Hashable, CaseIterable {
    case globalAdministrator = "Global Administrator"
    case userAdministrator = "User Administrator"
    case groupsAdministrator = "Groups Administrator"
    case applicationAdministrator = "Application Administrator"
    case globalReader = "Global Reader"
    case directoryReaders = "Directory Readers"

    /// The role's template id.
    public var templateID: GUID {
        switch self {
        case .globalAdministrator: GUID(high: 0x62e9_0394_69f5_4237, low: 0x9190_0121_7714_5e10)
        case .userAdministrator: GUID(high: 0xfe93_0be7_5e62_47db, low: 0x91af_98c3_a49a_38b1)
        case .groupsAdministrator: GUID(high: 0xfdd7_a751_b60b_444a, low: 0x984c_0265_2fe8_fa1c)
        case .applicationAdministrator: GUID(high: 0x9b89_5d92_2cd3_44c7, low: 0x9d02_a6ac_2d5e_a5c3)
        case .globalReader: GUID(high: 0xf2ef_992c_3afb_46b9, low: 0xb7cf_a126_ee74_c451)
        case .directoryReaders: GUID(high: 0x88d8_e3e3_8f55_4a1e, low: 0x953a_9b98_98b8_876b)
        }
    }

    /// Finds a role by its name in any letter case, or by its template id.
    public init?(named name: String) {
        let match = Self.allCases.first { role in
            role.rawValue.lowercased() == name.lowercased() || role.templateID.description == name.lowercased()
        }
        guard let match else { return nil }
        self = match
    }
}
