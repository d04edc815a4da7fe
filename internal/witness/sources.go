package witness

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Sources looks at the go.mod files and the Go files under root, and with tests at those of tests, too. It is for tests that
// have the go tool read them: that does so in a process of its own, which the test cache cannot see, and without this a
// pass would be remembered although a file has changed since. It returns the files.
func Sources(tb testing.TB, root string, tests bool) (files []string) {
	tb.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := entry.Name(); {
		case entry.IsDir() && path != root && strings.HasPrefix(name, "."):
			return fs.SkipDir
		case name == "go.mod", strings.HasSuffix(name, ".go") && (tests || !strings.HasSuffix(name, "_test.go")):
			files = append(files, path)
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		tb.Fatalf("looking for the files of the module: %v", err)
	}
	return files
}
