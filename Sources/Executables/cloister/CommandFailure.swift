/// Why a command stops, said for the person who typed it.
struct CommandFailure: Error, Sendable {
    /// Exit status: 1 refused or failed, 2 wrong usage.
    var status: Int32
    /// A refusal code, where a check refused.
    var code: String?
    /// What is wrong.
    var problem: String
    /// What to do about it.
    var advice: String?

    init(_ problem: String, code: String? = nil, advice: String? = nil, status: Int32 = 1) {
        self.problem = problem
        self.code = code
        self.advice = advice
        self.status = status
    }

    /// The arguments ask for something that cannot be done.
    static func usage(_ problem: String, advice: String? = nil) -> CommandFailure {
        CommandFailure(problem, advice: advice, status: 2)
    }
}
