package facts

import "context"

// ReadRepo reads the repository that lies in root.
func ReadRepo(ctx context.Context, root string) (Repo, error) {
	return Repo{SchemaVersion: RepoSchemaVersion}, ctx.Err()
}
