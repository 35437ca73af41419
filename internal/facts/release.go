package facts

// Release is one build of a goreleaser or ko configuration. A ko
// configuration without builds gives one Release without Main, for its Base.
type Release struct {
	Path    string          `json:"path"`
	Tool    string          `json:"tool"` // goreleaser, ko
	ID      Line            `json:"id,omitzero"`
	Pos     Pos             `json:"pos"`
	Main    Line            `json:"main,omitzero"` // package, relative to Dir; "" is "."
	Dir     Line            `json:"dir,omitzero"`
	Binary  Line            `json:"binary,omitzero"`
	Env     map[string]Line `json:"env,omitempty"`
	Flags   []Line          `json:"flags,omitempty"`
	Tags    []Line          `json:"tags,omitempty"`
	Ldflags []Line          `json:"ldflags,omitempty"`
	GOOS    []Line          `json:"goos,omitempty"` // as written; none means the tool's default
	GOARCH  []Line          `json:"goarch,omitempty"`
	Images  []ReleaseImage  `json:"images,omitempty"` // that hold the binary
	Base    ImageRef        `json:"base,omitzero"`    // below the images of ko
}

// ReleaseImage is one of the dockers of goreleaser.
type ReleaseImage struct {
	Dockerfile Line   `json:"dockerfile,omitzero"`
	Names      []Line `json:"names,omitempty"` // templates and all
}
