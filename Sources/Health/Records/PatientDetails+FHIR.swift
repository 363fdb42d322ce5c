import Encoding

extension PatientDetails {
    /// Patient, and where given AllergyIntolerance, Condition, Coverage and Encounter, as one FHIR collection.
    ///
    /// What a clerk types freely stays text (`CodeableConcept.text`): inventing codes would claim more than is known.
    func bundle(patient id: RecordID) -> JSON {
        let subject = FHIR.reference("Patient", id)
        let patient = FHIR.resource(
            "Patient", id: id,
            [
                "name": [["use": "official", "family": .string(family), "given": [.string(given)]]],
                "birthDate": .string(birthDate), "gender": sex.map { .string($0) },
                "address": address.map { [["text": .string($0)]] },
                "telecom": phone.map { [["system": "phone", "value": .string($0)]] },
            ])
        var resources = [patient]
        if let allergies {
            resources.append(
                FHIR.resource("AllergyIntolerance", id: id, ["patient": subject, "code": FHIR.text(allergies)]))
        }
        if let conditions {
            resources.append(FHIR.resource("Condition", id: id, ["subject": subject, "code": FHIR.text(conditions)]))
        }
        if let insurance {
            resources.append(
                FHIR.resource(
                    "Coverage", id: id,
                    ["status": "active", "beneficiary": subject, "payor": [["display": .string(insurance)]]]))
        }
        if let admissionDate {
            resources.append(
                FHIR.resource(
                    "Encounter", id: id,
                    [
                        "status": "in-progress",
                        "class": FHIR.coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "IMP"),
                        "subject": subject, "period": ["start": .string(admissionDate)],
                    ]))
        }
        return FHIR.collection(resources)
    }

    /// Reads back what `bundle` wrote.
    ///
    /// - Throws: `block-authentication` for anything else: the row was authentic, so this is our own mistake.
    init(bundle: JSON) throws(Refusal) {
        guard let patient = FHIR.first("Patient", in: bundle), let name = patient["name"]?.array?.first,
            let family = name["family"]?.string, let given = name["given"]?.strings?.first,
            let birthDate = patient["birthDate"]?.string
        else { throw Refusal(.blockAuthentication, "a stored patient does not hold what it should") }
        self.init(family: family, given: given, birthDate: birthDate)
        sex = patient["gender"]?.string
        address = patient["address"]?.array?.first?["text"]?.string
        phone = patient["telecom"]?.array?.first?["value"]?.string
        allergies = FHIR.first("AllergyIntolerance", in: bundle)?["code"]?["text"]?.string
        conditions = FHIR.first("Condition", in: bundle)?["code"]?["text"]?.string
        insurance = FHIR.first("Coverage", in: bundle)?["payor"]?.array?.first?["display"]?.string
        admissionDate = FHIR.first("Encounter", in: bundle)?["period"]?["start"]?.string
    }
}
