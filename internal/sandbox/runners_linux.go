package sandbox

func newRunner(name string, o Options) Runner {
	switch name {
	default:
		return Namespaces{}
	}
}
