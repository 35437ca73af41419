package facts

// Manifest is one Kubernetes object of a YAML file. Of objects that are
// neither workloads nor stand between them and the net, only the head is kept.
type Manifest struct {
	Path       string          `json:"path"`
	APIVersion Line            `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Name       Line            `json:"name"`
	Namespace  Line            `json:"namespace,omitzero"`
	Labels     map[string]Line `json:"labels,omitempty"`
	Pos        Pos             `json:"pos"` // where the document begins
	Workload   *Workload       `json:"workload,omitempty"`
	Service    *Service        `json:"service,omitempty"`
	Backends   []Backend       `json:"backends,omitempty"`  // of an Ingress or an HTTPRoute
	Data       map[string]Line `json:"data,omitempty"`      // of a ConfigMap
	Images     []Line          `json:"images,omitempty"`    // that a Kustomization renames or tags
	Patches    Line            `json:"patches,omitzero"`    // the key with which a Kustomization begins to patch
	Resources  []Line          `json:"resources,omitempty"` // files and directories that a Kustomization takes
	// Patched says that another file of the repository changes this object:
	// what is not in it need not be absent.
	Patched bool `json:"patched,omitempty"`
}

// Workload is the template of the pods that a Deployment, StatefulSet,
// DaemonSet, ReplicaSet, Job or CronJob makes, or a Pod itself.
type Workload struct {
	Labels      map[string]Line `json:"labels,omitempty"`
	Containers  []Container     `json:"containers,omitempty"`
	Inits       []Container     `json:"inits,omitempty"`
	Volumes     []Volume        `json:"volumes,omitempty"`
	Security    Security        `json:"security,omitzero"`
	Grace       Line            `json:"grace,omitzero"` // terminationGracePeriodSeconds
	Replicas    Line            `json:"replicas,omitzero"`
	HostNetwork Line            `json:"hostNetwork,omitzero"`
	// Partial says that some container has no image: this is a patch of an
	// object that is whole elsewhere, and what is not in it may be there.
	Partial bool `json:"partial,omitempty"`
}

// Container is a container or an init container of a pod.
type Container struct {
	Pos           Pos             `json:"pos"`
	Name          Line            `json:"name"`
	Image         ImageRef        `json:"image"`
	PullPolicy    Line            `json:"pullPolicy,omitzero"`
	Command       []Line          `json:"command,omitempty"` // replaces the image's ENTRYPOINT
	Args          []Line          `json:"args,omitempty"`    // replaces the image's CMD
	Ports         []KubePort      `json:"ports,omitempty"`
	Env           map[string]Line `json:"env,omitempty"` // literal values; of a ConfigMap in the repository as well
	EnvRefs       []EnvRef        `json:"envRefs,omitempty"`
	Limits        map[string]Line `json:"limits,omitempty"`
	Requests      map[string]Line `json:"requests,omitempty"`
	Readiness     *Probe          `json:"readiness,omitempty"`
	Liveness      *Probe          `json:"liveness,omitempty"`
	Startup       *Probe          `json:"startup,omitempty"`
	PreStop       *Probe          `json:"preStop,omitempty"` // its handler; the periods are of no use to it
	Security      Security        `json:"security,omitzero"`
	Mounts        []Mount         `json:"mounts,omitempty"`
	RestartPolicy Line            `json:"restartPolicy,omitzero"` // Always makes an init container a sidecar
}

// EnvRef is a variable whose value is in another object: Key of a ConfigMap
// or a Secret, or all of its keys if there is no Name.
type EnvRef struct {
	Name      Line `json:"name,omitzero"`
	ConfigMap Line `json:"configMap,omitzero"`
	Secret    Line `json:"secret,omitzero"`
	Key       Line `json:"key,omitzero"`
}

// KubePort is a port of a container or a Service. Target is a Service's
// targetPort; the number of a container's port is Number.
type KubePort struct {
	Pos      Pos  `json:"pos"`
	Name     Line `json:"name,omitzero"`
	Number   Line `json:"number,omitzero"`
	Target   Line `json:"target,omitzero"`
	Protocol Line `json:"protocol,omitzero"`
}

// Probe is a probe, or the handler of a lifecycle hook.
type Probe struct {
	Pos          Pos    `json:"pos"`
	Kind         string `json:"kind,omitempty"` // httpGet, grpc, exec, tcpSocket, sleep; "" unknown
	Path         Line   `json:"path,omitzero"`
	Port         Line   `json:"port,omitzero"` // number, or name of a container's port
	Host         Line   `json:"host,omitzero"`
	Scheme       Line   `json:"scheme,omitzero"`
	Command      []Line `json:"command,omitempty"`
	Seconds      Line   `json:"seconds,omitzero"` // of sleep
	InitialDelay Line   `json:"initialDelay,omitzero"`
	Period       Line   `json:"period,omitzero"`
	Timeout      Line   `json:"timeout,omitzero"`
	Failures     Line   `json:"failures,omitzero"` // failureThreshold
}

// Security is a securityContext of a pod or a container.
type Security struct {
	Pos             Pos  `json:"pos,omitzero"`
	RunAsNonRoot    Line `json:"runAsNonRoot,omitzero"`
	RunAsUser       Line `json:"runAsUser,omitzero"`
	ReadOnlyRoot    Line `json:"readOnlyRoot,omitzero"`
	AllowEscalation Line `json:"allowEscalation,omitzero"`
	Privileged      Line `json:"privileged,omitzero"`
}

// Volume is a volume of a pod.
type Volume struct {
	Name Line   `json:"name"`
	Kind string `json:"kind,omitempty"` // emptyDir, configMap, secret, …
}

// Mount is where a container sees a volume.
type Mount struct {
	Name     Line `json:"name"`
	Path     Line `json:"path"`
	ReadOnly Line `json:"readOnly,omitzero"`
}

// Service is what a Service selects and where it sends its connections.
type Service struct {
	Selector map[string]Line `json:"selector,omitempty"`
	Type     Line            `json:"type,omitzero"`
	Headless bool            `json:"headless,omitempty"` // clusterIP: None: its clients go to the pods themselves
	Ports    []KubePort      `json:"ports,omitempty"`
}

// Backend is a Service that an Ingress or an HTTPRoute sends requests to.
type Backend struct {
	Service Line `json:"service"`
	Port    Line `json:"port,omitzero"` // number or name
}

// Sidecar reports whether an init container keeps running beside the others.
func (c *Container) Sidecar() bool { return c.RestartPolicy.Value == "Always" }

// All gives the init containers and the containers.
func (w *Workload) All() []*Container {
	var out []*Container
	for i := range w.Inits {
		out = append(out, &w.Inits[i])
	}
	for i := range w.Containers {
		out = append(out, &w.Containers[i])
	}
	return out
}

// Selects reports whether the Service sends connections to the pods.
func (s *Service) Selects(w *Workload) bool {
	for k, v := range s.Selector {
		if l, ok := w.Labels[k]; !ok || l.Value != v.Value {
			return false
		}
	}
	return len(s.Selector) > 0
}
