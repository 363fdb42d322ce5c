public import Encoding
import GRDB

/// Volumes of the three classes in one slice, in millilitres (slice area × slice thickness).
public struct TissueVolumes: Sendable, Hashable {
    public var csf: Double
    public var grey: Double
    public var white: Double

    public init(csf: Double, grey: Double, white: Double) {
        self.csf = csf
        self.grey = grey
        self.white = white
    }

    public var json: JSON { ["csf": .number(csf), "grey": .number(grey), "white": .number(white)] }
}

/// The model that produced a result.
public struct ModelIdentity: Sendable, Hashable {
    public var name: String
    public var version: String
    /// Lower-case hex.
    public var sha256: String

    public init(name: String, version: String, sha256: String) {
        self.name = name
        self.version = version
        self.sha256 = sha256
    }

    public var json: JSON { ["name": .string(name), "version": .string(version), "sha256": .string(sha256)] }
}

/// What the diagnostics unit answered, cropped to the image.
public struct Diagnosis: Sendable, Hashable {
    public var rows: Int
    public var columns: Int
    /// One class index per pixel, row by row.
    public var labels: [UInt8]
    /// The image as 8-bit grey under its display window, row by row.
    public var image: [UInt8]
    /// Names of the class indexes.
    public var classes: [String]
    public var volumes: TissueVolumes
    public var model: ModelIdentity

    /// - Throws: `output-shape` unless there is one label and one grey value per pixel.
    public init(
        rows: Int, columns: Int, labels: [UInt8], image: [UInt8], classes: [String], volumes: TissueVolumes,
        model: ModelIdentity
    ) throws(Refusal) {
        guard (1...65_535).contains(rows), (1...65_535).contains(columns), labels.count == rows * columns,
            image.count == labels.count
        else { throw Refusal(.outputShape, "the label map does not have one label per pixel of the image") }
        guard labels.allSatisfy({ $0 < classes.count }) else {
            throw Refusal(.outputShape, "the label map has a label that is no class")
        }
        self.rows = rows
        self.columns = columns
        self.labels = labels
        self.image = image
        self.classes = classes
        self.volumes = volumes
        self.model = model
    }
}

/// Which attested units made a result; goes into Provenance and AuditEvent.
public struct Attribution: Sendable, Hashable {
    /// Party ids of who runs the two units.
    public var platform: Digest
    public var diagnostics: Digest
    /// Digest of the token that the diagnostics unit answered with.
    public var token: Digest
    /// `hardware` or `simulated`.
    public var grade: String

    public init(platform: Digest, diagnostics: Digest, token: Digest, grade: String) {
        self.platform = platform
        self.diagnostics = diagnostics
        self.token = token
        self.grade = grade
    }
}

/// A result without its pixels.
public struct ResultSummary: Sendable, Hashable {
    public var id: RecordID
    public var study: RecordID
    public var patient: RecordID
    public var passport: RecordID
    public var completedAt: Timestamp

    /// An element of `GET /results`.
    public var json: JSON {
        [
            "id": .string(id.description), "study": .string(study.description), "patient": .string(patient.description),
            "completedAt": .integer(completedAt.seconds),
        ]
    }
}

/// A stored result.
public struct StoredResult: Sendable, Hashable {
    public var summary: ResultSummary
    public var diagnosis: Diagnosis

    /// The body of `GET /results/{id}`.
    public var json: JSON {
        [
            "id": .string(summary.id.description), "study": .string(summary.study.description),
            "patient": .string(summary.patient.description), "rows": .integer(Int64(diagnosis.rows)),
            "columns": .integer(Int64(diagnosis.columns)), "labels": .string(Base64.encodeURL(diagnosis.labels)),
            "image": .string(Base64.encodeURL(diagnosis.image)),
            "classes": .array(diagnosis.classes.map { .string($0) }),
            "volumes": diagnosis.volumes.json, "model": diagnosis.model.json,
            "passport": .string(summary.passport.description), "completedAt": .integer(summary.completedAt.seconds),
        ]
    }
}

extension RecordReading {
    /// Results, oldest first.
    public func results() throws(Refusal) -> [ResultSummary] {
        var results: [ResultSummary] = []
        for (text, json) in try rows.all(.result, limit: RecordWriter.maximumListedResults) {
            guard let id = RecordID(text) else { continue }
            results.append(try ResultSummary(id: id, json: json))
        }
        return results
    }

    /// The result with its pixels; nil when the tenant has no such one.
    public func result(_ id: RecordID) throws(Refusal) -> StoredResult? {
        guard let json = try rows.json(.result, id.description), let pixels = try rows.value(.pixels, id.description)
        else { return nil }
        let summary = try ResultSummary(id: id, json: json)
        guard let rows = json["rows"]?.integer, let columns = json["columns"]?.integer,
            let classes = json["classes"]?.strings, let volumes = json["volumes"], let csf = volumes["csf"]?.double,
            let grey = volumes["grey"]?.double, let white = volumes["white"]?.double, let model = json["model"],
            let name = model["name"]?.string, let version = model["version"]?.string,
            let sha256 = model["sha256"]?.string
        else { throw ResultSummary.unreadable }
        let half = pixels.count / 2
        let diagnosis = try Diagnosis(
            rows: Int(rows), columns: Int(columns), labels: Array(pixels[..<half]), image: Array(pixels[half...]),
            classes: classes, volumes: TissueVolumes(csf: csf, grey: grey, white: white),
            model: ModelIdentity(name: name, version: version, sha256: sha256))
        return StoredResult(summary: summary, diagnosis: diagnosis)
    }

    /// The passport of a diagnosis; nil when the tenant has no such one.
    public func passport(_ id: RecordID) throws(Refusal) -> JSON? {
        try rows.json(.passport, id.description)
    }
}

extension ResultSummary {
    static let unreadable = Refusal(.blockAuthentication, "a stored result does not hold what it should")

    fileprivate init(id: RecordID, json: JSON) throws(Refusal) {
        guard let study = json["study"]?.string.flatMap({ RecordID($0) }),
            let patient = json["patient"]?.string.flatMap({ RecordID($0) }),
            let passport = json["passport"]?.string.flatMap({ RecordID($0) }), let at = json["completedAt"]?.integer
        else { throw ResultSummary.unreadable }
        self.init(
            id: id, study: study, patient: patient, passport: passport, completedAt: Timestamp(seconds: at))
    }
}

extension RecordWriter {
    /// Results that one list holds.
    public static let maximumListedResults = 10_000

    /// Ends a job: result, pixels, passport, DiagnosticReport, Observations, Provenance, AuditEvent, the event and
    /// `done` in one commit, once per job.
    ///
    /// - Parameter passport: the passport's JSON (formats section 5).
    /// - Throws: `conflict` unless exactly this attempt is running.
    /// - Source: architecture rule 33.
    public func finish(
        _ attempt: Int, of id: RecordID, diagnosis: Diagnosis, passport: JSON, attribution: Attribution,
        at time: Timestamp
    ) throws(Refusal) -> (result: RecordID, passport: RecordID) {
        let job = try running(attempt, of: id)
        guard let study = try study(job.study) else { throw Refusal(.notFound, "no such study") }
        let result = newID()
        let passportID = newID()
        let value: JSON = [
            "study": .string(study.id.description), "patient": .string(study.patient.description),
            "passport": .string(passportID.description), "completedAt": .integer(time.seconds),
            "rows": .integer(Int64(diagnosis.rows)), "columns": .integer(Int64(diagnosis.columns)),
            "classes": .array(diagnosis.classes.map { .string($0) }), "volumes": diagnosis.volumes.json,
            "model": diagnosis.model.json,
        ]
        try rows.put(value, .result, result.description, at: time)
        try rows.put(diagnosis.labels + diagnosis.image, .pixels, result.description, at: time)
        try rows.put(passport, .passport, passportID.description, at: time)
        try report(study, diagnosis, passport: passportID, attribution, report: result, at: time)
        try stored {
            try rows.database.execute(
                sql: "UPDATE jobs SET state = 'done', deadline = NULL, result = ? WHERE tenant = ? AND id = ?",
                arguments: [result.description, rows.tenant, id.description])
        }
        try addEvent(.result, job: id, study: study.id, result: result, at: time)
        return (result, passportID)
    }
}
