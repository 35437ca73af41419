package compare

import (
	"fmt"
	"io"
	"os"
)

// readAhead brings a file into the page cache.
func readAhead(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("open program: %w", err)
	}
	defer f.Close()
	if _, err := io.Copy(io.Discard, struct{ io.Reader }{f}); err != nil {
		return fmt.Errorf("read program: %w", err)
	}
	return nil
}
