// AttestationServiceTests
