package witness

// LimitedTo is Limited with other patience, for a test that hears.
var LimitedTo = limited
