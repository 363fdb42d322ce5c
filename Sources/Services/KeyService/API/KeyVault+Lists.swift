import Encoding
import HTTPTypes
import ServiceKit

// Lists, a page at a time (key API reference, section 5).
extension KeyVault {
    /// Keys, each once, with the attributes of its latest version.
    ///
    /// - Parameter isDeleted: those that were deleted, instead of those that were not.
    func list(_ call: Call, deleted isDeleted: Bool = false) async throws(APIError) -> ServerResponse {
        let page = try Page(call)
        let (items, next) = try await store.read { keys in
            let records = try keys.keys(after: page.after, limit: page.size + 1, deleted: isDeleted)
            let items = try records.prefix(page.size).map { record in
                guard let version = try keys.version(record.name, record.latest) else {
                    throw Refusal(.blockAuthentication, "a stored key has no latest version")
                }
                return call.endpoint.item(record, version, withVersion: false)
            }
            return (items, records.count > page.size ? records[page.size - 1].name : nil)
        }
        return .json(page.answer(items, next: next, path: isDeleted ? "/deletedkeys" : "/keys", call))
    }

    func versions(
        _ name: String, _ call: Call, _ decision: inout KeyDecision
    ) async throws(APIError) -> ServerResponse {
        decision.key = name
        let page = try Page(call)
        guard let after = page.after.isEmpty ? 0 : Int64(page.after) else {
            throw .badParameter("The $skiptoken is not one of this list.")
        }
        let (items, next) = try await store.read { keys in
            guard let record = try keys.key(name) else { throw APIError.keyNotFound(name) }
            let versions = try keys.versions(name, after: after, limit: page.size + 1)
            let items = versions.prefix(page.size).map {
                call.endpoint.item(record, $0.version, withVersion: true)
            }
            return (items, versions.count > page.size ? String(versions[page.size - 1].ordinal) : nil)
        }
        return .json(page.answer(items, next: next, path: "/keys/\(name)/versions", call))
    }
}

/// One page of a list.
struct Page: Sendable {
    /// 1 to 25.
    let size: Int
    /// What the last page ended with; empty for the first.
    let after: String

    init(_ call: Call) throws(APIError) {
        let asked = call.request.queryValue("maxresults")
        guard let size = asked.map({ Int($0) }) ?? 25, (1...25).contains(size) else {
            throw .badParameter("maxresults is not a number from 1 to 25.")
        }
        self.size = size
        guard let token = call.request.queryValue("$skiptoken") else {
            after = ""
            return
        }
        guard token.utf8.count <= 256, let bytes = Base64.decode(token),
            let after = String(validating: bytes, as: UTF8.self)
        else { throw .badParameter("The $skiptoken is not one of this list.") }
        self.after = after
    }

    func answer(_ items: [JSON], next: String?, path: String, _ call: Call) -> JSON {
        let link = next.map {
            "\(call.endpoint.base)\(path)?api-version=\(call.api.text)&$skiptoken=\(Base64.encodeURL($0.utf8))&maxresults=\(size)"
        }
        return ["nextLink": link.map { .string($0) } ?? .null, "value": .array(items)]
    }
}
