import Encoding

// What cases change, by its place.
extension DCAPRecipe {
    subscript(place: Place) -> CertificateRecipe {
        get {
            switch place {
            case .root: root
            case .authority: authority
            case .pck: pck
            case .signer: signer
            }
        }
        set {
            switch place {
            case .root: root = newValue
            case .authority: authority = newValue
            case .pck: pck = newValue
            case .signer: signer = newValue
            }
        }
    }
}

extension DCAPRecipe.Place {
    /// In names of cases, and in words.
    var name: String {
        switch self {
        case .root: "root"
        case .authority: "ca"
        case .pck: "pck"
        case .signer: "tcb-signer"
        }
    }

    var words: String {
        switch self {
        case .root: "the root"
        case .authority: "the PCK certificate's CA"
        case .pck: "the PCK certificate"
        case .signer: "the signer of the collateral"
        }
    }
}

extension DCAPRecipe {
    enum List: Sendable {
        case root, pck
    }

    enum Document: Sendable {
        case tcbInfo, qeIdentity
    }

    subscript(list: List) -> RevocationListRecipe {
        get { list == .root ? rootList : pckList }
        set { if list == .root { rootList = newValue } else { pckList = newValue } }
    }

    subscript(document: Document) -> SignedDocument {
        get { document == .tcbInfo ? tcbInfo : qeIdentity }
        set { if document == .tcbInfo { tcbInfo = newValue } else { qeIdentity = newValue } }
    }
}

extension [String: JSON] {
    /// Sets one component of a TCB, of SGX or of TDX.
    mutating func setComponent(_ index: Int, of member: String = "sgxtcbcomponents", to value: Int64) {
        guard var components = self[member]?.array, components.indices.contains(index) else { return }
        components[index] = ["svn": .integer(value)]
        self[member] = .array(components)
    }
}
