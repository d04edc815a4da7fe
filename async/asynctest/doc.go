// Package asynctest tests programs that use package async.
package asynctest
