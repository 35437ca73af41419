package facts

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds on one YAML file.
const (
	maxManifests = 500 // objects
	maxItems     = 200 // containers, ports, … of one object
)

// podKinds are the objects with pods, and where their template is.
var podKinds = map[string][]string{
	"Pod":                   {},
	"Deployment":            {"spec", "template"},
	"StatefulSet":           {"spec", "template"},
	"DaemonSet":             {"spec", "template"},
	"ReplicaSet":            {"spec", "template"},
	"ReplicationController": {"spec", "template"},
	"Job":                   {"spec", "template"},
	"CronJob":               {"spec", "jobTemplate", "spec", "template"},
}

// otherKinds are the objects without pods that are read.
var otherKinds = set("Service", "Ingress", "HTTPRoute", "ConfigMap", "List")

// readManifests reads the Kubernetes objects of a YAML file
// (kubernetes.io/docs/reference/kubernetes-api). Documents of other kinds,
// which may be large, are not parsed; templates and what is no YAML are passed
// over.
func readManifests(name string, src []byte) []Manifest {
	if base := path.Base(name); base == "kustomization.yaml" || base == "kustomization.yml" {
		return readKustomization(name, src)
	}
	if !bytes.Contains(src, []byte("apiVersion:")) || !bytes.Contains(src, []byte("kind:")) {
		return nil
	}
	var out []Manifest
	for above, doc := range yamlDocuments(src) {
		if !wantsDocument(doc) || len(out) >= maxManifests {
			continue
		}
		f, err := parseYAML(name, doc)
		if err != nil || f.root == nil {
			continue
		}
		f.above = above
		out = append(out, f.manifests(f.root, 0)...)
	}
	return out
}

// readKustomization reads what changes the objects of other files
// (kubectl.docs.kubernetes.io/references/kustomize/kustomization).
func readKustomization(name string, src []byte) []Manifest {
	f, err := parseYAML(name, src)
	if err != nil || f.root == nil || f.root.Kind != yaml.MappingNode {
		return nil
	}
	m := Manifest{Path: name, Kind: "Kustomization", Pos: f.pos(f.root)}
	for _, it := range f.list(get(f.root, "images")) {
		if l := f.line(get(it, "name")); l.Value != "" {
			m.Images = append(m.Images, l)
		}
	}
	for _, key := range []string{"resources", "bases", "components"} {
		its := f.scalars(get(f.root, key))
		m.Resources = append(m.Resources, its[:min(len(its), maxItems)]...)
	}
	for _, e := range entries(f.root) {
		switch k := e[0].Value; k {
		case "patches", "patchesStrategicMerge", "patchesJson6902", "components", "transformers", "replacements":
			m.Patches = Line{k, f.pos(e[0])}
		}
	}
	return []Manifest{m}
}

// yamlDocuments gives each document of a stream with the number of lines
// above it. A line that begins with --- ends even a block scalar
// (yaml.org/spec/1.2.2, 9.1.4).
func yamlDocuments(src []byte) func(func(int, []byte) bool) {
	return func(yield func(int, []byte) bool) {
		start, above, line := 0, 0, 0
		for i := 0; i < len(src); {
			end := len(src)
			if n := bytes.IndexByte(src[i:], '\n'); n >= 0 {
				end = i + n + 1
			}
			if t := src[i:end]; i > start && bytes.HasPrefix(t, []byte("---")) && (len(t) == 3 || strings.IndexByte(" \t\r\n", t[3]) >= 0) {
				if !yield(above, src[start:i]) {
					return
				}
				start, above = i, line
			}
			i = end
			line++
		}
		if start < len(src) {
			yield(above, src[start:])
		}
	}
}

// wantsDocument looks at the bytes of a document for a kind that is read.
func wantsDocument(doc []byte) bool {
	for rest := doc; ; {
		i := bytes.Index(rest, []byte("kind:"))
		if i < 0 {
			return false
		}
		if i == 0 || rest[i-1] == '\n' {
			v, _, _ := bytes.Cut(rest[i+len("kind:"):], []byte("\n"))
			v, _, _ = bytes.Cut(v, []byte("#"))
			kind := bytes.Trim(v, " \t\r\"'")
			_, pods := podKinds[string(kind)]
			return (pods || otherKinds[string(kind)]) && !bytes.Contains(doc, []byte("{{"))
		}
		rest = rest[i+len("kind:"):]
	}
}

func (f yamlFile) manifests(n *yaml.Node, depth int) []Manifest {
	kind := f.line(get(n, "kind")).Value
	if kind == "List" && depth == 0 {
		var out []Manifest
		for i, it := range items(get(n, "items")) {
			if i == maxManifests {
				break
			}
			out = append(out, f.manifests(deref(it), depth+1)...)
		}
		return out
	}
	at, pods := podKinds[kind]
	meta := get(n, "metadata")
	m := Manifest{
		Path: f.name, Kind: kind, APIVersion: f.line(get(n, "apiVersion")), Pos: f.pos(n),
		Name: f.line(get(meta, "name")), Namespace: f.line(get(meta, "namespace")), Labels: f.table(get(meta, "labels")),
	}
	if m.APIVersion.Value == "" || !pods && !otherKinds[kind] {
		return nil
	}
	spec := get(n, "spec")
	switch {
	case pods:
		if !standardGroups[group(m.APIVersion.Value)] {
			return nil // such as serving.knative.dev, which has other rules
		}
		t := n
		for _, key := range at {
			t = get(t, key)
		}
		m.Workload = f.workload(t)
		m.Workload.Replicas = f.line(get(spec, "replicas"))
	case kind == "Service" && m.APIVersion.Value == "v1":
		m.Service = &Service{Selector: f.table(get(spec, "selector")), Type: f.line(get(spec, "type")), Headless: f.line(get(spec, "clusterIP")).Value == "None", Ports: f.ports(get(spec, "ports"), "port")}
	case kind == "Ingress", kind == "HTTPRoute":
		m.Backends = f.backends(kind, spec)
	case kind == "ConfigMap":
		m.Data = f.table(get(n, "data"))
	}
	return []Manifest{m}
}

// standardGroups are those of Kubernetes' own objects with pods.
var standardGroups = set("", "apps", "batch", "extensions")

func group(apiVersion string) string {
	g, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return g
}

func (f yamlFile) workload(t *yaml.Node) *Workload {
	spec := get(t, "spec")
	w := &Workload{
		Labels:      f.table(get(get(t, "metadata"), "labels")),
		Containers:  f.containers(get(spec, "containers")),
		Inits:       f.containers(get(spec, "initContainers")),
		Security:    f.security(get(spec, "securityContext")),
		Grace:       f.line(get(spec, "terminationGracePeriodSeconds")),
		HostNetwork: f.line(get(spec, "hostNetwork")),
	}
	for _, v := range f.list(get(spec, "volumes")) {
		vol := Volume{Name: f.line(get(v, "name"))}
		for _, e := range entries(v) {
			if e[0].Value != "name" {
				vol.Kind = e[0].Value
			}
		}
		w.Volumes = append(w.Volumes, vol)
	}
	w.Partial = len(w.Containers) == 0 || slices.ContainsFunc(w.All(), func(c *Container) bool { return c.Image.Raw == "" })
	return w
}

// list gives the first items of a sequence, without what is too much to be
// written by hand.
func (f yamlFile) list(n *yaml.Node) []*yaml.Node {
	its := items(n)
	return its[:min(len(its), maxItems)]
}

func (f yamlFile) containers(n *yaml.Node) []Container {
	var out []Container
	for _, it := range f.list(n) {
		it = deref(it)
		if it == nil || it.Kind != yaml.MappingNode {
			continue
		}
		image := f.line(get(it, "image"))
		c := Container{
			Pos: f.pos(it), Name: f.line(get(it, "name")), Image: imageRef(image.Value, image.Value, image.Pos),
			PullPolicy: f.line(get(it, "imagePullPolicy")), RestartPolicy: f.line(get(it, "restartPolicy")),
			Command: f.scalars(get(it, "command")), Args: f.scalars(get(it, "args")),
			Ports:  f.ports(get(it, "ports"), "containerPort"),
			Limits: f.table(get(get(it, "resources"), "limits")), Requests: f.table(get(get(it, "resources"), "requests")),
			Readiness: f.probe(it, "readinessProbe"), Liveness: f.probe(it, "livenessProbe"), Startup: f.probe(it, "startupProbe"),
			PreStop: f.probe(get(it, "lifecycle"), "preStop"), Security: f.security(get(it, "securityContext")),
		}
		c.Env, c.EnvRefs = f.environment(it)
		for _, m := range f.list(get(it, "volumeMounts")) {
			c.Mounts = append(c.Mounts, Mount{f.line(get(m, "name")), f.line(get(m, "mountPath")), f.line(get(m, "readOnly"))})
		}
		out = append(out, c)
	}
	return out
}

func (f yamlFile) environment(c *yaml.Node) (env map[string]Line, refs []EnvRef) {
	for _, e := range f.list(get(c, "env")) {
		name := f.line(get(e, "name"))
		from := get(e, "valueFrom")
		switch v := f.line(get(e, "value")); {
		case name.Value == "":
		case from != nil:
			cm, secret := get(from, "configMapKeyRef"), get(from, "secretKeyRef")
			if r := (EnvRef{Name: name, ConfigMap: f.line(get(cm, "name")), Secret: f.line(get(secret, "name")), Key: f.line(get(cm, "key"))}); cm != nil || secret != nil {
				refs = append(refs, r)
			}
		case v.Pos.File != "":
			if env == nil {
				env = map[string]Line{}
			}
			env[name.Value] = v
		}
	}
	for _, e := range f.list(get(c, "envFrom")) {
		refs = append(refs, EnvRef{ConfigMap: f.line(get(get(e, "configMapRef"), "name")), Secret: f.line(get(get(e, "secretRef"), "name"))})
	}
	return env, refs
}

func (f yamlFile) ports(n *yaml.Node, number string) []KubePort {
	var out []KubePort
	for _, p := range f.list(n) {
		if p = deref(p); p != nil && p.Kind == yaml.MappingNode {
			out = append(out, KubePort{f.pos(p), f.line(get(p, "name")), f.line(get(p, number)), f.line(get(p, "targetPort")), f.line(get(p, "protocol"))})
		}
	}
	return out
}

func (f yamlFile) probe(parent *yaml.Node, key string) *Probe {
	n := get(parent, key)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	p := &Probe{
		Pos: f.pos(n), InitialDelay: f.line(get(n, "initialDelaySeconds")), Period: f.line(get(n, "periodSeconds")),
		Timeout: f.line(get(n, "timeoutSeconds")), Failures: f.line(get(n, "failureThreshold")),
	}
	for _, kind := range []string{"httpGet", "grpc", "exec", "tcpSocket", "sleep"} {
		h := get(n, kind)
		if h == nil {
			continue
		}
		p.Kind = kind
		p.Path, p.Port, p.Host, p.Scheme = f.line(get(h, "path")), f.line(get(h, "port")), f.line(get(h, "host")), f.line(get(h, "scheme"))
		p.Command, p.Seconds = f.scalars(get(h, "command")), f.line(get(h, "seconds"))
	}
	return p
}

func (f yamlFile) security(n *yaml.Node) Security {
	if n == nil || n.Kind != yaml.MappingNode {
		return Security{}
	}
	return Security{
		f.pos(n), f.line(get(n, "runAsNonRoot")), f.line(get(n, "runAsUser")), f.line(get(n, "readOnlyRootFilesystem")),
		f.line(get(n, "allowPrivilegeEscalation")), f.line(get(n, "privileged")),
	}
}

func (f yamlFile) backends(kind string, spec *yaml.Node) []Backend {
	var out []Backend
	add := func(b *yaml.Node) {
		if s := get(b, "service"); s != nil { // networking.k8s.io/v1
			port := get(s, "port")
			l := f.line(get(port, "number"))
			if l.Value == "" {
				l = f.line(get(port, "name"))
			}
			out = append(out, Backend{f.line(get(s, "name")), l})
		}
	}
	if kind == "Ingress" {
		add(get(spec, "defaultBackend"))
	}
	for _, r := range f.list(get(spec, "rules")) {
		for _, p := range f.list(get(get(r, "http"), "paths")) {
			add(get(p, "backend"))
		}
		for _, b := range f.list(get(r, "backendRefs")) {
			if k := f.line(get(b, "kind")).Value; k == "" || k == "Service" {
				out = append(out, Backend{f.line(get(b, "name")), f.line(get(b, "port"))})
			}
		}
	}
	return out
}
