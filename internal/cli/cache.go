package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/darkstart-dev/darkstart/internal/cache"
)

// cached is the flags of commands that compile: what they may take from the
// cache.
type cached struct {
	off, verify bool
	// note remembers what a run uses, for its shard.
	note bool
	// store is used in place of the one that the environment names.
	store *cache.Store
}

func (c *cached) register(f *pflag.FlagSet) {
	f.BoolVar(&c.off, "no-cache", false, "compute everything, and keep nothing")
	f.BoolVar(&c.verify, "verify-cache", false, "compute everything, and fail where the cache says something else")
}

// open returns the cache, nil when none is to be used.
func (c *cached) open(inv *Invocation) (*cache.Store, error) {
	if c.store != nil {
		return c.store, nil
	}
	dir := cacheDir(inv.Getenv)
	if c.off && c.verify {
		return nil, fmt.Errorf("--no-cache and --verify-cache exclude each other")
	}
	if c.off || dir == "" {
		return nil, nil
	}
	maker, err := program(dir)
	if err != nil {
		return nil, err
	}
	return cache.Open(cache.Config{Dir: dir, Maker: maker, Now: time.Now, Check: c.verify, Note: c.note}), nil
}

// cacheDir is where the XDG base directory specification puts caches, "" where
// the environment names no home.
func cacheDir(getenv func(string) string) string {
	if d := getenv("XDG_CACHE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "darkstart")
	}
	if d := getenv("HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, ".cache", "darkstart")
	}
	return ""
}

// program returns the digest of the running program. It is remembered by what
// changes when the file does, because reading it takes longer than most of what
// a cache saves.
func program(dir string) (string, error) {
	name, err := os.Executable()
	if err != nil {
		return "", err
	}
	fi, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	stat := []string{name, strconv.FormatInt(fi.Size(), 10), fi.ModTime().UTC().Format(time.RFC3339Nano)}
	return cache.Value(cache.Open(cache.Config{Dir: dir, Now: time.Now}), "program", stat, func() (string, error) {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		h := sha256.New()
		_, err = io.Copy(h, f)
		return hex.EncodeToString(h.Sum(nil)), err
	})
}

// complain says what the cache could not do: that it cannot be used once in a
// run, of damaged entries which. None of it changed a result.
func complain(inv *Invocation, s *cache.Store) {
	damaged := 0
	for _, p := range s.Run().Problems {
		what := p.Path
		if !errors.Is(p.Err, cache.ErrDamaged) {
			what = "cannot be used"
		}
		if slices.Contains(inv.told, what) {
			continue
		}
		inv.told = append(inv.told, what)
		if what != p.Path {
			fmt.Fprintf(inv.Stderr, "darkstart: the cache cannot be used, which costs time and nothing else: %v\n", p.Err)
		} else if damaged++; damaged == 1 {
			fmt.Fprintf(inv.Stderr, "darkstart: a result in the cache was damaged, and was computed again: %s\n", p.Path)
		}
	}
	if damaged > 1 {
		fmt.Fprintf(inv.Stderr, "darkstart: %s in the cache were damaged; is the disk failing?\n", amount(damaged, "result"))
	}
}

// kinds says what stages keep, in the order of the stages: what is done to make
// it, and what it is made of.
var kinds = []struct{ kind, done, of string }{
	{"evaluate", "evaluated", "units"},
	{"render", "rendered", "sources"},
	{"validate", "validated", "clusters"},
	{"judge", "judged", "clusters"},
	{"seal", "sealed", "bundles"},
}

// used notes that a command takes results from a cache.
func (in *input) used(inv *Invocation, s *cache.Store) {
	if s != nil && !slices.Contains(inv.stores, s) {
		inv.stores = append(inv.stores, s)
	}
	inv.quiet, inv.verified = in.quiet, in.cached.verify
}

// summarize says how much of a command's work was not in the cache: of one that
// took longer than a person waits without wondering, or that is traced.
func (inv *Invocation) summarize(took time.Duration) {
	all := map[string]cache.Tally{}
	for _, s := range inv.stores {
		for kind, t := range s.Run().Tallies {
			all[kind] = cache.Tally{Hits: all[kind].Hits + t.Hits, Misses: all[kind].Misses + t.Misses}
		}
	}
	var parts []string
	compared := 0
	for _, k := range []struct{ kind, done string }{{"check", "checked"}, {"compile", "compiled"}} {
		if all[k.kind].Hits > 0 && !inv.verified {
			parts = append(parts, "nothing changed since it was "+k.done)
		}
	}
	for _, k := range kinds {
		if t, ok := all[k.kind]; ok {
			compared += t.Hits
			parts = append(parts, fmt.Sprintf("%s %d of %d %s", k.done, t.Misses, t.Hits+t.Misses, k.of))
		}
	}
	if len(parts) == 0 {
		return
	}
	text := strings.Join(parts, ", ")
	if inv.verified {
		text = amount(compared, "result") + " compared with what was computed, none differs"
	}
	inv.recording.Note("cache", text)
	if !inv.quiet && (took >= time.Second || inv.recording.Hook() != nil) {
		fmt.Fprintf(inv.Stderr, "darkstart: cache: %s\n", text)
	}
}

// bound is how large the cache may grow between two prunings by itself, in
// bytes.
const bound = 4 << 30

// tidy prunes a cache that nobody has pruned for a day.
func tidy(s *cache.Store, stderr io.Writer) {
	if s == nil || !s.Due(24*time.Hour) {
		return
	}
	if _, _, err := s.Prune(bound); err != nil {
		fmt.Fprintf(stderr, "darkstart: the cache cannot be pruned: %v\n", err)
	}
}

func newCache(inv *Invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "show and bound what compiles keep for the next",
		Long: `Results of stages are kept between compiles, named by what they were made from
(docs/cache.md). The folder is darkstart/ in $XDG_CACHE_HOME, which is ~/.cache
unless set. It can be removed at any time: that costs time and nothing else.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCacheStats(inv), newCachePrune(inv))
	return cmd
}

// here opens the cache for a command about the cache itself.
func here(inv *Invocation) (*cache.Store, error) {
	dir := cacheDir(inv.Getenv)
	if dir == "" {
		return nil, fmt.Errorf("there is no cache: neither XDG_CACHE_HOME nor HOME is an absolute path")
	}
	return cache.Open(cache.Config{Dir: dir, Now: time.Now}), nil
}

type cacheStats struct {
	Dir     string `json:"dir"`
	Entries int    `json:"entries"`
	Bytes   int64  `json:"bytes"`
	// Oldest is the last use of what was not used for longest, RFC 3339.
	Oldest string `json:"oldest,omitempty"`
}

func newCacheStats(inv *Invocation) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "print where the cache is and what it holds",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := here(inv)
			if err != nil {
				return err
			}
			st, err := s.Stats()
			if err != nil {
				return err
			}
			out := cacheStats{Dir: s.Dir(), Entries: st.Entries, Bytes: st.Bytes}
			if !st.Oldest.IsZero() {
				out.Oldest = st.Oldest.UTC().Format(time.RFC3339)
			}
			if format == "json" {
				return printJSON(inv.Stdout, out)
			}
			_, err = fmt.Fprintf(inv.Stdout, "%s\n%s, %s\n", out.Dir, amount(out.Entries, "result"), humanize.IBytes(uint64(out.Bytes)))
			if err == nil && out.Oldest != "" {
				_, err = fmt.Fprintf(inv.Stdout, "the oldest was last used at %s\n", out.Oldest)
			}
			return err
		},
	}
	outputFlag(cmd, &format, "text", "json")
	return cmd
}

func newCachePrune(inv *Invocation) *cobra.Command {
	var limit string
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "remove what was not used for longest",
		Long: `prune removes results, those that were not used for longest first, until the
rest has at most the size of --max, and what killed processes left behind. A
compile does the same once a day, for 4 GiB.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			most, err := humanize.ParseBytes(limit)
			if err != nil || most > math.MaxInt64 {
				return fmt.Errorf("--max %q is not a size (want for example 500MiB, or 0 for everything)", limit)
			}
			s, err := here(inv)
			if err != nil {
				return err
			}
			after, removed, err := s.Prune(int64(most))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(inv.Stdout, "removed %s, %s; %s, %s stay\n",
				amount(removed.Entries, "result"), humanize.IBytes(uint64(removed.Bytes)),
				amount(after.Entries, "result"), humanize.IBytes(uint64(after.Bytes)))
			return err
		},
	}
	cmd.Flags().StringVar(&limit, "max", "0", "keep at most `SIZE`, for example 500MiB")
	return cmd
}
