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

    private let instance: String
    private let store: any StateStore
    private let distrusted: DistrustedMarks
    private var waiting: [Waiting] = []
    private var isWriting = false

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
        let (instance, distrusted) = (instance, distrusted)
        do {
            return try await store.write { transaction in
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
                    lines[issue.issuedAt, default: []].append(
                        IssuedTokenRing.Line(id: issue.id, expires: issue.expires, marks: issue.marks))
                }
                for (second, lines) in lines {
                    let key = StateKey(
                        owner: instance, kind: DistrustBook.issuedKind, name: IssuedTokenRing.name(of: second))
                    let former = try transaction.record(key)?.value
                    _ = try transaction.put(IssuedTokenRing.record(former, adding: lines, at: second), at: key)
                }
                return outcomes
            }
        } catch {
            let refusal = DistrustBook.refusal(error)
            return issues.map { _ in .failure(refusal) }
        }
    }
}
