//go:build !linux || (!amd64 && !arm64) || race

package async

func receiveFD(fd uintptr, p []byte) (int, error) { return readFD(fd, p) }

func sendFD(fd uintptr, p []byte) (int, error) { return writeFD(fd, p) }
