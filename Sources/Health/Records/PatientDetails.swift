public import Encoding

/// What a clerk enters about a patient; kept as a FHIR collection, sealed.
public struct PatientDetails: Sendable, Hashable {
    /// The longest value of one field, in bytes of UTF-8.
    public static let maximumFieldBytes = 2_000

    public var family: String
    public var given: String
    /// `YYYY-MM-DD`.
    public var birthDate: String
    /// FHIR administrative gender: `male`, `female`, `other` or `unknown`.
    public var sex: String?
    public var address: String?
    public var phone: String?
    public var allergies: String?
    public var conditions: String?
    public var insurance: String?
    /// `YYYY-MM-DD`.
    public var admissionDate: String?

    private static let optionalFields: [(name: String, path: any WritableKeyPath<PatientDetails, String?> & Sendable)] =
        [
            ("sex", \.sex), ("address", \.address), ("phone", \.phone), ("allergies", \.allergies),
            ("conditions", \.conditions), ("insurance", \.insurance), ("admissionDate", \.admissionDate),
        ]

    /// Reads the body of `POST /patients`; empty optional fields count as absent.
    ///
    /// - Throws: `request-malformed` that names the field, never its value.
    public init(json: JSON) throws(Refusal) {
        var reader = try ObjectReader(json, "the patient", refusing: .requestMalformed)
        self.init(
            family: try reader.string("family"), given: try reader.string("given"),
            birthDate: try reader.string("birthDate"))
        for field in PatientDetails.optionalFields where reader.has(field.name) {
            let value = try reader.string(field.name)
            if !value.isEmpty { self[keyPath: field.path] = value }
        }
        try reader.finish()
        try check()
    }

    public init(family: String, given: String, birthDate: String) {
        self.family = family
        self.given = given
        self.birthDate = birthDate
    }

    /// The fields under the names of the inner API.
    public var json: JSON {
        var members: [String: JSON] = [
            "family": .string(family), "given": .string(given), "birthDate": .string(birthDate),
        ]
        for field in PatientDetails.optionalFields {
            if let value = self[keyPath: field.path] { members[field.name] = .string(value) }
        }
        return .object(members)
    }

    private func check() throws(Refusal) {
        func refuse(_ field: String, _ problem: String) -> Refusal {
            Refusal(.requestMalformed, "the patient: member \(field) \(problem)")
        }
        for (name, value) in json.object ?? [:] where (value.string?.utf8.count ?? 0) > PatientDetails.maximumFieldBytes
        {
            throw refuse(name, "is longer than \(PatientDetails.maximumFieldBytes) bytes")
        }
        if family.isEmpty { throw refuse("family", "is empty") }
        if given.isEmpty { throw refuse("given", "is empty") }
        if !PatientDetails.isDate(birthDate) { throw refuse("birthDate", "is not a date (YYYY-MM-DD)") }
        if let admissionDate, !PatientDetails.isDate(admissionDate) {
            throw refuse("admissionDate", "is not a date (YYYY-MM-DD)")
        }
        if let sex, !["male", "female", "other", "unknown"].contains(sex) {
            throw refuse("sex", "is not male, female, other or unknown")
        }
    }

    private static func isDate(_ text: String) -> Bool {
        text.utf8.count == 10 && Timestamp(rfc3339: text + "T00:00:00Z") != nil
    }
}

/// A patient of a tenant.
public struct Patient: Sendable, Hashable {
    public var id: RecordID
    public var details: PatientDetails
}

extension RecordReading {
    /// The patient; nil when the tenant has no such one.
    public func patient(_ id: RecordID) throws(Refusal) -> Patient? {
        guard let bundle = try rows.json(.patient, id.description) else { return nil }
        return Patient(id: id, details: try PatientDetails(bundle: bundle))
    }

    /// All patients, oldest first.
    public func patients() throws(Refusal) -> [Patient] {
        var patients: [Patient] = []
        for (text, bundle) in try rows.all(.patient, limit: RecordWriter.maximumPatients) {
            guard let id = RecordID(text) else { continue }
            patients.append(Patient(id: id, details: try PatientDetails(bundle: bundle)))
        }
        return patients
    }
}

extension RecordWriter {
    /// Patients that a tenant can have while lists are decrypted in memory (rule 32).
    public static let maximumPatients = 10_000

    /// - Throws: `too-many`.
    public func addPatient(_ details: PatientDetails, at time: Timestamp) throws(Refusal) -> RecordID {
        guard try rows.count(.patient) < RecordWriter.maximumPatients else {
            throw Refusal(.tooMany, "the tenant has as many patients as it can have")
        }
        let id = newID()
        try rows.put(details.bundle(patient: id), .patient, id.description, at: time)
        return id
    }
}
