// Package apidump holds no code. Its tests keep two promises about the public
// packages of asyncgo.
//
// The files of docs/api list every exported name with its type, one a line. A
// change of the API is a change of these files, so that it is seen in review and
// never an accident. When it is meant:
//
//	go test ./internal/apidump -update
//
// And every one of these names has a comment that begins as godoc wants it,
// because the reference is what most users read first and only.
package apidump
