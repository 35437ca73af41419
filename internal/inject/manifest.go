package inject

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Workload is what is patched: a Pod, or what makes Pods.
type Workload struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
	// Known is set when the manifest was read, so that what it says of security
	// can be kept and what it has already need not be guessed.
	Known bool `json:"known"`

	pod podSpec
}

// podSpec is what a patch has to know of a Pod (core/v1 PodSpec).
type podSpec struct {
	Containers     []container `yaml:"containers"`
	InitContainers []container `yaml:"initContainers"`
	Volumes        []volume    `yaml:"volumes"`
	Security       podSecurity `yaml:"securityContext"`
	rawSecurity    bool        // securityContext is there at all
}

type container struct {
	Name     string `yaml:"name"`
	Security struct {
		RunAsUser *int64 `yaml:"runAsUser"`
	} `yaml:"securityContext"`
	Mounts []struct {
		Name string `yaml:"name"`
		Path string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

type podSecurity struct {
	RunAsUser *int64 `yaml:"runAsUser"`
	FSGroup   *int64 `yaml:"fsGroup"`
}

// volume holds its name and what kind of volume it is.
type volume struct {
	Name string
	Kind string
}

func (v *volume) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch k := n.Content[i].Value; k {
		case "name":
			v.Name = n.Content[i+1].Value
		default:
			v.Kind = k
		}
	}
	return nil
}

// kinds are the workloads, by the path from their root to the PodSpec, and
// what kubectl calls them.
var kinds = map[string]struct {
	path    []string
	kubectl string
}{
	"Pod":                   {[]string{"spec"}, "pod"},
	"Deployment":            {[]string{"spec", "template", "spec"}, "deployment"},
	"StatefulSet":           {[]string{"spec", "template", "spec"}, "statefulset"},
	"DaemonSet":             {[]string{"spec", "template", "spec"}, "daemonset"},
	"ReplicaSet":            {[]string{"spec", "template", "spec"}, "replicaset"},
	"ReplicationController": {[]string{"spec", "template", "spec"}, "replicationcontroller"},
	"Job":                   {[]string{"spec", "template", "spec"}, "job"},
	"CronJob":               {[]string{"spec", "jobTemplate", "spec", "template", "spec"}, "cronjob"},
}

// Bounds of a manifest: bytes, and documents in it.
const (
	MaxManifest  = 4 << 20
	maxDocuments = 1000
)

// Named is a workload that is known by its name alone: NAME for a Pod, or
// kind/name as kubectl takes it.
func Named(ref, namespace string) (Workload, error) {
	kind, name, ok := strings.Cut(ref, "/")
	if !ok {
		kind, name = "pod", ref
	}
	for k, v := range kinds {
		if short := map[string]string{"po": "pod", "deploy": "deployment", "sts": "statefulset", "ds": "daemonset", "rs": "replicaset", "rc": "replicationcontroller", "cj": "cronjob"}[strings.ToLower(kind)]; short != "" {
			kind = short
		}
		if strings.EqualFold(strings.TrimSuffix(strings.ToLower(kind), "s"), strings.TrimSuffix(v.kubectl, "s")) {
			if !validName(name) {
				return Workload{}, fault.UsageError(i18n.M("inject.name", name), i18n.M("inject.name.hint"))
			}
			return Workload{Kind: k, Name: name, Namespace: namespace}, nil
		}
	}
	return Workload{}, fault.UsageError(i18n.M("inject.kind", kind), i18n.M("inject.kind.hint"))
}

// validName is RFC 1123 as Kubernetes applies it to names.
func validName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for i, r := range s {
		alnum := r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
		if !alnum && (r != '-' && r != '.' || i == 0 || i == len(s)-1) {
			return false
		}
	}
	return true
}

// Parse finds the workload in a manifest of one or several documents. want is
// kind/name, or empty if there is only one. file is its name for messages.
func Parse(data []byte, file, want, namespace string) (Workload, error) {
	var found []Workload
	d := yaml.NewDecoder(bytes.NewReader(data))
	for range maxDocuments {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Workload{}, &fault.Error{Pos: fault.Pos{File: file}, Msg: i18n.M("inject.yaml"), Code: fault.Usage, Cause: err}
		}
		ws, err := workloads(&doc, file)
		if err != nil {
			return Workload{}, err
		}
		found = append(found, ws...)
	}
	if want != "" {
		w, err := Named(want, namespace)
		if err != nil {
			return Workload{}, err
		}
		found = slices.DeleteFunc(found, func(f Workload) bool { return f.Kind != w.Kind || f.Name != w.Name })
	}
	switch len(found) {
	case 0:
		return Workload{}, &fault.Error{Pos: fault.Pos{File: file}, Msg: i18n.M("inject.none"), Hint: i18n.M("inject.kind.hint"), Code: fault.Usage}
	case 1:
	default:
		var names []string
		for _, f := range found {
			names = append(names, f.ref())
		}
		return Workload{}, &fault.Error{Pos: fault.Pos{File: file}, Msg: i18n.M("inject.several", strings.Join(names, ", ")), Hint: i18n.M("inject.several.hint"), Code: fault.Usage}
	}
	w := found[0]
	if namespace != "" {
		w.Namespace = namespace
	}
	return w, nil
}

// ref is what kubectl calls the workload.
func (w Workload) ref() string { return kinds[w.Kind].kubectl + "/" + w.Name }

func workloads(doc *yaml.Node, file string) ([]Workload, error) {
	var head struct {
		Kind     string `yaml:"kind"`
		Metadata struct {
			Name         string `yaml:"name"`
			GenerateName string `yaml:"generateName"`
			Namespace    string `yaml:"namespace"`
		} `yaml:"metadata"`
		Items []yaml.Node `yaml:"items"`
	}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 && doc.Content[0].Kind != yaml.MappingNode {
		return nil, nil
	}
	if err := doc.Decode(&head); err != nil {
		return nil, &fault.Error{Pos: fault.Pos{File: file, Line: doc.Line}, Msg: i18n.M("inject.yaml"), Code: fault.Usage, Cause: err}
	}
	if strings.HasSuffix(head.Kind, "List") {
		var out []Workload
		for i := range head.Items {
			// A list in a list is nothing that kubectl gives.
			if ws, err := workloads(&head.Items[i], file); err != nil {
				return nil, err
			} else if len(out) < maxDocuments {
				out = append(out, ws...)
			}
		}
		return out, nil
	}
	k, ok := kinds[head.Kind]
	if !ok {
		return nil, nil
	}
	n := doc
	if n.Kind == yaml.DocumentNode {
		n = n.Content[0]
	}
	for _, p := range k.path {
		next := child(n, p)
		if next == nil {
			return nil, &fault.Error{Pos: fault.Pos{File: file, Line: n.Line}, Msg: i18n.M("inject.nospec", head.Kind+"/"+head.Metadata.Name, strings.Join(k.path, ".")), Code: fault.Usage}
		}
		n = next
	}
	w := Workload{Kind: head.Kind, Name: head.Metadata.Name, Namespace: head.Metadata.Namespace, Known: true}
	if w.Name == "" {
		w.Name = strings.TrimSuffix(head.Metadata.GenerateName, "-")
	}
	if err := n.Decode(&w.pod); err != nil {
		return nil, &fault.Error{Pos: fault.Pos{File: file, Line: n.Line}, Msg: i18n.M("inject.yaml"), Code: fault.Usage, Cause: err}
	}
	if len(w.pod.Containers) == 0 {
		return nil, &fault.Error{Pos: fault.Pos{File: file, Line: n.Line}, Msg: i18n.M("inject.nocontainers", w.ref()), Code: fault.Usage}
	}
	sec := child(n, "securityContext")
	w.pod.rawSecurity = sec != nil && sec.Tag != "!!null"
	return []Workload{w}, nil
}

// child gives the value of a key; nil if there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
