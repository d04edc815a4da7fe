// Package bench compares asyncgo with its peers. It has no API: the programs
// that are measured are in package workload, go test -bench measures them one
// by one for benchstat, and cmd/compare measures them side by side and judges
// the ratios. README.md says how to read both.
package bench
