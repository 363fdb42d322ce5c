import Encoding

extension RecordWriter {
    /// Writes DiagnosticReport (with the result's id), one Observation per tissue, Provenance and AuditEvent.
    ///
    /// The report is `preliminary`: no clinician has signed it.
    ///
    /// - Source: ecosystem.md sections 1.2 to 1.4.
    func report(
        _ study: Study, _ diagnosis: Diagnosis, passport: RecordID, _ attribution: Attribution, report: RecordID,
        at time: Timestamp
    ) throws(Refusal) {
        let subject = FHIR.reference("Patient", study.patient)
        let imaging = FHIR.reference("ImagingStudy", study.id)
        let model = FHIR.identified(
            "urn:cloister:model-sha256", diagnosis.model.sha256,
            display: "\(diagnosis.model.name) \(diagnosis.model.version)")
        var observations: [JSON] = []
        for (code, name, millilitres) in [
            ("csf", "Cerebrospinal fluid volume in the slice", diagnosis.volumes.csf),
            ("grey", "Grey matter volume in the slice", diagnosis.volumes.grey),
            ("white", "White matter volume in the slice", diagnosis.volumes.white),
        ] {
            let id = newID()
            let observation = FHIR.resource(
                "Observation", id: id,
                [
                    "status": "preliminary", "code": FHIR.concept("urn:cloister:slice-volume", code, name),
                    "subject": subject, "derivedFrom": [imaging], "device": model,
                    "issued": .string(time.description),
                    "valueQuantity": [
                        "value": .number(millilitres), "unit": "mL", "system": "http://unitsofmeasure.org",
                        "code": "mL",
                    ],
                ])
            try rows.put(observation, .observation, id.description, at: time)
            observations.append(FHIR.reference("Observation", id))
        }
        let diagnosticReport = FHIR.resource(
            "DiagnosticReport", id: report,
            [
                "status": "preliminary", "code": FHIR.text("Delineation of a brain image"), "subject": subject,
                "basedOn": [FHIR.reference("ServiceRequest", study.order)], "imagingStudy": [imaging],
                "issued": .string(time.description), "result": .array(observations),
            ])
        try rows.put(diagnosticReport, .diagnosticReport, report.description, at: time)
        let targets = [FHIR.reference("DiagnosticReport", report)] + observations
        try addProvenance(of: targets, from: imaging, model: model, passport: passport, attribution, at: time)
        try addDisclosure(of: imaging, subject: subject, attribution, at: time)
    }

    private func addProvenance(
        of targets: [JSON], from imaging: JSON, model: JSON, passport: RecordID, _ attribution: Attribution,
        at time: Timestamp
    ) throws(Refusal) {
        let participant = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
        let id = newID()
        let provenance = FHIR.resource(
            "Provenance", id: id,
            [
                "target": .array(targets), "recorded": .string(time.description),
                "agent": [
                    [
                        "type": FHIR.concept(participant, "performer", "Performer"),
                        "who": FHIR.identified(
                            "urn:cloister:party", attribution.diagnostics.description, display: "diagnostics"),
                    ],
                    [
                        "type": FHIR.concept(participant, "assembler", "Assembler"),
                        "who": FHIR.identified(
                            "urn:cloister:party", attribution.platform.description, display: "medical-platform"),
                    ],
                ],
                "entity": [
                    ["role": "source", "what": imaging], ["role": "derivation", "what": model],
                    [
                        "role": "source",
                        "what": FHIR.identified("urn:cloister:passport", passport.description, display: "passport"),
                    ],
                ],
                "extension": [
                    [
                        "url": "urn:cloister:attestation",
                        "extension": [
                            ["url": "tokenDigest", "valueString": .string(attribution.token.description)],
                            ["url": "grade", "valueCode": .string(attribution.grade)],
                        ],
                    ]
                ],
            ])
        try rows.put(provenance, .provenance, id.description, at: time)
    }

    /// The disclosure of the image to the diagnostic provider, as its source records it (BALP
    /// PrivacyDisclosure.Source).
    private func addDisclosure(
        of imaging: JSON, subject: JSON, _ attribution: Attribution, at time: Timestamp
    ) throws(Refusal) {
        let dicom = "http://dicom.nema.org/resources/ontology/DCM"
        let id = newID()
        let event = FHIR.resource(
            "AuditEvent", id: id,
            [
                "type": FHIR.coding(dicom, "110106"),
                "subtype": [FHIR.coding("http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", "disclose")],
                "action": "R", "recorded": .string(time.description), "outcome": "0",
                "agent": [
                    [
                        "type": FHIR.concept(dicom, "110153", "Source Role ID"), "requestor": true,
                        "who": FHIR.identified(
                            "urn:cloister:party", attribution.platform.description, display: "medical-platform"),
                    ],
                    [
                        "type": FHIR.concept(dicom, "110152", "Destination Role ID"), "requestor": false,
                        "who": FHIR.identified(
                            "urn:cloister:party", attribution.diagnostics.description, display: "diagnostics"),
                    ],
                ],
                "source": [
                    "observer": FHIR.identified(
                        "urn:cloister:party", attribution.platform.description, display: "medical-platform")
                ],
                "entity": [
                    [
                        "what": subject,
                        "type": FHIR.coding("http://terminology.hl7.org/CodeSystem/audit-entity-type", "1"),
                        "role": FHIR.coding("http://terminology.hl7.org/CodeSystem/object-role", "1"),
                    ],
                    [
                        "what": imaging,
                        "type": FHIR.coding("http://terminology.hl7.org/CodeSystem/audit-entity-type", "2"),
                    ],
                ],
            ])
        try rows.put(event, .auditEvent, id.description, at: time)
    }
}
