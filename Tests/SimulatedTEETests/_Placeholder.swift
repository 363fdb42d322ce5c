// SimulatedTEETests
