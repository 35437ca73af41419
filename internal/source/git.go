package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxGitOutput bounds what one git command may print, in bytes.
const maxGitOutput = 64 << 20

// git runs git in one working tree.
type git struct {
	path string // of the executable
	repo string
	env  []string
}

// gitError is a git command that failed. The text holds no credentials.
type gitError struct{ text string }

func (e *gitError) Error() string { return e.text }

// kept are the GIT_ variables of the user that say how git may reach and
// trust things. All others, GIT_DIR first, could make it speak of another
// repository.
var kept = regexp.MustCompile(`^GIT_(CONFIG_.*|SSH|SSH_COMMAND|SSH_VARIANT|SSL_.*|PROXY_.*|EXEC_PATH)=`)

// gitEnv gives the environment git runs in: nothing in it can ask a person.
func gitEnv(environ []string) []string {
	env := slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		return strings.HasPrefix(kv, "GIT_") && !kept.MatchString(kv) || strings.HasPrefix(kv, "LC_") || strings.HasPrefix(kv, "LANGUAGE=")
	})
	return append(env,
		"LC_ALL=C",
		"GIT_OPTIONAL_LOCKS=0",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_ASKPASS=", // set but empty: neither core.askPass nor SSH_ASKPASS is run
		"SSH_ASKPASS=",
		"SSH_ASKPASS_REQUIRE=never",
		"GCM_INTERACTIVE=never",
		"GIT_NO_LAZY_FETCH=1",
	)
}

// run gives the standard output of a git command that must end within limit.
func (g git) run(ctx context.Context, limit time.Duration, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var out, errOut bounded
	out.left, errOut.left = maxGitOutput, 64<<10
	// A monitor that the repository's configuration names would be started
	// and stay behind.
	cmd := exec.CommandContext(ctx, g.path, append([]string{"-c", "core.fsmonitor=false"}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = g.repo, g.env, &out, &errOut
	isolate(cmd)
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case err == nil && out.full:
		return "", &gitError{fmt.Sprintf("git %s printed more than %d MB", args[0], maxGitOutput>>20)}
	case err == nil:
		return out.String(), nil
	case ctx.Err() != nil:
		return "", &gitError{fmt.Sprintf("git %s gave no answer within %v", args[0], limit)}
	}
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		if text := firstLine(errOut.String()); text != "" {
			return "", &gitError{text}
		}
	}
	return "", &gitError{fmt.Sprintf("git %s: %v", args[0], err)}
}

var credentials = regexp.MustCompile(`://[^/@\s]*@`)

// firstLine gives the line of git's complaint that says what is wrong.
func firstLine(stderr string) string {
	text := ""
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if s, ok := strings.CutPrefix(line, "fatal: "); ok {
			text = s
			break
		}
		if text == "" {
			text = line
		}
	}
	return credentials.ReplaceAllString(text, "://")
}

// bounded keeps the first bytes written to it and drops the rest.
type bounded struct {
	bytes.Buffer
	left int
	full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.full = b.full || n < len(p)
	b.left -= n
	b.Buffer.Write(p[:n])
	return len(p), nil
}

// head is the commit that is checked out.
type head struct {
	hash string
	time int64
	tags []string // all of them, full names below refs/tags
}

func (g git) head(ctx context.Context, limit time.Duration) (head, error) {
	out, err := g.run(ctx, limit, "--no-replace-objects", "log", "-1", "--no-show-signature",
		"--decorate=full", "--decorate-refs=refs/tags/", "--format=%H%x00%ct%x00%D", "--no-patch", "HEAD", "--")
	if err != nil {
		return head{}, err
	}
	h, ok := parseHead(out)
	if !ok {
		return head{}, &gitError{fmt.Sprintf("git log printed %.80q", out)}
	}
	return h, nil
}

func parseHead(out string) (head, bool) {
	f := strings.Split(strings.TrimRight(out, "\r\n"), "\x00")
	if len(f) != 3 || !isHash(f[0]) {
		return head{}, false
	}
	t, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return head{}, false
	}
	return head{hash: f[0], time: t, tags: decoratedTags(f[2])}, true
}

// changes gives the files below include, and not below exclude, that differ
// from HEAD or are neither tracked nor ignored. Paths are relative to the
// root, "" for the root itself.
func (g git) changes(ctx context.Context, limit time.Duration, include, exclude []string) ([]string, error) {
	args := []string{"status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames", "--ignore-submodules=none", "--"}
	for _, p := range include {
		args = append(args, pathspec("", p))
	}
	for _, p := range exclude {
		args = append(args, pathspec(",exclude", p))
	}
	out, err := g.run(ctx, limit, args...)
	if err != nil {
		return nil, err
	}
	return parseStatus(out), nil
}

func pathspec(magic, p string) string {
	if p == "" {
		return ":(top" + magic + ")"
	}
	return ":(top,literal" + magic + ")" + p
}

// parseStatus reads porcelain version 1 without renames: "XY path\0".
func parseStatus(out string) []string {
	var paths []string
	for entry := range strings.SplitSeq(out, "\x00") {
		if len(entry) > 3 {
			paths = append(paths, entry[3:])
		}
	}
	return paths
}

// remoteTags asks origin for the tags at a commit. The answer is a list of
// all its tags: which commit an annotated one stands for is on a second line.
func (g git) remoteTags(ctx context.Context, limit time.Duration) (map[string]string, error) {
	out, err := g.run(ctx, limit, "ls-remote", "--quiet", "--tags", "origin")
	if err != nil {
		return nil, err
	}
	return parseRemoteTags(out), nil
}

// parseRemoteTags gives the commit of every tag in the lines
// "<object>\trefs/tags/<name>" and "<commit>\trefs/tags/<name>^{}".
func parseRemoteTags(out string) map[string]string {
	commits := map[string]string{}
	for line := range strings.Lines(out) {
		object, ref, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "\t")
		name, isTag := strings.CutPrefix(ref, "refs/tags/")
		if !ok || !isTag || !isHash(object) {
			continue
		}
		name, peeled := strings.CutSuffix(name, "^{}")
		if _, seen := commits[name]; peeled || !seen {
			commits[name] = object
		}
	}
	return commits
}
