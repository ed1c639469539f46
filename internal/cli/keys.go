package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// passwordVariable is cosign's, so that one secret serves both tools where no
// more specific one is set (passwordVariables).
const passwordVariable = "COSIGN_PASSWORD"

func newKeys(inv *Invocation) *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "make key pairs for releases and attestations", Args: cobra.NoArgs}
	cmd.AddCommand(newKeysGenerate(inv), newKeysExport(inv))
	return cmd
}

func newKeysGenerate(inv *Invocation) *cobra.Command {
	var role, algorithm, out string
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "write an encrypted key pair in cosign's format",
		Long: `generate writes ROLE.key (private, encrypted) and ROLE.pub. The passphrase comes
from DARKSTART_RELEASE_PASSWORD or DARKSTART_ATTEST_PASSWORD, by role, else from
COSIGN_PASSWORD, or is asked for. Existing files are never overwritten: a
lost release key cannot be made again.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			pair, err := seal.GenerateKeyPair(seal.Algorithm(algorithm), newPassword(inv, seal.Role(role), role+".key"))
			if err != nil {
				return err
			}
			pair = pair.For(seal.Role(role))
			private, public := filepath.Join(out, role+".key"), filepath.Join(out, role+".pub")
			for _, f := range []string{private, public} {
				if _, err := os.Lstat(f); !errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("%s exists already; choose another folder with --out", f)
				}
			}
			if err := os.MkdirAll(out, 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(private, pair.Private, 0o600); err != nil {
				return err
			}
			if err := os.WriteFile(public, pair.Public, 0o644); err != nil {
				return err
			}
			_, err = fmt.Fprintf(inv.Stdout, "wrote %s (keep it secret, keep a copy in escrow) and %s\n", private, public)
			return err
		},
	}
	choiceFlag(cmd, &role, "role", "", "what the key may sign", string(seal.RoleRelease), string(seal.RoleAttest))
	choiceFlag(cmd, &algorithm, "algorithm", "", "kind of key", string(seal.ECDSAP256), string(seal.Ed25519))
	cmd.Flags().StringVar(&out, "out", ".", "write into `DIR`")
	return cmd
}

func newKeysExport(inv *Invocation) *cobra.Command {
	var role, key string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "print the public half of a private key, wherever it is kept",
		Long: `export prints the public key in PEM form, for verify --key, cosign and Flux. KEY
is a file, env://NAME, or NAME://KEY for a key that a service keeps: the program
sigstore-kms-NAME on PATH is asked, by sigstore's plugin protocol.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, ds, err := seal.LoadSigner(cmd.Context(), key, seal.Role(role), keySource(inv), password(inv, seal.Role(role), "", key))
			if err != nil {
				return err
			}
			for _, d := range ds {
				if d.Severity == diag.Error {
					return d.Err()
				}
				fmt.Fprintln(inv.Stderr, diag.List{d})
			}
			_, err = inv.Stdout.Write(s.Public().PEM())
			return err
		},
	}
	choiceFlag(cmd, &role, "role", "", "what the key was made for", string(seal.RoleRelease), string(seal.RoleAttest))
	cmd.Flags().StringVar(&key, "key", "", "private `KEY`")
	_ = cmd.MarkFlagRequired("key")
	return cmd
}

// keySource reads keys for the seal stage, which reaches neither disk nor
// environment by itself.
func keySource(inv *Invocation) seal.KeySource {
	return seal.KeySource{ReadFile: os.ReadFile, Getenv: inv.Getenv, Mode: mode, Remote: true}
}

// mode returns the permissions of a file, where permissions mean anything.
func mode(name string) (fs.FileMode, error) {
	if runtime.GOOS == "windows" {
		return 0, nil
	}
	fi, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	return fi.Mode(), nil
}

// password returns how the passphrase of a private key is found: from the
// environment, else from the terminal, which is told which key is meant. There
// is no flag for it: flags end up in shell histories and process lists. stream
// is "" for a key of no one stream.
func password(inv *Invocation, role seal.Role, stream, key string) seal.Password {
	return func() ([]byte, error) {
		names := passwordVariables(role, stream)
		for _, name := range names {
			if p := inv.Getenv(name); p != "" {
				return []byte(p), nil
			}
		}
		return askTerminal(inv, "passphrase of "+key+": ", "no passphrase: set "+passwordVariable+", or "+names[0]+" for this key")
	}
}

// newPassword is the passphrase of a key that is made: asked for twice.
func newPassword(inv *Invocation, role seal.Role, key string) seal.Password {
	return func() ([]byte, error) {
		for _, name := range passwordVariables(role, "") {
			if p := inv.Getenv(name); p != "" {
				return []byte(p), nil
			}
		}
		first, err := password(inv, role, "", key)()
		if err != nil {
			return nil, err
		}
		second, err := askTerminal(inv, "once more: ", "")
		if err == nil && string(first) != string(second) {
			return nil, errors.New("the passphrases differ")
		}
		return first, err
	}
}

func askTerminal(inv *Invocation, prompt, otherwise string) ([]byte, error) {
	f, ok := inv.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, fmt.Errorf("%s (there is no terminal to ask on)", otherwise)
	}
	return ask(f, inv.Stderr, prompt)
}

func ask(f *os.File, out io.Writer, prompt string) ([]byte, error) {
	fmt.Fprint(out, prompt)
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(out)
	return b, err
}
