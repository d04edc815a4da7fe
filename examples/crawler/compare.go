package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// compare returns an error unless dir holds exactly the originals: each file
// with the same bytes, none missing and none besides them.
func compare(dir string, originals map[string][]byte) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("comparing: %w", err)
	}
	for _, entry := range entries {
		original, ok := originals[entry.Name()]
		if !ok {
			return fmt.Errorf("comparing: the site has no %s", entry.Name())
		}
		got, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return fmt.Errorf("comparing: %w", err)
		}
		if !bytes.Equal(got, original) {
			return fmt.Errorf("comparing: %s differs from the original", entry.Name())
		}
	}
	// Names are unique in a folder and each was found above, so the numbers tell
	// whether one is missing.
	if len(entries) != len(originals) {
		return fmt.Errorf("comparing: %d files were downloaded, the site has %d", len(entries), len(originals))
	}
	return nil
}
