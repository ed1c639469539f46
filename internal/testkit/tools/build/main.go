// Command build builds the stock programs that tests hold Darkstart against,
// those that are not there yet. `make tools` runs it; it takes some CPU
// minutes once.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "tools:", err)
		os.Exit(1)
	}
}

// run builds two programs at once: compiling uses every core by itself, but
// linking does not.
func run(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(2)
	for _, p := range tools.Programs() {
		g.Go(func() error {
			start := time.Now()
			bin, err := tools.Build(ctx, p)
			if err != nil {
				return fmt.Errorf("%s %s: %w", p.Name(), p.Version, err)
			}
			fmt.Printf("%-10s %-8s %5.1fs  %s\n", p.Name(), p.Version, time.Since(start).Seconds(), bin)
			return nil
		})
	}
	return g.Wait()
}
