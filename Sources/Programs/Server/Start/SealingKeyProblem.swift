import Keys
import Vocabulary

extension Problem {
    /// What an operator should know and do when the keys cannot be used.
    init(_ error: KeysError, sealingKey path: String) {
        let sentence =
            switch error.kind {
            case .missing:
                "\(path) is missing, and the store cannot be opened without it: put the copy back that was kept apart from "
                    + "the store's backup."
            case .unreadable:
                "\(path) cannot be read or written: look at the file, its directory and the free space of the disk."
            case .exposed:
                "Others may read \(path), or it is somebody else's: make it belong to the server's user with mode 0600. If "
                    + "others could read it for a while, change the keys with 'sallyport keys'."
            case .malformed:
                "\(path) does not hold a key: put the copy back that was kept apart from the store's backup."
            case .cannotOpen:
                "\(path) is not the key of this store, or the store was changed: put the file and the store back that "
                    + "belong together."
            case .notLoaded, .cryptography:
                "The server's keys cannot be used."
            }
        self.init("SealingKey", shown: sentence, logged: error.logged)
    }

    /// Runs something with the sealing key's file, and says failures in an operator's words.
    static func explaining<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as KeysError {
            throw Problem(error, sealingKey: path)
        }
    }
}
