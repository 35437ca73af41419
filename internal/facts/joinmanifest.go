package facts

import "path"

// joinManifests puts together what several objects say of one.
func (r *Repo) joinManifests() {
	if len(r.Manifests) == 0 {
		return
	}
	r.fillEnv()
	r.findPatched()
}

// findPatched marks the workloads that a Kustomization with patches takes in,
// over however many others, and those of which there is a partial object.
func (r *Repo) findPatched() {
	kustomizations := map[string]*Manifest{} // by directory
	partial := map[[2]string]bool{}
	for i := range r.Manifests {
		m := &r.Manifests[i]
		switch {
		case m.Kind == "Kustomization":
			kustomizations[path.Dir(m.Path)] = m
		case m.Workload != nil && m.Workload.Partial:
			partial[[2]string{m.Kind, m.Name.Value}] = true
		}
	}
	taken := map[string]bool{}
	var take func(dir string, k *Manifest)
	take = func(dir string, k *Manifest) {
		for _, l := range k.Resources {
			name := path.Join(dir, l.Value)
			if taken[name] {
				continue
			}
			taken[name] = true
			if below := kustomizations[name]; below != nil {
				take(name, below)
			}
		}
	}
	for dir, k := range kustomizations {
		if k.Patches.Value != "" {
			take(dir, k)
		}
	}
	for i := range r.Manifests {
		m := &r.Manifests[i]
		m.Patched = m.Workload != nil && (taken[m.Path] || partial[[2]string{m.Kind, m.Name.Value}])
	}
}

// fillEnv puts the values of ConfigMaps into the environments that name them,
// if the repository has one such ConfigMap and no more.
func (r *Repo) fillEnv() {
	maps := map[string][]*Manifest{}
	for i := range r.Manifests {
		if m := &r.Manifests[i]; m.Kind == "ConfigMap" {
			maps[m.Name.Value] = append(maps[m.Name.Value], m)
		}
	}
	if len(maps) == 0 {
		return
	}
	for i := range r.Manifests {
		if r.Manifests[i].Workload == nil {
			continue
		}
		for _, c := range r.Manifests[i].Workload.All() {
			for _, ref := range c.EnvRefs {
				cm := maps[ref.ConfigMap.Value]
				if len(cm) != 1 {
					continue
				}
				for k, v := range cm[0].Data {
					name := ref.Name.Value
					if name == "" {
						name = k
					} else if k != ref.Key.Value {
						continue
					}
					if c.Env == nil {
						c.Env = map[string]Line{}
					}
					if _, ok := c.Env[name]; !ok { // env comes before envFrom
						c.Env[name] = v
					}
				}
			}
		}
	}
}
