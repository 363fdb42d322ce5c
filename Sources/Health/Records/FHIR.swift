import Encoding

/// Small builders for FHIR R4 (4.0.1) resources; only what the diagnosis flow writes.
enum FHIR {
    /// A resource with an id and the members that are given; nil members are left out.
    static func resource(_ type: String, id: RecordID, _ members: [String: JSON?]) -> JSON {
        var object = members.compactMapValues { $0 }
        object["resourceType"] = .string(type)
        object["id"] = .string(id.description)
        return .object(object)
    }

    static func reference(_ type: String, _ id: RecordID) -> JSON {
        ["reference": .string("\(type)/\(id)")]
    }

    /// The id that `reference` names, if it names one of that type.
    static func id(in reference: JSON?, of type: String) -> RecordID? {
        guard let text = reference?["reference"]?.string, text.hasPrefix(type + "/") else { return nil }
        return RecordID(text.dropFirst(type.count + 1))
    }

    /// A CodeableConcept that is only text.
    static func text(_ text: String) -> JSON { ["text": .string(text)] }

    /// A CodeableConcept with one coding.
    static func concept(_ system: String, _ code: String, _ display: String) -> JSON {
        [
            "coding": [["system": .string(system), "code": .string(code), "display": .string(display)]],
            "text": .string(display),
        ]
    }

    static func coding(_ system: String, _ code: String) -> JSON {
        ["system": .string(system), "code": .string(code)]
    }

    /// A collection bundle.
    static func collection(_ resources: [JSON]) -> JSON {
        [
            "resourceType": "Bundle", "type": "collection",
            "entry": .array(resources.map { ["resource": $0] }),
        ]
    }

    /// The first resource of a type in a bundle.
    static func first(_ type: String, in bundle: JSON) -> JSON? {
        (bundle["entry"]?.array ?? []).compactMap { $0["resource"] }.first { $0["resourceType"]?.string == type }
    }

    /// An identifier that is not a reference: our units and models have no FHIR server of their own.
    static func identified(_ system: String, _ value: String, display: String) -> JSON {
        ["identifier": ["system": .string(system), "value": .string(value)], "display": .string(display)]
    }
}
