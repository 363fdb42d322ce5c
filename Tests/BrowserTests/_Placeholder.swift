// BrowserTests
