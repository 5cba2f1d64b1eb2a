//! mockall mocks of every port, for a host's own tests (feature `mock`).
