/// The model that the provider offers in the demonstration.
enum DemonstrationModel {
    static let name = "brain-delineation"
    static let version = "1"
    /// Its key at the provider's key service.
    static let keyName = "brain-delineation"
    /// Its encrypted file in the provider's state folder.
    static let sealedName = "brain-delineation.sealed"
}
