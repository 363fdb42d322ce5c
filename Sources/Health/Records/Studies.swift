public import Encoding

/// One imaging study and the order that it answers.
public struct Study: Sendable, Hashable {
    public var id: RecordID
    public var patient: RecordID
    public var order: RecordID
    public var description: String?
}

/// What the platform reads from the image file about its place in the hospital's archive.
public struct ImageIdentity: Sendable, Hashable {
    public var studyUID: String?
    public var seriesUID: String?
    public var instanceUID: String?
    public var classUID: String?
    /// For example `MR`.
    public var modality: String?

    public init(
        studyUID: String? = nil, seriesUID: String? = nil, instanceUID: String? = nil, classUID: String? = nil,
        modality: String? = nil
    ) {
        self.studyUID = studyUID
        self.seriesUID = seriesUID
        self.instanceUID = instanceUID
        self.classUID = classUID
        self.modality = modality
    }
}

extension RecordReading {
    /// The study; nil when the tenant has no such one.
    public func study(_ id: RecordID) throws(Refusal) -> Study? {
        guard let json = try rows.json(.imagingStudy, id.description) else { return nil }
        guard let patient = FHIR.id(in: json["subject"], of: "Patient"),
            let order = FHIR.id(in: json["basedOn"]?.array?.first, of: "ServiceRequest")
        else { throw Refusal(.blockAuthentication, "a stored study does not hold what it should") }
        return Study(id: id, patient: patient, order: order, description: json["description"]?.string)
    }
}

extension RecordWriter {
    /// The longest description or reason, in bytes of UTF-8.
    public static let maximumTextBytes = 2_000

    /// Writes ServiceRequest and ImagingStudy and opens the upload of the study's image.
    ///
    /// - Parameter user: who ordered it.
    /// - Throws: `not-found` for a patient that the tenant does not have, `too-many` open uploads.
    public func addStudy(
        patient: RecordID, description: String? = nil, reason: String? = nil, user: String, at time: Timestamp
    ) throws(Refusal) -> (study: RecordID, upload: RecordID) {
        for text in [description, reason] where (text?.utf8.count ?? 0) > RecordWriter.maximumTextBytes {
            throw Refusal(.requestMalformed, "a text is longer than \(RecordWriter.maximumTextBytes) bytes")
        }
        guard try self.patient(patient) != nil else { throw Refusal(.notFound, "no such patient") }
        let order = newID()
        let study = newID()
        let subject = FHIR.reference("Patient", patient)
        let request = FHIR.resource(
            "ServiceRequest", id: order,
            [
                "status": "active", "intent": "order", "subject": subject,
                "code": FHIR.text("Delineation of a brain image"), "authoredOn": .string(time.description),
                "requester": ["display": .string(user)], "reasonCode": reason.map { [FHIR.text($0)] },
            ])
        let imaging = FHIR.resource(
            "ImagingStudy", id: study,
            [
                "status": "registered", "subject": subject, "basedOn": [FHIR.reference("ServiceRequest", order)],
                "description": description.map { .string($0) },
            ])
        try rows.put(request, .serviceRequest, order.description, at: time)
        try rows.put(imaging, .imagingStudy, study.description, at: time)
        return (study, try openUpload(of: study, at: time))
    }

    /// Adds to the ImagingStudy what its image says about itself.
    ///
    /// - Throws: `not-found`.
    public func describe(study: RecordID, image: ImageIdentity, at time: Timestamp) throws(Refusal) {
        guard case .object(var members)? = try rows.json(.imagingStudy, study.description) else {
            throw Refusal(.notFound, "no such study")
        }
        members["status"] = "available"
        let modality: JSON = [
            "system": "http://dicom.nema.org/resources/ontology/DCM", "code": .string(image.modality ?? "OT"),
        ]
        members["modality"] = [modality]
        if let uid = image.studyUID {
            members["identifier"] = [["system": "urn:dicom:uid", "value": .string("urn:oid:\(uid)")]]
        }
        if let uid = image.seriesUID {
            var series: [String: JSON] = ["uid": .string(uid), "modality": modality, "numberOfInstances": 1]
            if let instanceUID = image.instanceUID, let classUID = image.classUID {
                series["instance"] = [
                    [
                        "uid": .string(instanceUID),
                        "sopClass": ["system": "urn:ietf:rfc:3986", "code": .string("urn:oid:\(classUID)")],
                    ]
                ]
            }
            members["series"] = [.object(series)]
            members["numberOfSeries"] = 1
        }
        try rows.put(.object(members), .imagingStudy, study.description, at: time)
    }
}
