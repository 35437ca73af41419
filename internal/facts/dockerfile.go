package facts

import (
	"bytes"
	"path"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// maxInstructions bounds the work on one Dockerfile.
const maxInstructions = 5000

// readDockerfile reads one Dockerfile as BuildKit does. It does not fail: Err
// says why something is missing.
func readDockerfile(name string, src []byte) Dockerfile {
	d := Dockerfile{Path: name, Args: map[string]Line{}}
	res, err := parser.Parse(bytes.NewReader(src))
	if err != nil {
		d.Err = err.Error()
		return d
	}
	if len(res.AST.Children) > maxInstructions {
		d.Err = "too many instructions"
		return d
	}
	r := dockerReader{d: &d, lines: strings.Split(string(src), "\n"), escape: res.EscapeToken}
	for _, n := range res.AST.Children {
		r.instruction(n)
	}
	if n := len(d.Stages); n > 0 {
		d.Stages[n-1].Last = true
	}
	return d
}

type dockerReader struct {
	d      *Dockerfile
	lines  []string
	escape rune
	known  map[string]string // ENV and ARG of the stage that is being read
	env    map[string]string // ENV of it
	shell  bool              // SHELL changed the shell to something that is not one of the Bourne family
	cmdSet bool              // the stage has a CMD of its own
}

func (r *dockerReader) pos(n *parser.Node) Pos {
	column := 1
	if n.StartLine >= 1 && n.StartLine <= len(r.lines) {
		l := r.lines[n.StartLine-1]
		column += len(l) - len(strings.TrimLeft(l, " \t\ufeff"))
	}
	return Pos{File: r.d.Path, Line: n.StartLine, Column: column}
}

// operand gives the place of an instruction's first operand if it stands in
// the instruction's first line as it is.
func (r *dockerReader) operand(n *parser.Node, vs []string) Pos {
	p := r.pos(n)
	if len(vs) == 0 || vs[0] == "" || n.StartLine < 1 || n.StartLine > len(r.lines) {
		return Pos{}
	}
	l := r.lines[n.StartLine-1]
	i := strings.Index(l[p.Column-1:], " "+vs[0])
	if i < 0 {
		return Pos{}
	}
	p.Column += i + 1
	return p
}

func (r *dockerReader) stage() *Stage {
	if len(r.d.Stages) == 0 {
		return nil
	}
	return &r.d.Stages[len(r.d.Stages)-1]
}

func values(n *parser.Node) []string {
	var out []string
	for n = n.Next; n != nil; n = n.Next {
		out = append(out, n.Value)
	}
	return out
}

func (r *dockerReader) instruction(n *parser.Node) {
	s, vs, pos := r.stage(), values(n), r.pos(n)
	switch strings.ToUpper(n.Value) {
	case "FROM":
		if len(vs) > 0 {
			r.from(n, vs, pos)
		}
		return
	case "ARG":
		r.arg(s, vs, pos)
		return
	}
	if s == nil {
		return
	}
	switch strings.ToUpper(n.Value) {
	case "ENV":
		for i := 0; i+1 < len(vs); i += 3 { // name, value, separator
			v := r.expand(vs[i+1])
			s.Env[vs[i]] = Line{v, pos}
			r.known[vs[i]], r.env[vs[i]] = v, v
		}
	case "WORKDIR":
		if len(vs) > 0 {
			s.Workdir = Line{r.absolute(s, r.expand(vs[0])), pos}
		}
	case "USER":
		if len(vs) > 0 {
			s.User = Line{r.expand(vs[0]), pos}
		}
	case "ENTRYPOINT":
		s.Entrypoint = &Exec{Shell: !n.Attributes["json"], Args: vs, Pos: pos, At: r.operand(n, vs)}
		if !r.cmdSet {
			s.Cmd = nil // an inherited CMD was meant for the inherited ENTRYPOINT
		}
	case "CMD":
		r.cmdSet = true
		s.Cmd = &Exec{Shell: !n.Attributes["json"], Args: vs, Pos: pos, At: r.operand(n, vs)}
	case "HEALTHCHECK":
		s.Health = nil
		if len(vs) > 1 && strings.EqualFold(vs[0], "CMD") {
			s.Health = &Exec{Shell: !n.Attributes["json"], Args: vs[1:], Pos: pos}
		}
	case "EXPOSE":
		for _, v := range vs {
			s.Exposes = append(s.Exposes, Line{r.expand(v), pos})
		}
	case "SHELL":
		sh := ""
		if len(vs) > 0 {
			sh = path.Base(vs[0])
		}
		r.shell = sh != "sh" && sh != "bash" && sh != "ash" && sh != "dash"
	case "COPY", "ADD":
		if c, ok := r.copyOf(s, n, vs, pos); ok {
			s.Copies = append(s.Copies, c)
		}
	case "RUN":
		s.Runs = append(s.Runs, r.run(s, n, pos))
	}
}

func (r *dockerReader) from(n *parser.Node, vs []string, pos Pos) {
	r.known = map[string]string{}
	for k, l := range r.d.Args {
		r.known[k] = l.Value
	}
	full := r.expand(vs[0])
	s := Stage{
		Index: len(r.d.Stages), Pos: pos, Env: map[string]Line{}, Args: map[string]Line{},
		Base:     imageRef(vs[0], full, pos),
		Parent:   r.d.stageNamed(full),
		Platform: r.expand(flagOf(n, "platform")),
	}
	if !Literal(s.Platform) {
		s.Platform = flagOf(n, "platform") // $BUILDPLATFORM says something as it stands
	}
	if at := r.operand(n, vs); at.Line > 0 {
		s.Base.Pos = at
	}
	if len(vs) >= 3 && strings.EqualFold(vs[1], "as") {
		s.Name = strings.ToLower(vs[2])
	}
	r.known, r.env, r.shell, r.cmdSet = map[string]string{}, map[string]string{}, false, false
	if s.Parent >= 0 {
		p := &r.d.Stages[s.Parent]
		for k, l := range p.Env {
			s.Env[k] = l
			r.known[k], r.env[k] = l.Value, l.Value
		}
		s.Workdir, s.User, s.Entrypoint, s.Cmd, s.Health = p.Workdir, p.User, p.Entrypoint, p.Cmd, p.Health
	}
	r.d.Stages = append(r.d.Stages, s)
}

func (r *dockerReader) arg(s *Stage, vs []string, pos Pos) {
	for _, v := range vs {
		name, value, has := strings.Cut(v, "=")
		l := Line{Pos: pos}
		switch global, ok := r.d.Args[name]; {
		case has && s == nil:
			r.known = map[string]string{}
			for k, l := range r.d.Args {
				r.known[k] = l.Value
			}
			l.Value = r.expand(value)
		case has:
			l.Value = r.expand(value)
		case s != nil && ok:
			l.Value = global.Value
		default:
			l.Value = NotLiteral
		}
		if s == nil {
			r.d.Args[name] = l
			continue
		}
		s.Args[name] = l
		if _, ok := r.env[name]; !ok { // ENV wins over ARG
			r.known[name] = l.Value
		}
	}
}

func (r *dockerReader) absolute(s *Stage, dir string) string {
	switch {
	case !Literal(dir):
		return NotLiteral
	case path.IsAbs(dir):
		return path.Clean(dir)
	case s.Workdir.Value == NotLiteral:
		return NotLiteral
	case s.Workdir.Value == "":
		if s.Parent < 0 && !strings.EqualFold(s.Base.Name, "scratch") {
			return inheritedDir(s.Base, dir)
		}
		return path.Join("/", dir)
	}
	return path.Join(s.Workdir.Value, dir)
}

// Familiar is the name of the image without what stands for the default
// registry and its official images.
func (r ImageRef) Familiar() string {
	return strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(r.Name, "index."), "docker.io/"), "library/")
}

// inheritedDir is dir below the working directory that a base image sets.
func inheritedDir(base ImageRef, dir string) string {
	switch base.Familiar() {
	case "golang":
		return path.Join("/go", dir)
	case "alpine", "debian", "ubuntu", "busybox":
		return path.Join("/", dir)
	}
	return NotLiteral
}

func flagOf(n *parser.Node, name string) string {
	for _, f := range n.Flags {
		if v, ok := strings.CutPrefix(f, "--"+name+"="); ok {
			return v
		}
	}
	return ""
}

func (r *dockerReader) copyOf(s *Stage, n *parser.Node, vs []string, pos Pos) (Copy, bool) {
	if len(vs) < 2 {
		return Copy{}, false
	}
	c := Copy{Pos: pos, From: r.expand(flagOf(n, "from")), FromStage: -1, Add: strings.EqualFold(n.Value, "add"), Checksum: flagOf(n, "checksum")}
	for _, v := range vs[:len(vs)-1] {
		if !strings.HasPrefix(v, "<<") {
			v = r.expand(v)
		}
		c.Srcs = append(c.Srcs, v)
	}
	dst := r.expand(vs[len(vs)-1])
	c.Dst = r.absolute(s, dst)
	if strings.HasSuffix(dst, "/") && c.Dst != "/" {
		c.Dst += "/"
	}
	c.FromStage = r.d.stageIndex(c.From, len(r.d.Stages)-1)
	return c, true
}

// stageIndex finds the stage below limit that ref names, by name or by
// number, -1 if none.
func (d *Dockerfile) stageIndex(ref string, limit int) int {
	if i, err := strconv.Atoi(ref); err == nil && i >= 0 && i < limit {
		return i
	}
	if i := d.stageNamed(ref); i < limit {
		return i
	}
	return -1
}

// stageNamed finds the last stage so far with that name, -1 if none.
func (d *Dockerfile) stageNamed(name string) int {
	for i := len(d.Stages) - 1; i >= 0 && name != ""; i-- {
		if strings.EqualFold(d.Stages[i].Name, name) {
			return i
		}
	}
	return -1
}

// imageRef splits an image's name. raw is as written, full with its variables
// expanded.
func imageRef(raw, full string, pos Pos) ImageRef {
	ref := ImageRef{Raw: raw, Resolved: Literal(full) && !strings.Contains(full, "$"), Pos: pos}
	full, ref.Digest, _ = strings.Cut(full, "@")
	ref.Name = full
	if i := strings.LastIndexByte(full, ':'); i > strings.LastIndexByte(full, '/') {
		ref.Name, ref.Tag = full[:i], full[i+1:]
	}
	return ref
}
