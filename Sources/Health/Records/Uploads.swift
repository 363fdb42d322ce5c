public import Encoding
import GRDB

/// An image on its way in.
public struct Upload: Sendable, Hashable {
    public var id: RecordID
    public var study: RecordID
    /// Indexes of the parts that are on disk, rising.
    public var parts: [Int]
    public var isComplete: Bool
}

extension RecordReading {
    /// The upload; nil when the tenant has no such one.
    public func upload(_ id: RecordID) throws(Refusal) -> Upload? {
        let row = try stored {
            try Row.fetchOne(
                rows.database, sql: "SELECT study, completed FROM uploads WHERE tenant = ? AND id = ?",
                arguments: [rows.tenant, id.description])
        }
        guard let row else { return nil }
        let completed: Int64? = try row.optional("completed")
        let parts = try rows.ids(.part, under: id.description).compactMap { Int($0.suffix(UploadPart.digits)) }
        return Upload(id: id, study: try row.recordID("study"), parts: parts, isComplete: completed != nil)
    }

    /// The bytes of an upload that was completed.
    ///
    /// - Throws: `not-found`.
    public func image(of id: RecordID) throws(Refusal) -> [UInt8] {
        guard let upload = try upload(id), upload.isComplete else { throw Refusal(.notFound, "no such image") }
        return try bytes(of: upload)
    }

    fileprivate func bytes(of upload: Upload) throws(Refusal) -> [UInt8] {
        var bytes: [UInt8] = []
        for index in upload.parts {
            guard let part = try rows.value(.part, UploadPart.row(upload.id, index)) else {
                throw Refusal(.notFound, "no such part")
            }
            bytes += part
        }
        return bytes
    }
}

/// Limits of an upload.
public enum UploadPart {
    /// Every part but the last has this size.
    public static let bytes = 1_048_576
    /// Parts of one upload: 64 MiB together.
    public static let maximumCount = 64
    /// Uploads of a tenant that are not complete.
    public static let maximumOpenUploads = 64
    /// An upload that is not complete after this many seconds is dropped: one day.
    public static let lifetime: Int64 = 86_400

    static let digits = 4

    /// Padded, so that the order of rows is the order of parts.
    static func row(_ upload: RecordID, _ index: Int) -> String {
        let number = String(index)
        return "\(upload)/" + String(repeating: "0", count: max(0, digits - number.count)) + number
    }
}

extension RecordWriter {
    func openUpload(of study: RecordID, at time: Timestamp) throws(Refusal) -> RecordID {
        try dropStaleUploads(at: time)
        let open = try stored {
            try Int.fetchOne(
                rows.database, sql: "SELECT COUNT(*) FROM uploads WHERE tenant = ? AND completed IS NULL",
                arguments: [rows.tenant]) ?? 0
        }
        guard open < UploadPart.maximumOpenUploads else { throw Refusal(.tooMany, "too many uploads are open") }
        let id = newID()
        try stored {
            try rows.database.execute(
                sql: "INSERT INTO uploads (tenant, id, study, created) VALUES (?, ?, ?, ?)",
                arguments: [rows.tenant, id.description, study.description, time.seconds])
        }
        return id
    }

    private func dropStaleUploads(at time: Timestamp) throws(Refusal) {
        let stale = try stored {
            try String.fetchAll(
                rows.database,
                sql: "SELECT id FROM uploads WHERE tenant = ? AND completed IS NULL AND created < ?",
                arguments: [rows.tenant, time.seconds - UploadPart.lifetime])
        }
        for id in stale {
            for part in try rows.ids(.part, under: id) { try rows.delete(.part, part) }
            try stored {
                try rows.database.execute(
                    sql: "DELETE FROM uploads WHERE tenant = ? AND id = ?", arguments: [rows.tenant, id])
            }
        }
    }

    /// Keeps one part; a repeated part replaces the former one.
    ///
    /// - Throws: `not-found`; `conflict` when the upload is complete; `request-malformed` for an index or `too-large`
    ///   for a size beyond the limits.
    public func putPart(_ index: Int, of id: RecordID, _ bytes: [UInt8], at time: Timestamp) throws(Refusal) {
        guard let upload = try upload(id) else { throw Refusal(.notFound, "no such upload") }
        guard !upload.isComplete else { throw Refusal(.conflict, "the upload is complete") }
        guard (0..<UploadPart.maximumCount).contains(index) else {
            throw Refusal(.requestMalformed, "a part's index is 0 to \(UploadPart.maximumCount - 1)")
        }
        guard !bytes.isEmpty else { throw Refusal(.requestMalformed, "a part is empty") }
        guard bytes.count <= UploadPart.bytes else {
            throw Refusal(.tooLarge, "a part has more than \(UploadPart.bytes) bytes")
        }
        try rows.put(bytes, .part, UploadPart.row(id, index), at: time)
    }

    /// Checks that the whole image has arrived, closes the upload and makes its job.
    ///
    /// - Parameters:
    ///   - length: bytes of the whole image.
    ///   - sha256: of the whole image.
    /// - Returns: the job, pending.
    /// - Throws: `not-found`; `conflict` when it was completed before; `image-invalid` when parts are missing or the
    ///   image is not the one that was announced.
    public func completeUpload(
        _ id: RecordID, length: Int, sha256: Digest, at time: Timestamp
    ) throws(Refusal) -> RecordID {
        guard let upload = try upload(id) else { throw Refusal(.notFound, "no such upload") }
        guard !upload.isComplete else { throw Refusal(.conflict, "the upload is complete") }
        guard length > 0 else { throw Refusal(.imageInvalid, "the upload is empty") }
        guard length <= UploadPart.bytes * UploadPart.maximumCount else {
            throw Refusal(.tooLarge, "an image has at most \(UploadPart.maximumCount) parts")
        }
        let expected = (length + UploadPart.bytes - 1) / UploadPart.bytes
        guard upload.parts == Array(0..<expected) else {
            throw Refusal(.imageInvalid, "the upload is incomplete: \(upload.parts.count) of \(expected) parts")
        }
        let bytes = try bytes(of: upload)
        guard bytes.count == length else {
            throw Refusal(.imageInvalid, "the upload is incomplete: \(bytes.count) of \(length) bytes")
        }
        guard Digest(of: bytes) == sha256 else {
            throw Refusal(.imageInvalid, "the upload's SHA-256 is not the one that was announced")
        }
        let job = newID()
        try stored {
            try rows.database.execute(
                sql: "UPDATE uploads SET completed = ? WHERE tenant = ? AND id = ?",
                arguments: [time.seconds, rows.tenant, id.description])
            try rows.database.execute(
                sql: """
                    INSERT INTO jobs (tenant, id, study, upload, state, attempt, created)
                    VALUES (?, ?, ?, ?, 'pending', 0, ?)
                    """,
                arguments: [rows.tenant, job.description, upload.study.description, id.description, time.seconds])
        }
        return job
    }
}
