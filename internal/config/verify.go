package config

// Verify says how `slipway verify --run` runs what was built.
type Verify struct {
	Probe      string            `yaml:"probe"`      // http://:8080/healthz, https://…, tcp://:5432; default: what answers is found out
	ExpectStop string            `yaml:"expectStop"` // from the stop signal to the end, Go duration; default: 10s
	Slow       string            `yaml:"slow"`       // URL of a request that takes a while, to be under way at the stop signal
	Reload     string            `yaml:"reload"`     // signal after which it must go on serving, such as SIGHUP
	Runner     string            `yaml:"runner"`     // namespaces, runc or docker; default: namespaces
	Memory     string            `yaml:"memory"`     // limit, such as 64MiB
	Env        map[string]string `yaml:"env"`        // added to the environment of the image
	Args       []string          `yaml:"args"`       // instead of the arguments of the image
	Reach      map[string]string `yaml:"reach"`      // name:port as the program knows it: address on this machine
	Egress     []string          `yaml:"egress"`     // hosts that may be called before the first request, such as db.example.com or *.example.com:443
	Matrix     VerifyMatrix      `yaml:"matrix"`     //
}

// VerifyMatrix names endpoints of the program through which it is asked to
// reach what it may meet.
type VerifyMatrix struct {
	DNS       string            `yaml:"dns"`       // with {name}: http://:8080/resolve?name={name}
	TLS       string            `yaml:"tls"`       // with {url}: http://:8080/dial?url={url}
	Time      string            `yaml:"time"`      // with {zone}: http://:8080/time?zone={zone}
	Tmp       string            `yaml:"tmp"`       // http://:8080/tmp
	User      string            `yaml:"user"`      // http://:8080/user
	DB        string            `yaml:"db"`        // http://:8080/db, or with {dsn}
	Databases map[string]string `yaml:"databases"` // connection strings by a short name, for {dsn}
}
