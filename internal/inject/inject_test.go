package inject

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/slipway-build/slipway/internal/fault"
)

const deployment = `apiVersion: v1
kind: Service
metadata: {name: orders}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec:
      securityContext: {runAsUser: 1000, fsGroup: 2000, seccompProfile: {type: Localhost, localhostProfile: p.json}}
      initContainers:
      - {name: migrate, image: orders, args: [migrate]}
      containers:
      - name: app
        image: orders
        securityContext: {runAsUser: 4711, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
        volumeMounts: [{name: data, mountPath: /data}]
      - {name: sidecar, image: envoy}
      volumes:
      - {name: data, persistentVolumeClaim: {claimName: orders}}
`

const cronjob = `apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec:
  schedule: "0 * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: report, image: report}]
`

const bare = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"orders-0"},"spec":{"containers":[{"name":"app","image":"orders"}],"volumes":[{"name":"pvc","hostPath":{"path":"/x"}}]}}`

// subjects are manifests with the type Kubernetes has for them.
var subjects = []struct {
	name, manifest, target string
	object                 func() any
	spec                   func(any) *corev1.PodSpec
	group                  *int64 // fsGroup afterwards
	uid                    int64
}{
	{"deployment", deployment, "app", func() any { return &appsv1.Deployment{} }, func(o any) *corev1.PodSpec { return &o.(*appsv1.Deployment).Spec.Template.Spec }, new(int64(2000)), 4711},
	{"cronjob", cronjob, "", func() any { return &batchv1.CronJob{} }, func(o any) *corev1.PodSpec {
		return &o.(*batchv1.CronJob).Spec.JobTemplate.Spec.Template.Spec
	}, new(int64(nonroot)), nonroot},
	{"pod", bare, "", func() any { return &corev1.Pod{} }, func(o any) *corev1.PodSpec { return &o.(*corev1.Pod).Spec }, nil, nonroot},
}

// strict decodes into a type of Kubernetes, which must know every field.
func strict(t *testing.T, data []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// asJSON gives the last document of a manifest.
func asJSON(t *testing.T, manifest string) []byte {
	t.Helper()
	docs := strings.Split(manifest, "---\n")
	var v any
	if err := yaml.Unmarshal([]byte(docs[len(docs)-1]), &v); err != nil {
		t.Fatal(err)
	}
	return marshal(t, v)
}

func TestPatchesByKubernetes(t *testing.T) {
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			w, err := Parse([]byte(s.manifest), "m.yaml", "", "")
			if err != nil {
				t.Fatal(err)
			}
			r, err := Make(w, Options{Image: "registry.test/slipway", Target: s.target})
			if err != nil {
				t.Fatal(err)
			}
			before := s.object()
			original := asJSON(t, s.manifest)
			strict(t, original, before)

			patched, err := strategicpatch.StrategicMergePatch(marshal(t, before), marshal(t, r.Patch), s.object())
			if err != nil {
				t.Fatal(err)
			}
			after := s.object()
			strict(t, patched, after)
			added(t, s.spec(before), s.spec(after), r.Target, s.group, s.uid)

			t.Run("json patch", func(t *testing.T) {
				byJSON := s.object()
				strict(t, apply(t, original, r.JSONPatch), byJSON)
				if !reflect.DeepEqual(sorted(s.spec(byJSON)), sorted(s.spec(after))) {
					t.Errorf("it gives something else:\n%s\n%s", marshal(t, byJSON), marshal(t, after))
				}
			})
			t.Run("undo", func(t *testing.T) {
				undone, err := strategicpatch.StrategicMergePatch(patched, marshal(t, r.Undo), s.object())
				if err != nil {
					t.Fatal(err)
				}
				back := s.object()
				strict(t, undone, back)
				if b, a := s.spec(before), s.spec(back); b.SecurityContext == nil && a.SecurityContext != nil && reflect.DeepEqual(*a.SecurityContext, corev1.PodSecurityContext{}) {
					a.SecurityContext = nil // an empty one says nothing
				}
				if g, w := marshal(t, back), marshal(t, before); !bytes.Equal(normal(t, g), normal(t, w)) {
					t.Errorf("undone:\n%s\nbefore:\n%s", g, w)
				}
			})
			t.Run("twice", func(t *testing.T) {
				again, err := strategicpatch.StrategicMergePatch(patched, marshal(t, r.Patch), s.object())
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(normal(t, again), normal(t, patched)) {
					t.Errorf("a second time it changes something")
				}
				w, err := Parse(again, "m.json", "", "")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := Make(w, Options{Image: "registry.test/slipway", Target: s.target}); err != nil {
					t.Errorf("our own patch is in the way: %v", err)
				}
			})
			var c corev1.EphemeralContainer
			strict(t, marshal(t, r.Ephemeral), &c)
			if c.TargetContainerName != r.Target || !*c.SecurityContext.RunAsNonRoot {
				t.Errorf("ephemeral container: %+v", c)
			}
			var custom corev1.Container
			strict(t, marshal(t, r.Custom), &custom)
		})
	}
}

// added holds that what was there is as it was, and what came is confined.
func added(t *testing.T, before, after *corev1.PodSpec, target string, group *int64, uid int64) {
	t.Helper()
	if n := len(after.InitContainers); n != len(before.InitContainers)+1 || len(after.Volumes) != len(before.Volumes)+1 {
		t.Fatalf("%d init containers, %d volumes", n, len(after.Volumes))
	}
	for _, c := range before.InitContainers {
		if !slices.ContainsFunc(after.InitContainers, func(a corev1.Container) bool { return reflect.DeepEqual(a, c) }) {
			t.Errorf("init container %s is changed or gone", c.Name)
		}
	}
	for _, v := range before.Volumes {
		if !slices.ContainsFunc(after.Volumes, func(a corev1.Volume) bool { return reflect.DeepEqual(a, v) }) {
			t.Errorf("volume %s is changed or gone", v.Name)
		}
	}
	for i, c := range before.Containers {
		a := after.Containers[i]
		if c.Name == target {
			j := slices.IndexFunc(a.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == mountPath && m.ReadOnly })
			if j < 0 {
				t.Fatalf("no mount in %s: %+v", target, a.VolumeMounts)
			}
			a.VolumeMounts = slices.Delete(slices.Clone(a.VolumeMounts), j, j+1)
			if len(a.VolumeMounts) == 0 {
				a.VolumeMounts = nil
			}
		}
		if !bytes.Equal(marshal(t, a), marshal(t, c)) {
			t.Errorf("container %s is changed:\n%s\n%s", c.Name, marshal(t, a), marshal(t, c))
		}
	}
	i := slices.IndexFunc(after.InitContainers, func(c corev1.Container) bool { return c.Name == entryName })
	s := after.InitContainers[i].SecurityContext
	if !*s.RunAsNonRoot || *s.RunAsUser != uid || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem ||
		s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("security of the init container: %s", marshal(t, s))
	}
	if _, ok := after.InitContainers[i].Resources.Limits[corev1.ResourceMemory]; !ok {
		t.Error("the init container has no memory limit")
	}
	var now *int64
	if after.SecurityContext != nil {
		now = after.SecurityContext.FSGroup
		rest := after.SecurityContext.DeepCopy()
		rest.FSGroup = nil
		was := &corev1.PodSecurityContext{}
		if before.SecurityContext != nil {
			was = before.SecurityContext.DeepCopy()
			was.FSGroup = nil
		}
		if !reflect.DeepEqual(rest, was) {
			t.Errorf("security of the Pod: %s, before %s", marshal(t, rest), marshal(t, was))
		}
	}
	if !reflect.DeepEqual(now, group) {
		t.Errorf("fsGroup %s, want %s", marshal(t, now), marshal(t, group))
	}
}

// sorted orders the lists that Kubernetes takes for sets.
func sorted(p *corev1.PodSpec) *corev1.PodSpec {
	slices.SortFunc(p.InitContainers, func(a, b corev1.Container) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(p.Volumes, func(a, b corev1.Volume) int { return strings.Compare(a.Name, b.Name) })
	for _, c := range p.Containers {
		slices.SortFunc(c.VolumeMounts, func(a, b corev1.VolumeMount) int { return strings.Compare(a.MountPath, b.MountPath) })
	}
	return p
}

// normal drops what is empty.
func normal(t *testing.T, b []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	var prune func(any) any
	prune = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				if x = prune(x); x == nil {
					delete(v, k)
				} else {
					v[k] = x
				}
			}
			if len(v) == 0 {
				return nil
			}
		case []any:
			for i := range v {
				v[i] = prune(v[i])
			}
			if len(v) == 0 {
				return nil
			}
		}
		return v
	}
	return marshal(t, prune(v))
}

// apply carries out the operations of RFC 6902 that we use.
func apply(t *testing.T, doc []byte, ops []Operation) []byte {
	t.Helper()
	var root any
	if err := json.Unmarshal(doc, &root); err != nil {
		t.Fatal(err)
	}
	for _, op := range ops {
		var value any
		if err := json.Unmarshal(marshal(t, op.Value), &value); err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(strings.TrimPrefix(op.Path, "/"), "/")
		var set func(v any, parts []string) any
		set = func(v any, parts []string) any {
			if len(parts) == 0 {
				return value
			}
			switch v := v.(type) {
			case map[string]any:
				next, ok := v[parts[0]]
				if !ok && len(parts) > 1 {
					t.Fatalf("%s: there is no %s", op.Path, parts[0])
				}
				if ok && len(parts) == 1 && op.Op == "add" {
					t.Fatalf("%s: it is there already, and would be replaced", op.Path)
				}
				v[parts[0]] = set(next, parts[1:])
				return v
			case []any:
				if parts[0] == "-" {
					return append(v, value)
				}
				i := slices.Index([]string{"0", "1", "2", "3"}, parts[0])
				if i < 0 || i >= len(v) {
					t.Fatalf("%s: no element %s", op.Path, parts[0])
				}
				v[i] = set(v[i], parts[1:])
				return v
			}
			t.Fatalf("%s leads nowhere", op.Path)
			return nil
		}
		root = set(root, parts)
	}
	return marshal(t, root)
}

func TestWrongInput(t *testing.T) {
	two := deployment + "---\n" + cronjob
	for name, f := range map[string]func() error{
		"no image": func() error { _, err := Make(Workload{Kind: "Pod", Name: "a"}, Options{}); return err },
		"image": func() error {
			_, err := Make(Workload{Kind: "Pod", Name: "a"}, Options{Image: "x; rm -rf /"})
			return err
		},
		"several workloads": func() error { _, err := Parse([]byte(two), "m", "", ""); return err },
		"several containers": func() error {
			w, err := Parse([]byte(deployment), "m", "", "")
			if err == nil {
				_, err = Make(w, Options{Image: "x"})
			}
			return err
		},
		"unknown container": func() error {
			w, err := Parse([]byte(deployment), "m", "", "")
			if err == nil {
				_, err = Make(w, Options{Image: "x", Target: "web"})
			}
			return err
		},
		"taken": func() error {
			w, err := Parse([]byte(strings.ReplaceAll(bare, "pvc", entryName)), "m", "", "")
			if err == nil {
				_, err = Make(w, Options{Image: "x"})
			}
			return err
		},
		"nothing":  func() error { _, err := Parse([]byte("kind: Service\n"), "m", "", ""); return err },
		"not yaml": func() error { _, err := Parse([]byte("{{ .Values }}:\n- x: ["), "m", "", ""); return err },
		"a list":   func() error { _, err := Parse([]byte("- a\n- b\n"), "m", "", ""); return err },
		"no spec": func() error {
			_, err := Parse([]byte("kind: Deployment\nspec: {template: 3}\n"), "m", "", "")
			return err
		},
		"name": func() error { _, err := Named("pod/$(reboot)", ""); return err },
		"kind": func() error { _, err := Named("service/orders", ""); return err },
	} {
		if err := f(); fault.ExitCode(err) != fault.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w, err := Parse([]byte(two), "m", "cj/report", "ops"); err != nil || w.Kind != "CronJob" || w.Namespace != "ops" {
		t.Errorf("%+v, %v", w, err)
	}
}

// TestUnknownManifest: what cannot be known is not set.
func TestUnknownManifest(t *testing.T) {
	w, err := Named("deploy/orders", "shop")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Make(w, Options{Image: "x", Target: "app"})
	if err != nil {
		t.Fatal(err)
	}
	if b := string(marshal(t, r.Patch)); strings.Contains(b, "fsGroup") || r.JSONPatch != nil {
		t.Errorf("%s\n%+v", b, r.JSONPatch)
	}
	var d appsv1.Deployment
	strict(t, marshal(t, r.Patch), &d)
}

func TestInstall(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "program")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(src, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	o := InstallOptions{Source: src, Dir: filepath.Join(dir, "a", "b")}
	first, err := Install(t.Context(), o)
	if err != nil || !first.Changed {
		t.Fatalf("%+v, %v", first, err)
	}
	fi, err := os.Stat(first.Path)
	if err != nil || fi.Mode().Perm() != 0o755 {
		t.Fatalf("%v, %v", fi, err)
	}
	if again, err := Install(t.Context(), o); err != nil || again.Changed {
		t.Errorf("again: %+v, %v", again, err)
	}
	write("two")
	if _, err := Install(t.Context(), o); fault.ExitCode(err) != fault.Usage {
		t.Errorf("another program is replaced: %v", err)
	}
	if err := os.WriteFile(filepath.Join(o.Dir, tmpPrefix+"x"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Force = true
	full := o
	full.Free = func(string) (uint64, bool) { return 2, true }
	if _, err := Install(t.Context(), full); fault.ExitCode(err) != fault.Failed {
		t.Errorf("a full disk: %v", err)
	}
	if r, err := Install(t.Context(), o); err != nil || !r.Changed {
		t.Errorf("forced: %+v, %v", r, err)
	}
	entries, err := os.ReadDir(o.Dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if b, err := os.ReadFile(first.Path); err != nil || string(b) != "two" {
		t.Errorf("%q, %v", b, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "c", "slipway"), 0o755); err != nil {
		t.Fatal(err)
	}
	o.Dir = filepath.Join(dir, "c")
	if _, err := Install(t.Context(), o); fault.ExitCode(err) != fault.Usage {
		t.Errorf("a directory is replaced: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range []string{deployment, cronjob, bare, "kind: List\nitems: [{kind: Pod}]\n", "a: &a [*a]\n"} {
		f.Add([]byte(m))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := Parse(data, "m", "", "")
		if err != nil {
			return
		}
		if r, err := Make(w, Options{Image: "x"}); err == nil {
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
		}
	})
}
