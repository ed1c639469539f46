// Command build builds the stock programs of the end-to-end test, those that
// are not there yet, one after the other: compiling uses every core by itself.
// `make e2e` runs it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/darkstart-dev/darkstart/internal/e2e/programs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	base, err := programs.Dir()
	if err != nil {
		return err
	}
	for _, p := range programs.All() {
		start := time.Now()
		built, err := programs.Build(ctx, base, p)
		if err != nil {
			return err
		}
		if built {
			fmt.Printf("built %s %s in %.0fs\n", p.Name, p.Version, time.Since(start).Seconds())
		}
	}
	return nil
}
