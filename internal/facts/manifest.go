package facts

// Manifest is one Kubernetes object of a YAML file.
type Manifest struct {
	Path string `json:"path"`
	Kind string `json:"kind"`
	Name Line   `json:"name"`
	Pos  Pos    `json:"pos"` // where the document begins
}
