package overlay

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// CacheVariable is the environment variable that names another folder for the cache.
const CacheVariable = "GOMONKEYCACHE"

// CacheFolder returns the folder of the cache: what [CacheVariable] says, or else one in the user's cache.
func CacheFolder() (string, error) {
	if dir := os.Getenv(CacheVariable); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("gomonkey: there is no folder for the cache: %v; name one by %s", err, CacheVariable)
	}
	return filepath.Join(dir, "gomonkey"), nil
}

// A cache is a folder of files named by what is in them, so that builds of several toolchains and specifications share
// it, and a toolchain whose sources have changed never meets old files.
type cache struct {
	dir     string
	version string // of the toolchain
}

func openCache(dir string, tools *Toolchain) (*cache, error) {
	c := &cache{dir: dir, version: tools.Env["GOVERSION"]}
	if rel, err := filepath.Rel(tools.Env["GOMODCACHE"], dir); err == nil && filepath.IsLocal(rel) {
		return nil, fmt.Errorf("gomonkey: the cache %s is inside the module cache, which the go command does not allow", dir)
	}
	return c, nil
}

// write has a file with a text in the cache, for the source file at path, and returns its name.
func (c *cache) write(path string, text []byte) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", c.version, path)
	h.Write(text)
	sum := hex.EncodeToString(h.Sum(nil))[:32]
	name := filepath.Join(c.dir, c.version, sum[:2], sum+"-"+filepath.Base(path))
	return name, c.ensure(name, text)
}

// ensure has a file with a text. One that is there already is not written, so a cache that is complete may be read-only.
func (c *cache) ensure(name string, text []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return nil
	}
	err := os.MkdirAll(filepath.Dir(name), 0o777)
	if err == nil {
		err = writeAtomically(name, text)
	}
	if err != nil {
		return fmt.Errorf("gomonkey: the cache cannot be written: %v; name another folder by %s", err, CacheVariable)
	}
	return nil
}

// writeAtomically writes a file that others may be reading, or writing.
func writeAtomically(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o666)
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// writeOverlay writes the file for -overlay.
func (c *cache) writeOverlay(replace map[string]string) (string, error) {
	text, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return "", err
	}
	return c.write("overlay.json", append(text, '\n'))
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// writeFolder has a folder with files in the cache, and returns its name.
func (c *cache) writeFolder(files map[string][]byte) (string, error) {
	h := sha256.New()
	for _, name := range sorted(files) {
		fmt.Fprintf(h, "%s %d\n", name, len(files[name]))
		h.Write(files[name])
	}
	dir := filepath.Join(c.dir, c.version, "mod-"+hex.EncodeToString(h.Sum(nil))[:32])
	for _, name := range sorted(files) {
		if err := c.ensure(filepath.Join(dir, name), files[name]); err != nil {
			return "", err
		}
	}
	return dir, nil
}
