// Package inject brings slipway into a Kubernetes Pod whose image holds nothing
// but its program: it writes the patches, and copies the running slipway out of
// its own image, since that has no cp.
//
// It applies no patch and talks to no cluster. A patch only adds: an init
// container, a volume, a mount of it, and a group for volumes if the Pod has
// none and no volume of it could be changed by that. What the manifest says of
// users, capabilities and file systems stays as it is.
//
// What the package knows of Kubernetes is written after the API reference of
// core/v1; its tests decode and apply the patches with the types of Kubernetes
// itself.
package inject

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// SchemaVersion of the Result document.
const SchemaVersion = 1

// The names of what is added.
const (
	entryName = "slipway"
	mountPath = "/slipway"
	// nonroot is the user of slipway's own images, and of most that mean it.
	nonroot = 65532
)

// Options says what is injected.
type Options struct {
	Image   string // of slipway; its entry point is slipway
	Target  string // container that gets the mount; empty: the only one
	FSGroup int64  // group of volumes where the Pod has none; 0: chosen, or left out
}

// Result is the patches for one workload.
type Result struct {
	SchemaVersion int      `json:"schemaVersion"`
	Workload      Workload `json:"workload"`
	Target        string   `json:"target,omitempty"`
	// Patch is a strategic merge patch; Undo takes back what it adds.
	Patch map[string]any `json:"patch,omitempty"`
	Undo  map[string]any `json:"undo,omitempty"`
	// JSONPatch is the same by RFC 6902; there is none where the manifest is
	// not known, since paths into it would be guessed.
	JSONPatch []Operation `json:"jsonPatch,omitempty"`
	// Ephemeral is a container for a Pod that runs already.
	Ephemeral map[string]any `json:"ephemeral"`
	// Custom is the same for kubectl debug --custom, which makes the container.
	Custom map[string]any `json:"custom"`
	Use    []Command      `json:"use"`
	Notes  []i18n.Message `json:"notes,omitempty"`
}

// Operation is a step of a JSON patch.
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Command is a line for a shell.
type Command struct {
	What i18n.Message `json:"what"`
	Line string       `json:"line"`
}

// Make makes the patches.
func Make(w Workload, o Options) (Result, error) {
	r := Result{SchemaVersion: SchemaVersion, Workload: w, Target: o.Target}
	if o.Image == "" {
		return r, fault.UsageError(i18n.M("inject.image"), i18n.M("inject.image.hint"))
	}
	if strings.ContainsAny(o.Image, " \t\n'\"\\$`") {
		return r, fault.UsageError(i18n.M("inject.image.bad", o.Image), i18n.M("inject.image.hint"))
	}
	if err := r.target(); err != nil {
		return r, err
	}
	uid := w.user(r.Target)
	r.Ephemeral, r.Custom = r.ephemeral(o, uid)
	if r.Target == "" {
		r.Notes = append(r.Notes, i18n.M("inject.note.target"))
	} else {
		if err := w.conflicts(); err != nil {
			return r, err
		}
		group := r.group(o)
		r.Patch = nest(kinds[w.Kind].path, r.additions(o, uid, group))
		r.Undo = nest(kinds[w.Kind].path, r.removals(group))
		if w.Known {
			r.JSONPatch = r.operations(o, uid, group)
		}
	}
	r.commands(o)
	return r, nil
}

// target finds the container that gets the mount.
func (r *Result) target() error {
	if r.Target != "" && !validName(r.Target) {
		return fault.UsageError(i18n.M("inject.name", r.Target), i18n.M("inject.name.hint"))
	}
	if !r.Workload.Known {
		return nil
	}
	var names []string
	for _, c := range r.Workload.pod.Containers {
		names = append(names, c.Name)
	}
	switch {
	case r.Target == "" && len(names) == 1:
		r.Target = names[0]
	case r.Target == "":
		return fault.UsageError(i18n.M("inject.target.which", strings.Join(names, ", ")), i18n.M("inject.target.hint"))
	case !slices.Contains(names, r.Target):
		return fault.UsageError(i18n.M("inject.target.unknown", r.Target, strings.Join(names, ", ")), i18n.M("inject.target.hint"))
	}
	return nil
}

// user is whom our containers run as: the target's user if the manifest names
// one that is not root, since it may look at the target's processes then.
func (w Workload) user(target string) int64 {
	uid := w.pod.Security.RunAsUser
	for _, c := range w.pod.Containers {
		if c.Name == target && c.Security.RunAsUser != nil {
			uid = c.Security.RunAsUser
		}
	}
	if uid == nil || *uid == 0 {
		return nonroot
	}
	return *uid
}

// conflicts refuses a manifest that uses our names for something else. What an
// earlier patch of ours added is no conflict.
func (w Workload) conflicts() error {
	for _, v := range w.pod.Volumes {
		if v.Name == entryName && v.Kind != "emptyDir" {
			return fault.UsageError(i18n.M("inject.taken.volume", entryName), i18n.M("inject.taken.hint"))
		}
	}
	for _, c := range w.pod.Containers {
		for _, m := range c.Mounts {
			if strings.TrimSuffix(m.Path, "/") == mountPath && m.Name != entryName {
				return fault.UsageError(i18n.M("inject.taken.mount", c.Name, mountPath), i18n.M("inject.taken.hint"))
			}
		}
		if c.Name == entryName {
			return fault.UsageError(i18n.M("inject.taken.container", entryName), i18n.M("inject.taken.hint"))
		}
	}
	return nil
}

// untouched are the kinds of volumes that fsGroup neither changes for good nor
// makes slow: the kubelet makes them anew for each Pod.
var untouched = []string{"configMap", "secret", "emptyDir", "projected", "downwardAPI", "image", ""}

// group is the fsGroup to add; 0: none.
func (r *Result) group(o Options) int64 {
	w := r.Workload
	switch {
	case w.pod.Security.FSGroup != nil:
		if o.FSGroup != 0 && o.FSGroup != *w.pod.Security.FSGroup {
			r.Notes = append(r.Notes, i18n.M("inject.note.fsgroup.kept", *w.pod.Security.FSGroup))
		}
		return 0
	case o.FSGroup != 0:
		return o.FSGroup
	case !w.Known:
		r.Notes = append(r.Notes, i18n.M("inject.note.unknown"))
		return 0
	}
	for _, v := range w.pod.Volumes {
		if !slices.Contains(untouched, v.Kind) {
			r.Notes = append(r.Notes, i18n.M("inject.note.fsgroup.volume", v.Name, v.Kind))
			return 0
		}
	}
	return nonroot
}

type object = map[string]any

// confined is the security context of our containers: what the restricted Pod
// security standard asks for, and a read-only root on top.
func confined(uid int64) object {
	return object{
		"runAsNonRoot":             true,
		"runAsUser":                uid,
		"allowPrivilegeEscalation": false,
		"readOnlyRootFilesystem":   true,
		"capabilities":             object{"drop": []any{"ALL"}},
		"seccompProfile":           object{"type": "RuntimeDefault"},
	}
}

func initContainer(o Options, uid int64) object {
	return object{
		"name":            entryName,
		"image":           o.Image,
		"args":            []any{"install-self", mountPath},
		"volumeMounts":    []any{object{"name": entryName, "mountPath": mountPath}},
		"securityContext": confined(uid),
		"resources": object{
			"requests": object{"cpu": "10m", "memory": "32Mi"},
			"limits":   object{"cpu": "500m", "memory": "128Mi"},
		},
	}
}

func sharedVolume() object {
	return object{"name": entryName, "emptyDir": object{"sizeLimit": "128Mi"}}
}

func targetMount() object {
	return object{"name": entryName, "mountPath": mountPath, "readOnly": true}
}

func (r *Result) additions(o Options, uid, group int64) object {
	p := object{
		"initContainers": []any{initContainer(o, uid)},
		"containers":     []any{object{"name": r.Target, "volumeMounts": []any{targetMount()}}},
		"volumes":        []any{sharedVolume()},
	}
	if group != 0 {
		p["securityContext"] = object{"fsGroup": group}
	}
	return p
}

func (r *Result) removals(group int64) object {
	gone := func(key, value string) object { return object{key: value, "$patch": "delete"} }
	p := object{
		"initContainers": []any{gone("name", entryName)},
		"containers":     []any{object{"name": r.Target, "volumeMounts": []any{gone("mountPath", mountPath)}}},
		"volumes":        []any{gone("name", entryName)},
	}
	if group != 0 {
		p["securityContext"] = object{"fsGroup": nil}
	}
	return p
}

// operations is the patch by RFC 6902. Lists that are not there are made.
func (r *Result) operations(o Options, uid, group int64) []Operation {
	w := r.Workload
	at := "/" + strings.Join(kinds[w.Kind].path, "/")
	var ops []Operation
	put := func(list string, i, n int, v any) {
		switch {
		case i >= 0:
			ops = append(ops, Operation{"replace", at + "/" + list + "/" + itoa(i), v})
		case n == 0:
			ops = append(ops, Operation{"add", at + "/" + list, []any{v}})
		default:
			ops = append(ops, Operation{"add", at + "/" + list + "/-", v})
		}
	}
	put("initContainers", slices.IndexFunc(w.pod.InitContainers, func(c container) bool { return c.Name == entryName }), len(w.pod.InitContainers), initContainer(o, uid))
	put("volumes", slices.IndexFunc(w.pod.Volumes, func(v volume) bool { return v.Name == entryName }), len(w.pod.Volumes), sharedVolume())
	t := slices.IndexFunc(w.pod.Containers, func(c container) bool { return c.Name == r.Target })
	mounts := w.pod.Containers[t].Mounts
	mounted := -1
	for i, m := range mounts {
		if m.Name == entryName {
			mounted = i
		}
	}
	put("containers/"+itoa(t)+"/volumeMounts", mounted, len(mounts), targetMount())
	switch {
	case group == 0:
	case w.pod.rawSecurity:
		ops = append(ops, Operation{"add", at + "/securityContext/fsGroup", group})
	default:
		ops = append(ops, Operation{"add", at + "/securityContext", object{"fsGroup": group}})
	}
	return ops
}

// ephemeral gives a container for a Pod that runs. It has neither resources
// nor ports: the API forbids them there.
func (r *Result) ephemeral(o Options, uid int64) (whole, custom object) {
	whole = object{
		"name":            entryName,
		"image":           o.Image,
		"args":            []any{"probe"},
		"securityContext": confined(uid),
	}
	if r.Target != "" {
		whole["targetContainerName"] = r.Target
	}
	return whole, object{"securityContext": confined(uid)}
}

func nest(path []string, inner object) object {
	for _, p := range slices.Backward(path) {
		inner = object{p: inner}
	}
	return inner
}
