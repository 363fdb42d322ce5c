import Encoding
import Evidence
import Storage

/// Puts issued tokens on record, those of many calls in one transaction: what waits for the disk is written together by
/// whoever comes next.
actor TokenRecorder {
    struct Issue: Sendable {
        let id: String
        let issuedAt: Timestamp
        let expires: Timestamp
        let marks: [EvidenceMark]
    }

    private struct Waiting {
        let issue: Issue
        let continuation: CheckedContinuation<Result<Void, Refusal>, Never>
    }

    /// A record of the ring: which of those of a second.
    private struct Tail: Equatable, Sendable {
        var second: Timestamp
        var part: Int
    }

    private let instance: String
    private let store: any StateStore
    private let distrusted: DistrustedMarks
    private var waiting: [Waiting] = []
    private var isWriting = false
    /// Where the last token went.
    private var tail = Tail(second: Timestamp(seconds: 0), part: 0)
    private var digests: [EvidenceMark: String] = [:]

    private static let maximumDigests = 4_096

    init(instance: String, store: any StateStore, distrusted: DistrustedMarks) {
        self.instance = instance
        self.store = store
        self.distrusted = distrusted
    }

    /// - Throws: the refusal of a distrusted mark; `not-ready` when the store does not answer.
    func record(_ issue: Issue) async throws(Refusal) {
        let result: Result<Void, Refusal> = await withCheckedContinuation { continuation in
            waiting.append(Waiting(issue: issue, continuation: continuation))
            guard !isWriting else { return }
            isWriting = true
            Task { await self.writeAll() }
        }
        try result.get()
    }

    private func writeAll() async {
        while !waiting.isEmpty {
            let batch = waiting
            waiting = []
            let outcomes = await write(batch.map(\.issue))
            for (one, outcome) in zip(batch, outcomes) { one.continuation.resume(returning: outcome) }
        }
        isWriting = false
    }

    private func write(_ issues: [Issue]) async -> [Result<Void, Refusal>] {
        let (instance, distrusted, tail) = (instance, distrusted, tail)
        let issues = issues.map { issue in
            (
                second: issue.issuedAt, marks: issue.marks,
                line: IssuedTokenRing.Line(id: issue.id, expires: issue.expires, marks: issue.marks.map(digest))
            )
        }
        do {
            let (outcomes, end) = try await store.write { transaction in
                try distrusted.refresh(transaction)
                let marks = distrusted.marks
                var outcomes: [Result<Void, Refusal>] = []
                var lines: [Timestamp: [IssuedTokenRing.Line]] = [:]
                for issue in issues {
                    if let mark = issue.marks.first(where: marks.contains) {
                        outcomes.append(.failure(Refusal(mark.code, "\(mark) is distrusted")))
                        continue
                    }
                    outcomes.append(.success(()))
                    lines[issue.second, default: []].append(issue.line)
                }
                var tail = tail
                for (second, lines) in lines {
                    if tail.second != second { tail = Tail(second: second, part: 0) }
                    while true {
                        let name = IssuedTokenRing.name(of: second, part: tail.part)
                        let key = StateKey(owner: instance, kind: DistrustBook.issuedKind, name: name)
                        let former = try transaction.record(key)?.value
                        if let record = IssuedTokenRing.record(former, adding: lines, at: second) {
                            _ = try transaction.put(record, at: key)
                            break
                        }
                        tail.part += 1
                    }
                }
                return (outcomes, tail)
            }
            self.tail = end
            return outcomes
        } catch {
            let refusal = DistrustBook.refusal(error)
            return issues.map { _ in .failure(refusal) }
        }
    }

    /// As `IssuedTokenRing.digest`, for marks that were seen before.
    private func digest(_ mark: EvidenceMark) -> String {
        if let known = digests[mark] { return known }
        if digests.count >= Self.maximumDigests { digests = [:] }
        let digest = IssuedTokenRing.digest(mark)
        digests[mark] = digest
        return digest
    }
}
