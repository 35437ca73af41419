package facts

// Builds joins every go build and go install of the repository with what it meets.
func (r *Repo) Builds() []Build { return nil }

// Closure follows the imports of the packages in dirs, directories relative
// to the repository, through the repository's own files.
func (r *Repo) Closure(module *RepoModule, dirs []string, tags []string) Imports { return nil }
