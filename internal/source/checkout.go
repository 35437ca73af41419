package source

import (
	"context"
	"errors"
	"time"

	"github.com/slipway-build/slipway/internal/gotool"
)

// Errors of Checkout.
var (
	ErrNoGit    = errors.New("no git command")
	ErrNoClone  = errors.New("not in a git work tree")
	ErrNoCommit = errors.New("no such commit in this clone")
)

// Checkout makes a clone of the repository around dir in the directory to,
// which must not exist, with the files of revision and all tags. The user's
// work tree is not touched; objects are borrowed from it, not copied, so the
// new clone must not outlive it. Neither hooks nor the user's settings of line
// ends have a say in the files.
func Checkout(ctx context.Context, environ []string, dir, revision, to string) error {
	path := gotool.LookPath("git", environ)
	if path == "" {
		return ErrNoGit
	}
	const limit = 2 * time.Minute
	g := git{path: path, repo: dir, env: gitEnv(environ)}
	top, err := g.run(ctx, limit, "rev-parse", "--show-toplevel")
	if err != nil {
		return ErrNoClone
	}
	if !isHash(revision) {
		return ErrNoCommit
	}
	if _, err := g.run(ctx, limit, "cat-file", "-e", revision+"^{commit}"); err != nil {
		return ErrNoCommit
	}
	top = firstLine(top)
	if _, err := g.run(ctx, limit, "clone", "--quiet", "--shared", "--no-checkout", "--template=", "--", top, to); err != nil {
		return err
	}
	g.repo = to
	_, err = g.run(ctx, limit, "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false", "-c", "core.autocrlf=false", "checkout", "--quiet", "--detach", revision)
	return err
}
