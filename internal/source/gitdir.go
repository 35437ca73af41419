package source

import (
	"os"
	"path/filepath"
	"strings"
)

// gitDir is the part of a repository's administration that is read without
// git, to save starting it: what tells whether the origin must be asked.
type gitDir struct {
	common string // shared by all worktrees: config, packed-refs, shallow
}

// findRepo gives the root of the git working tree around dir, or "".
func findRepo(dir string) string {
	root, _ := findUp(dir, func(d string) bool {
		fi, err := os.Stat(filepath.Join(d, ".git"))
		if err != nil {
			return false
		}
		if fi.IsDir() { // an empty .git is not a repository, and git looks further up
			return isFile(filepath.Join(d, ".git", "HEAD"))
		}
		return fi.Mode().IsRegular()
	})
	return root
}

// openGitDir finds the administration of the working tree at repo: .git, or
// where a .git file (a worktree, a submodule) points.
func openGitDir(repo string) (gitDir, bool) {
	dir := filepath.Join(repo, ".git")
	if !isDir(dir) {
		b, err := os.ReadFile(dir)
		if err != nil {
			return gitDir{}, false
		}
		to, ok := strings.CutPrefix(strings.TrimSpace(string(b)), "gitdir:")
		if !ok {
			return gitDir{}, false
		}
		dir = from(repo, strings.TrimSpace(to))
	}
	if b, err := os.ReadFile(filepath.Join(dir, "commondir")); err == nil {
		return gitDir{common: from(dir, strings.TrimSpace(string(b)))}, true
	}
	return gitDir{common: dir}, isDir(dir)
}

func from(dir, name string) string {
	name = filepath.FromSlash(name)
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// shallow reports whether history, and with it tags, was cut off.
func (g gitDir) shallow() bool {
	fi, err := os.Stat(filepath.Join(g.common, "shallow"))
	return err == nil && fi.Size() > 0
}

// withoutTags reports whether the clone was made with --no-tags, which git
// writes down as the origin's tagOpt. A clone that merely has no tags is a
// repository without tags, and not worth asking anybody about at every run.
func (g gitDir) withoutTags() bool { return g.originValue("tagOpt") == "--no-tags" }

// origin gives the address of the remote named origin, "" if the repository's
// own configuration does not hold one.
func (g gitDir) origin() string { return g.originValue("url") }

func (g gitDir) originValue(key string) string {
	b, err := os.ReadFile(filepath.Join(g.common, "config"))
	if err != nil {
		return ""
	}
	return remoteValue(string(b), key)
}

// remoteValue reads remote.origin.<want> from a git configuration file
// (git-config(1), Syntax). Continuation lines never occur in an address, and
// a file that is included is not followed.
func remoteValue(config, want string) string {
	in, found := false, ""
	for line := range strings.Lines(config) {
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		if strings.HasPrefix(line, "[") {
			end := strings.IndexByte(line, ']')
			if end < 0 {
				in = false
				continue
			}
			section, name, _ := strings.Cut(line[1:end], " ")
			in = strings.EqualFold(section, "remote") && strings.TrimSpace(name) == `"origin"`
			line = strings.TrimSpace(line[end+1:])
		}
		key, value, ok := strings.Cut(line, "=")
		if in && ok && found == "" && strings.EqualFold(strings.TrimSpace(key), want) {
			found = configValue(value)
		}
	}
	return found
}

// configValue takes quotes, escapes and a comment off a value.
func configValue(s string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case !quoted && (c == '#' || c == ';'):
			return strings.TrimSpace(b.String())
		default:
			b.WriteByte(c)
		}
	}
	return strings.TrimSpace(b.String())
}
