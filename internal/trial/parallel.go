package trial

import (
	"context"
	"sync"
)

// each carries out jobs, some at a time. The first error ends it; the context
// of the others is cancelled then. done is called by one job at a time.
func each(ctx context.Context, parallel int, jobs []func(context.Context) error, done func(int)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		n    int
		slot = make(chan struct{}, parallel)
	)
	for _, job := range jobs {
		select {
		case slot <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slot }()
			err := job(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				cancel(err)
				return
			}
			n++
			done(n)
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
