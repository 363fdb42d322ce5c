extension TCGEventLog {
    /// The values that the log's registers have when exactly its events happened.
    ///
    /// Registers without an event are not in the result: a log says nothing about them.
    public func replayed() -> PCRValues {
        var values: PCRValues = [:]
        for event in events where event.type != TCGEvent.noAction {
            for (bank, digest) in event.digests {
                let register = PCR(bank, event.pcr)
                values[register] = bank.digest((values[register] ?? initialValue(register)) + digest)
            }
        }
        return values
    }

    /// Zeros, but for register 0 of a TPM that was started from another locality than 0.
    private func initialValue(_ register: PCR) -> [UInt8] {
        var value = [UInt8](repeating: 0, count: register.bank.byteCount)
        if register.index == 0, let startupLocality { value[value.count - 1] = startupLocality }
        return value
    }

    /// The events whose register `proven` names, with the digests that its value proves, in their order.
    func events(in proven: Set<PCR>) -> [TCGEvent] {
        events.compactMap { event in
            guard event.type != TCGEvent.noAction else { return nil }
            let digests = event.digests.filter { proven.contains(PCR($0.key, event.pcr)) }
            guard !digests.isEmpty else { return nil }
            return TCGEvent(pcr: event.pcr, type: event.type, digests: digests, data: event.data)
        }
    }
}
