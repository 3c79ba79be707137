import Vocabulary

extension ResourceKind {
    /// Images of one's own: there are none, but clients look a name up here that is no short name of an image, and then say so. Source:
    /// Azure images REST.
    static let customImage: ResourceKind = {
        var kind = ResourceKind("Microsoft.Compute/images", properties: [:])
        kind.inspect = { _, _, _ throws(Problem) in
            throw Problem("OperationNotAllowed", shown: ResourceKind.imagesAreOperators)
        }
        return kind
    }()

    /// Why no machine becomes an image.
    static let imagesAreOperators = "Machines cannot be turned into images here: images are made by the operator."
}
