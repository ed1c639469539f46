// The program sigstore-kms-darkstarttest speaks sigstore's plugin protocol for
// the tests of compiler/seal. Its keys lie in the folder that
// DARKSTART_TEST_KEYS names, unencrypted.
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/common"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/handler"
)

func main() {
	if err := run(); err != nil {
		_ = handler.WriteErrorResponse(os.Stdout, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) < 2 || os.Args[1] != common.ProtocolVersion {
		return fmt.Errorf("protocol %q is not %s", os.Args[1:], common.ProtocolVersion)
	}
	args, err := handler.GetPluginArgs(os.Args)
	if err != nil {
		return err
	}
	k, err := open(args.InitOptions)
	if err != nil {
		return err
	}
	_, err = handler.Dispatch(os.Stdout, os.Stdin, args, k) // it writes the answer
	return err
}

type key struct {
	signature.SignerVerifier
	public crypto.PublicKey
}

func open(o *common.InitOptions) (*key, error) {
	if o.KeyResourceID == "babble" {
		fmt.Println("Welcome to the key service!")
		os.Exit(0)
	}
	private, err := load(o.KeyResourceID)
	if err != nil {
		return nil, err
	}
	sv, err := signature.LoadSignerVerifier(private, o.HashFunc)
	if err != nil {
		return nil, err
	}
	public := private.Public()
	if o.KeyResourceID == "liar" { // what it shows is not what it signs with
		other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		public = other.Public()
	}
	return &key{sv, public}, nil
}

func load(name string) (crypto.Signer, error) {
	file := filepath.Join(os.Getenv("DARKSTART_TEST_KEYS"), name)
	der, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		made, err := generate(name)
		if err != nil {
			return nil, err
		}
		if der, err = x509.MarshalPKCS8PrivateKey(made); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, der, 0o600); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	return k.(crypto.Signer), nil
}

func generate(name string) (any, error) {
	switch name {
	case "p256", "liar":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "p384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ed25519":
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	}
	return nil, fmt.Errorf("no key %q", name)
}

func (k *key) PublicKey(...signature.PublicKeyOption) (crypto.PublicKey, error) { return k.public, nil }

func (k *key) CreateKey(context.Context, string) (crypto.PublicKey, error) {
	return nil, errors.New("keys are made by hand here")
}

func (k *key) CryptoSigner(context.Context, func(error)) (crypto.Signer, crypto.SignerOpts, error) {
	return nil, nil, errors.New("not part of the protocol")
}

func (k *key) SupportedAlgorithms() []string { return []string{"ecdsa-p256", "ed25519"} }

func (k *key) DefaultAlgorithm() string { return "ecdsa-p256" }
