package image

import (
	"maps"
	"slices"
	"time"
)

// Config is what an image's configuration says about its containers (OCI image
// specification, config.md, and the fields of Docker).
type Config struct {
	OSVersion   string            `json:"osVersion,omitempty"`
	Author      string            `json:"author,omitempty"`
	Created     time.Time         `json:"created,omitzero"`
	User        string            `json:"user,omitempty"` // user[:group], names or numbers; empty: root
	Entrypoint  []string          `json:"entrypoint,omitempty"`
	Cmd         []string          `json:"cmd,omitempty"`
	Env         []string          `json:"env,omitempty"`
	Workdir     string            `json:"workdir,omitempty"`
	Ports       []string          `json:"ports,omitempty"` // such as 8080/tcp, sorted
	Volumes     []string          `json:"volumes,omitempty"`
	StopSignal  string            `json:"stopSignal,omitempty"` // empty: SIGTERM
	Healthcheck *Healthcheck      `json:"healthcheck,omitempty"`
	Shell       []string          `json:"shell,omitempty"` // of the shell form; empty: /bin/sh -c
	Labels      map[string]string `json:"labels,omitempty"`
	OnBuild     []string          `json:"onBuild,omitempty"`
	History     []History         `json:"history,omitempty"`
}

// Healthcheck is Docker's health check; zero durations are the engine's.
type Healthcheck struct {
	Test          []string      `json:"test"` // CMD and arguments, CMD-SHELL and a line, or NONE
	Interval      time.Duration `json:"interval,omitempty"`
	Timeout       time.Duration `json:"timeout,omitempty"`
	StartPeriod   time.Duration `json:"startPeriod,omitempty"`
	StartInterval time.Duration `json:"startInterval,omitempty"`
	Retries       int           `json:"retries,omitempty"`
}

// History is how a layer came about, as its builder tells.
type History struct {
	Created    time.Time `json:"created,omitzero"`
	CreatedBy  string    `json:"createdBy,omitempty"`
	Author     string    `json:"author,omitempty"`
	Comment    string    `json:"comment,omitempty"`
	EmptyLayer bool      `json:"emptyLayer,omitempty"` // it made no layer
}

// Args gives the entry point with the arguments of the image: what a container
// executes if nothing else is asked for.
func (c Config) Args() []string { return slices.Concat(c.Entrypoint, c.Cmd) }

// exported is the configuration for others than this package.
func (c configFile) exported() Config {
	r := c.Config
	out := Config{
		OSVersion: c.OSVersion, Author: c.Author, User: r.User, Entrypoint: r.Entrypoint, Cmd: r.Cmd, Env: r.Env, Workdir: r.WorkingDir,
		Ports: slices.Sorted(maps.Keys(r.ExposedPorts)), Volumes: slices.Sorted(maps.Keys(r.Volumes)),
		StopSignal: r.StopSignal, Shell: r.Shell, Labels: r.Labels, OnBuild: r.OnBuild,
	}
	if c.Created != nil {
		out.Created = *c.Created
	}
	if h := r.Healthcheck; h != nil {
		out.Healthcheck = &Healthcheck{
			Test: h.Test, Interval: time.Duration(h.Interval), Timeout: time.Duration(h.Timeout),
			StartPeriod: time.Duration(h.StartPeriod), StartInterval: time.Duration(h.StartInterval), Retries: h.Retries,
		}
	}
	for _, h := range c.History {
		e := History{CreatedBy: h.CreatedBy, Author: h.Author, Comment: h.Comment, EmptyLayer: h.EmptyLayer}
		if h.Created != nil {
			e.Created = *h.Created
		}
		out.History = append(out.History, e)
	}
	return out
}
