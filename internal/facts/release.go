package facts

// Release is one build of a goreleaser or ko configuration.
type Release struct {
	Path string `json:"path"`
	Tool string `json:"tool"` // goreleaser, ko
	ID   Line   `json:"id,omitzero"`
	Pos  Pos    `json:"pos"`
}
