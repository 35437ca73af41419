package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// maxBlob is the largest file that is written out, in bytes. Larger ones
// become empty, as they would not be read anyway.
const maxBlob = 16 << 20

// Extract writes the files of the commit into an empty directory, byte for
// byte as git has them: neither attributes nor filters have a say. Files that
// wanted does not want are there, but empty; links are left out.
func (s *Since) Extract(ctx context.Context, to string, wanted func(name string) bool) error {
	list, err := s.git(ctx, "ls-tree", "-r", "-z", s.Base)
	if err != nil {
		return fmt.Errorf("list the files of %s: %w", s.Base, err)
	}
	root, err := os.OpenRoot(to)
	if err != nil {
		return fmt.Errorf("write the files of %s: %w", s.Base, err)
	}
	defer root.Close()
	var names, objects []string
	made := map[string]bool{".": true}
	for entry := range strings.SplitSeq(list, "\x00") {
		head, name, _ := strings.Cut(entry, "\t")
		f := strings.Fields(head) // mode, type, object
		if len(f) != 3 || !strings.HasPrefix(f[0], "100") || !isHash(f[2]) || !filepath.IsLocal(filepath.FromSlash(name)) {
			continue
		}
		if dir := path.Dir(name); !made[dir] {
			if err := root.MkdirAll(filepath.FromSlash(dir), 0o700); err != nil {
				return fmt.Errorf("write the files of %s: %w", s.Base, err)
			}
			made[dir] = true
		}
		if wanted(name) {
			names, objects = append(names, name), append(objects, f[2])
		} else if err := root.WriteFile(name, nil, 0o600); err != nil {
			return fmt.Errorf("write the files of %s: %w", s.Base, err)
		}
	}
	err = s.blobs(ctx, objects, func(i int, content []byte) error { return root.WriteFile(names[i], content, 0o600) })
	if err != nil {
		return fmt.Errorf("write the files of %s: %w", s.Base, err)
	}
	return nil
}

// blobs reads objects in one go (git-cat-file(1), Batch output).
func (s *Since) blobs(ctx context.Context, objects []string, each func(i int, content []byte) error) error {
	ctx, cancel := context.WithTimeout(ctx, sinceTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.g.path, "--no-replace-objects", "cat-file", "--batch", "--buffer")
	cmd.Dir, cmd.Env = s.g.repo, s.g.env
	cmd.Stdin = strings.NewReader(strings.Join(objects, "\n") + "\n")
	isolate(cmd)
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = readBlobs(bufio.NewReaderSize(out, 1<<20), len(objects), each)
	if err != nil {
		cancel()
	}
	return errors.Join(err, cmd.Wait())
}

func readBlobs(r *bufio.Reader, n int, each func(int, []byte) error) error {
	var buf []byte
	for i := range n {
		head, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		f := strings.Fields(head) // object, type, size
		if len(f) != 3 || f[1] != "blob" {
			return &gitError{fmt.Sprintf("git cat-file printed %.80q", head)} // a partial clone lacks it
		}
		size, err := strconv.ParseInt(f[2], 10, 64)
		if err != nil || size < 0 {
			return &gitError{fmt.Sprintf("git cat-file printed %.80q", head)}
		}
		if size > maxBlob {
			if _, err := io.CopyN(io.Discard, r, size+1); err != nil {
				return err
			}
			if err := each(i, nil); err != nil {
				return err
			}
			continue
		}
		if int64(cap(buf)) < size+1 {
			buf = make([]byte, 2*size+1)
		}
		buf = buf[:size+1] // a line break follows
		if _, err := io.ReadFull(r, buf); err != nil {
			return err
		}
		if err := each(i, buf[:size]); err != nil {
			return err
		}
	}
	return nil
}
