package check

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
)

// eachWorkload visits the objects with pods that are whole, but those that
// tests have for themselves.
func eachWorkload(r *facts.Repo, visit func(*facts.Manifest, *facts.Workload)) {
	for i := range r.Manifests {
		m := &r.Manifests[i]
		if m.Workload != nil && !m.Workload.Partial && !inDirs(m.Path, testDirs) {
			visit(m, m.Workload)
		}
	}
}

// Directories by what their manifests are for. Nobody runs those of tests in
// production; samples are to be understood at a glance, and leave out what
// makes a program run well.
var (
	testDirs   = []string{"test", "tests", "e2e", "testing", "testutil", "fixtures", "fixture", "mock", "mocks", "integration", "interop", "conformance"}
	sampleDirs = []string{"example", "examples", "sample", "samples", "demo", "demos", "doc", "docs", "tutorial", "tutorials", "codelab", "codelabs", "workshop", "quickstart", "hack", "dev", "local", "playground", "kind", "bench", "benchmark", "benchmarks", "_examples", "contrib", "website"}
)

func inDirs(name string, dirs []string) bool {
	for d := range strings.SplitSeq(strings.ToLower(path.Dir(name)), "/") {
		if slices.Contains(dirs, d) || strings.HasPrefix(d, "test-") || strings.HasSuffix(d, "-test") || strings.HasSuffix(d, "-tests") {
			return true
		}
	}
	return false
}

// sample reports whether a manifest shows something and no more.
func sample(m *facts.Manifest) bool { return inDirs(m.Path, sampleDirs) }

// workloadName is the entity of a workload and of a container in it.
func workloadName(m *facts.Manifest, c *facts.Container) string {
	name := strings.ToLower(m.Kind) + "/" + m.Name.Value
	if c != nil {
		name += " " + c.Name.Value
	}
	return name
}

// number reads a count of seconds, a port, a user.
func number(l facts.Line) (int, bool) {
	n, err := strconv.Atoi(l.Value)
	return n, err == nil
}

// orDefault is number with what Kubernetes takes where nothing is given.
func orDefault(l facts.Line, n int) int {
	if v, ok := number(l); ok {
		return v
	}
	return n
}

// selectedBy gives the workloads that a Service sends connections to: those
// of its own file, else of its directory, else the only one there is. Two
// samples with the same labels are no pair.
func selectedBy(r *facts.Repo, svc *facts.Manifest) []*facts.Manifest {
	var file, dir, all []*facts.Manifest
	for i := range r.Manifests {
		m := &r.Manifests[i]
		if m.Workload == nil || m.Workload.Partial || m.Namespace.Value != svc.Namespace.Value || !svc.Service.Selects(m.Workload) {
			continue
		}
		all = append(all, m)
		if m.Path == svc.Path {
			file = append(file, m)
		}
		if path.Dir(m.Path) == path.Dir(svc.Path) {
			dir = append(dir, m)
		}
	}
	switch {
	case len(file) > 0:
		return file
	case len(dir) > 0:
		return dir
	case len(all) == 1:
		return all
	}
	return nil
}

// runBase tells what is known of the image of a container: by the Dockerfile
// that makes it, by the habits of ko, or by its name.
func runBase(run *facts.Running) base {
	switch {
	case run.Certain == facts.Yes && run.Docker != nil:
		return baseOf(run.Docker, run.Stage)
	case run.Certain == facts.Yes && run.Base.Raw == "": // ko's default has no shell and another user than root
		return base{ref: run.Container.Image, libc: libcUnknown, shell: facts.No, root: facts.No}
	case run.Certain == facts.Yes:
		return known(run.Base)
	}
	return known(run.Container.Image)
}

// ownRuns visits the containers of whole workloads with what they run.
func ownRuns(r *facts.Repo, visit func(*facts.Running)) {
	runs := r.Runs()
	for i := range runs {
		if !inDirs(runs[i].Manifest.Path, testDirs) {
			visit(&runs[i])
		}
	}
}

// userOf gives runAsUser and runAsNonRoot as they are for one container: its
// own, else the pod's.
func userOf(w *facts.Workload, c *facts.Container) (user, nonRoot facts.Line) {
	user, nonRoot = c.Security.RunAsUser, c.Security.RunAsNonRoot
	if user.Value == "" {
		user = w.Security.RunAsUser
	}
	if nonRoot.Value == "" {
		nonRoot = w.Security.RunAsNonRoot
	}
	return user, nonRoot
}
